"""Processors that share a station, in one thread and in a time that the scheduler sets.

The processors are real, and so are the scripts and Redis. The scheduler draws from one seed how long each
call to Redis and each step of a handler takes, whether the process freezes for longer than a claim lasts,
whether the call is lost before or after Redis has run it, or runs only after the caller has given up. So a
seed repeats a run step by step.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import selectors
from types import SimpleNamespace
from typing import Any

import pytest
import redis
from django.conf import settings
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError
from redis.exceptions import TimeoutError as RedisTimeoutError

from ocpp_server.live.redis.keys import Script
from ocpp_server.live.redis.link import TIMEOUT_S
from ocpp_server.live.redis.wire import Part, Wire
from ocpp_server.protocol.dispatch import CommitRefused, StorageUnavailable
from ocpp_server.transport.queue import processor as processing
from ocpp_server.transport.queue.claims import CLAIM_MS, Claim
from ocpp_server.transport.queue.gateway_side import FRAMES
from ocpp_server.transport.queue.processor import Processor
from ocpp_server.transport.queue.station import Outcome
from ocpp_server.transport.queue.stations import Stations
from tests.redis_scripts import START_MS, QueueBench, clocked

STATION, SESSION = "A", "s1"
# Short, so that claims are also released while messages wait.
MESSAGES_A_CLAIM = 3


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop without input, whose time jumps to the next timer."""

    def __init__(self) -> None:
        self.now_s = 0.0
        super().__init__(_Timers(self))

    def time(self) -> float:
        return self.now_s


class _Timers(selectors.SelectSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[Any]:
        assert timeout is not None, "Every task waits for another one."
        self._loop.now_s += max(0.0, timeout)
        return []


class World:
    """The scheduler, the database and the gateway of one run."""

    def __init__(self, bench: QueueBench, loop: VirtualLoop, seed: int) -> None:
        self.dice = random.Random(seed)
        self.bench = bench
        self.loop = loop
        password = settings.ENVIRONMENT["REDIS_PASSWORD"]
        # The connections of `bench` decode replies.
        self.client: Any = redis.Redis(settings.REDIS_HOST, settings.REDIS_PORT, password=password or None)
        self.effects: list[int] = []
        self.faults: list[str] = []
        self.log: list[str] = []
        self.sent = 0
        self.processes = 0
        # No more freezing, losses and refusals.
        self.is_calm = False
        self.is_over = asyncio.Event()
        # Set and replaced after every change in Redis.
        self.changed = asyncio.Event()
        bench.connect(STATION, SESSION)

    def note(self, text: str) -> None:
        self.log.append(f"{self.loop.now_s:9.3f} {text}")

    def chance(self, share: float) -> bool:
        return not self.is_calm and self.dice.random() < share

    def has_changed(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()

    def set_clock(self) -> None:
        self.bench.move_clock(START_MS + int(self.loop.now_s * 1000) - self.bench.now_ms)

    def push(self, count: int) -> None:
        """Push frames as a gateway does."""
        self.set_clock()
        keys = self.bench.keys
        frames = [str(self.sent + n) for n in range(1, count + 1)]
        names = [keys.ready, keys.wakeups, keys.session(STATION), keys.requests(STATION)]
        self.bench.run(FRAMES, names, STATION, SESSION, self.sent + 1, self.sent + count, *frames)
        self.sent += count
        self.has_changed()

    @property
    def answers(self) -> list[int]:
        """All answers so far, the first one first."""
        return [int(text) for text in self.client.lrange(self.bench.keys.responses(STATION), 0, -1)[::-1]]

    @property
    def unread(self) -> int:
        return int(self.client.llen(self.bench.keys.requests(STATION)))

    def holds(self, name: str, claim: Claim) -> bool:
        owner, epoch = self.client.hmget(self.bench.keys.lease(STATION), "owner", "epoch")
        return bool(owner == name.encode() and epoch == str(claim.epoch).encode())


class Process:
    """A process that freezes and dies as the scheduler wants."""

    def __init__(self, world: World) -> None:
        self._world = world
        world.processes += 1
        self.name = f"process {world.processes}"
        self._frozen_until = 0.0
        self.is_dead = False

    async def step(self) -> None:
        """Take some time. A dead process never goes on."""
        world = self._world
        if world.chance(0.02):
            self._frozen_until = world.loop.now_s + world.dice.uniform(0.2, 3.0) * CLAIM_MS / 1000
            world.note(f"{self.name} freezes")
        longest = 0.3 if world.chance(0.1) else 0.003
        await asyncio.sleep(world.dice.uniform(0.0, longest))
        while self._frozen_until > world.loop.now_s:
            await asyncio.sleep(self._frozen_until - world.loop.now_s)
        if self.is_dead:
            await world.is_over.wait()
        if world.is_over.is_set():
            raise RedisConnectionError("The run is over.")


class ScheduledWire(Wire):
    """A connection whose calls run at once, when the scheduler wants."""

    def __init__(self, world: World, process: Process) -> None:
        super().__init__()
        self._world = world
        self._process = process

    async def run(
        self,
        script: Script,
        keys: list[str],
        *arguments: Part,
        after: tuple[Part, ...] = (),
        block_s: float = 0.0,
    ) -> Any:
        if after:
            await self._wait(after[1:-1], block_s)
        used = clocked(script)
        parts = (len(keys), *keys, *arguments)
        return await self._scheduled(("EVALSHA", used.sha, *parts), ("EVAL", used.text, *parts))

    async def call(self, *parts: Part, block_s: float = 0.0) -> Any:
        return await self._scheduled(parts, parts)

    async def _wait(self, lists: tuple[Part, ...], block_s: float) -> None:
        """Wait for a wake-up as BLPOP does."""
        world = self._world
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(block_s):
                while not any(world.client.lpop(str(name)) for name in lists):
                    await world.changed.wait()

    async def _scheduled(self, short: tuple[Part, ...], long: tuple[Part, ...]) -> Any:
        world = self._world
        await self._process.step()
        if world.chance(0.02):
            world.note(f"{self._process.name} loses a call")
            raise RedisConnectionError("The call is lost.")
        if world.chance(0.03):
            # Redis hangs, and runs the call when its caller has given up.
            later = world.dice.uniform(TIMEOUT_S, 2 * CLAIM_MS / 1000)
            world.loop.call_later(later, self._now, short, long)
            world.note(f"a call of {self._process.name} waits for {later:.3f} s")
            await asyncio.sleep(TIMEOUT_S)
            await self._process.step()
            raise RedisTimeoutError("No reply.")
        reply = self._now(short, long)
        await self._process.step()
        if world.chance(0.03):
            world.note(f"{self._process.name} loses a reply")
            raise RedisConnectionError("The reply is lost.")
        return reply

    def _now(self, short: tuple[Part, ...], long: tuple[Part, ...]) -> Any:
        if self._world.is_over.is_set():
            return None
        self._world.set_clock()
        try:
            return self._world.client.execute_command(*short)
        except NoScriptError:
            return self._world.client.execute_command(*long)
        finally:
            self._world.has_changed()


class Loaded:
    """The state of the station in one process: `last` is the last message that it knows of."""

    def __init__(self, epoch: int, last: int) -> None:
        self.epoch = epoch
        self.last = last
        self.in_doubt = True


class Ledger(Stations):
    """Keeps loaded stations by the rules of `Stations`. The effect of a message is its number in the
    database, which refuses the number a second time.
    """

    def __init__(self, world: World, process: Process, owner: Processor) -> None:
        super().__init__(owner._redis)
        self._world = world
        self._process = process
        self._name = owner.name
        self._loaded: dict[bytes, Any] = self._known

    def forget(self, key: bytes) -> None:
        self._loaded.pop(key, None)

    async def handle(self, claim: Claim) -> Outcome:
        world, number = self._world, int(claim.head)
        known = self._loaded.get(claim.key)
        if known is None:
            await self._process.step()
            known = self._loaded[claim.key] = Loaded(claim.epoch, max(world.effects, default=0))
        if world.holds(self._name, claim) and known.last not in (number, number - 1):
            world.faults.append(f"message {number} is handled with the state after message {known.last}")
        is_checked = known.in_doubt
        await self._process.step()
        if world.chance(0.02):
            raise StorageUnavailable("The database is away.")
        if number not in world.effects:
            world.effects.append(number)
            world.note(f"{self._process.name} stores {number}")
        elif not is_checked:
            raise CommitRefused("The number is stored already.")
        known.last, known.in_doubt = number, False
        if world.chance(0.02):
            raise StorageUnavailable("The reply of the database is lost.")
        await self._process.step()
        return Outcome(claim.session_id, [str(number).encode()])


class ScheduledProcessor(Processor):
    """A processor without the chores that have nothing to do with claims."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.process = Process(world)
        self._redis._wire = ScheduledWire(world, self.process)
        self._redis._waiting = ScheduledWire(world, self.process)
        self._stations = Ledger(world, self.process, self)
        self.stop = asyncio.Event()
        self.running = asyncio.ensure_future(self.run(self.stop))

    async def _sweep(self) -> float:
        return 3600.0

    async def _sweep_gateways(self) -> None:
        return None


async def play(world: World, *, messages: int) -> None:
    """Let two processors handle the messages while processes freeze, stop and die."""
    dice = world.dice
    living = [ScheduledProcessor(world), ScheduledProcessor(world)]
    all_processors = list(living)
    while world.sent < messages or (world.unread and world.loop.now_s < 10 * messages):
        await asyncio.sleep(dice.choice((0.05, 0.5, 4.0)) * dice.random())
        if world.sent < messages and dice.random() < 0.5:
            world.push(min(dice.randint(1, 5), messages - world.sent))
        if dice.random() < 0.1:
            gone = living.pop(dice.randrange(2))
            if dice.random() < 0.7:
                world.note(f"{gone.process.name} dies")
                gone.process.is_dead = True
            else:
                gone.stop.set()
            living.append(ScheduledProcessor(world))
            all_processors.append(living[-1])
    world.note("calm")
    world.is_calm = True
    calm_s = world.loop.now_s
    while world.unread and world.loop.now_s < calm_s + 300:
        await asyncio.sleep(0.1)
    world.is_over.set()
    for one in all_processors:
        one.stop.set()
    await asyncio.gather(*(one.running for one in all_processors))


def run(bench: QueueBench, monkeypatch: pytest.MonkeyPatch, seed: int, *, messages: int) -> World:
    """Play one run, and return its world."""
    loop = VirtualLoop()
    monkeypatch.setattr(processing, "time", SimpleNamespace(monotonic=loop.time))
    monkeypatch.setattr(processing, "random", random.Random(seed))
    monkeypatch.setattr(processing, "MESSAGES_A_CLAIM", MESSAGES_A_CLAIM)
    worlds: list[World] = []

    async def main() -> None:
        worlds.append(World(bench, loop, seed))
        await play(worlds[0], messages=messages)

    try:
        loop.run_until_complete(main())
    finally:
        loop.close()
        for world in worlds:
            world.client.close()
    return worlds[0]
