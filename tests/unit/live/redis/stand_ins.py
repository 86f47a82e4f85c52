"""A clock and stored data that the test sets, and processes that share their state through a real Redis."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
import redis.asyncio
from django.conf import settings

from ocpp_server.live.records import Connection, Consumption, TokenRecord, TransactionState
from ocpp_server.live.redis.publisher import Publisher
from ocpp_server.live.redis.state import RedisState
from ocpp_server.live.station import Station
from ocpp_server.protocol.dispatch import StorageUnavailable
from tests.distributed.engines import Redis
from tests.redis_scripts import Bench

AT = datetime(2026, 5, 4, 12, tzinfo=UTC)
LEASE_S = 30
LEASE_MS = LEASE_S * 1000
# A correct test never waits this long: what it waits for has happened in another task, or happens at once.
PATIENCE_S = 5


class Clock:
    """Stands for the module `time`, and for `asyncio` in modules that sleep: only the test lets time pass."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.time = time.time
        self.slept: list[float] = []
        self._sleepers: list[tuple[float, float, asyncio.Future[None]]] = []
        self._changed = asyncio.Event()
        self.time_limits: list[float] = []
        self._limits: list[asyncio.Timeout] = []

    def timeout(self, seconds: float) -> asyncio.Timeout:
        """A time limit that is over when the test says so."""
        self.time_limits.append(seconds)
        self._limits.append(limit := asyncio.timeout(None))
        return limit

    def end_time_limits(self) -> None:
        for limit in self._limits:
            limit.reschedule(0)

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        waking = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.now + seconds, seconds, waking))
        self._changed.set()
        await waking

    async def someone_sleeps(self, seconds: float | None = None) -> float:
        """Wait until a task sleeps, if given for so many seconds; returns for how long."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for _, asked, waking in self._sleepers:
                    if not waking.done() and seconds in (None, asked):
                        return asked
                self._changed.clear()
                await self._changed.wait()

    def move(self, seconds: float) -> None:
        """Let time pass, and wake those who have slept long enough."""
        self.now += seconds
        for until, _, waking in self._sleepers:
            if until <= self.now and not waking.done():
                waking.set_result(None)
        self._sleepers = [one for one in self._sleepers if not one[2].done()]


@dataclass
class Notices:
    """The connections that a process was told about."""

    lost: list[str] = field(default_factory=list)
    regained: list[str] = field(default_factory=list)

    async def is_lost(self, connection_id: str) -> None:
        self.lost.append(connection_id)

    async def is_regained(self, connection_id: str) -> None:
        self.regained.append(connection_id)


class Stored:
    """The stored transactions, tokens and configuration keys, which belong to the apps."""

    def __init__(self) -> None:
        self.active: dict[int, TransactionState] = {}
        self.highest = 0
        self.kept: list[int] = []
        self.keys: dict[str, dict[str, str]] = {}
        self.records: tuple[TokenRecord, ...] = ()
        self.used_mwh = 0
        self.is_away = False
        # Called before each reading with its name.
        self.reading: Any = lambda name: None
        # The stations of which the processes forgot their copies; None stands for all.
        self.forgotten: list[str | None] = []
        self.changed = asyncio.Event()

    def forget(self, identity: str | None) -> None:
        """The function `forget` of an app, which every process calls."""
        self.forgotten.append(identity)
        self.changed.set()

    def _read(self, name: str) -> None:
        if self.is_away:
            raise StorageUnavailable("The database is away.")
        self.reading(name)

    def load_running(self) -> tuple[int, list[TransactionState]]:
        self._read("load_running")
        return self.highest, list(self.active.values())

    def active_numbers(self) -> list[int]:
        self._read("active_numbers")
        return list(self.active)

    def highest_number(self) -> int:
        self._read("highest_number")
        return self.highest

    def keep_number(self, number: int) -> None:
        self.kept.append(number)

    def read_all_stored_keys(self) -> dict[str, dict[str, str]]:
        self._read("read_all_stored_keys")
        return {identity: dict(own) for identity, own in self.keys.items()}

    def read_all_tokens(self, uid_keys: list[str]) -> list[tuple[TokenRecord, ...]]:
        self._read("read_all_tokens")
        return [self.records for _ in uid_keys]

    def read_consumption(self, subject: str) -> Consumption:
        self._read("read_consumption")
        return Consumption(AT.date(), self.used_mwh, self.used_mwh)


class Processes:
    """Processes that share their state. Each is a live state; all have the clock and the data of the test."""

    def __init__(self, bench: Bench, engine: Redis, url: str, clock: Clock, stored: Stored) -> None:
        self.bench, self.engine, self.clock, self.stored = bench, engine, clock, stored
        self.running: list[RedisState] = []
        self._client = redis.asyncio.Redis.from_url(url, decode_responses=True, client_name="test")
        self._news = self._client.pubsub()
        self._number = 0

    async def start(self) -> RedisState:
        state = RedisState()
        self.running.append(state)
        async with asyncio.timeout(PATIENCE_S):
            await state.start()
        return state

    async def alone(self) -> RedisState:
        """A process that has filled the empty Redis long ago, and has just renewed its leases."""
        state = await self.start()
        self.clock.move(await self.clock.someone_sleeps())
        async with asyncio.timeout(PATIENCE_S):
            for _ in range(2):
                await self._read_news(["rebuilt"])
        await self.flushed_ago(10 * settings.REDIS_STATE_TTL)
        await self.tick(settings.REDIS_STATE_TTL)
        return state

    async def flushed_ago(self, seconds: float) -> None:
        """Let the last flush be so long ago, within a few seconds, and let all processes notice."""
        now_s = self.bench.client.time()[0]
        self.bench.client.hset(self.bench.keys.mark, "at", int((now_s - seconds) * 1000))
        await self.tick()

    async def stop(self, state: RedisState) -> None:
        self.running.remove(state)
        async with asyncio.timeout(PATIENCE_S):
            await state.stop()

    async def close(self) -> None:
        for state in list(self.running):
            await self.stop(state)
        await self._news.aclose()  # type: ignore[no-untyped-call]
        await self._client.aclose()

    # -- waiting ------------------------------------------------------------------------------------

    async def _until_forgotten(self, name: str, times: int) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while self.stored.forgotten.count(name) < times:
                self.stored.changed.clear()
                await self.stored.changed.wait()

    async def received(self, *news: list[Any], sender: str = "") -> None:
        """Publish news, and wait until all processes have applied them and what was published before."""
        self._number += 1
        mark = f"mark-{self._number}"
        if news:
            self.publish(*news, sender=sender)
        self.publish(["removed", mark])
        await self._until_forgotten(mark, len(self.running))

    def publish(self, *news: list[Any], sender: str = "") -> None:
        text = msgspec.json.encode([sender, list(news)]).decode()
        self.bench.client.publish(self.bench.keys.news, text)

    async def tick(self, seconds: float = 1.0) -> None:
        """Let time pass, and wait until the tick of each process has ended."""
        self.clock.move(seconds)
        # The first news wake the processes, which tick after them; the second ones arrive after the tick.
        await self.received()
        await self.received()

    async def listen(self) -> None:
        """Collect the news from now on, for `published`."""
        await self._news.subscribe(self.bench.keys.news)
        assert (await self._news.get_message(timeout=PATIENCE_S))["type"] == "subscribe"

    async def published(self, state: RedisState) -> list[list[Any]]:
        """Wait until the process has written its changes. Returns all news since the last call."""
        self._number += 1
        mark = f"mark-{self._number}"
        state.station_removed(mark)
        async with asyncio.timeout(PATIENCE_S):
            found = await self._read_news(["removed", mark])
        await self.received()
        return [one for one in found if not str(one[-1]).startswith("mark-")]

    async def _read_news(self, last: list[Any]) -> list[list[Any]]:
        """Read news until these have come."""
        found: list[list[Any]] = []
        while last not in found:
            message = await self._news.get_message(timeout=PATIENCE_S)
            if message is not None and message["type"] == "message":
                found += msgspec.json.decode(message["data"])[1]
        return found

    async def until_up(self, state: RedisState) -> None:
        """Wait until the process receives news again."""
        async with asyncio.timeout(PATIENCE_S):
            while not state.is_current:
                await asyncio.sleep(0)

    # -- Redis --------------------------------------------------------------------------------------

    def close_connections_for_news(self) -> None:
        """Close the connections over which the processes receive news."""
        for client in self.bench.client.client_list(_type="pubsub"):
            if client["name"] != "test":
                self.bench.client.client_kill_filter(_id=client["id"])

    @contextmanager
    def away(self) -> Iterator[None]:
        """Close all connections to Redis, and refuse new ones."""
        with away(self.bench, self.engine):
            yield


@contextmanager
def away(bench: Bench, engine: Redis) -> Iterator[None]:
    """Close all connections to Redis except that of the test, and refuse new ones."""
    client = bench.client
    client.config_set("requirepass", "closed")
    try:
        for kind in ("normal", "pubsub"):
            client.client_kill_filter(_type=kind, skipme=True)
        yield
    finally:
        client.config_set("requirepass", engine.password)


def expire(bench: Bench, identity: str = "CP-1") -> None:
    """Let the lease end."""
    bench.client.zadd(bench.keys.clients, {identity: 1})


async def settle() -> None:
    """Let the notices run that were begun."""
    await asyncio.sleep(0)


async def published(publisher: Publisher, bench: Bench) -> list[Any]:
    """Wait until all changes are written. Returns the news."""
    with bench.news() as news:
        await publisher.settled()
    assert all(sender == "P1" for sender, _ in news)
    return [one for _, some in news for one in some]


def opened(id: str = "s1", identity: str = "CP-1", **more: Any) -> Connection:
    return Connection(id, identity, "ocpp1.6", "process.1", "192.0.2.7", AT, **more)


def running(
    number: int = 1001, station: str = "CP-1", token_key: str = "card", **more: Any
) -> TransactionState:
    times = {"started_at": AT, "last_message_at": AT}
    values = {"id": number, "ocpp_id": str(number), "station": station, "token_key": token_key}
    return TransactionState(**(values | times | more))


def station_of(*transactions: TransactionState, identity: str = "CP-1") -> Station:
    station = Station(pk=1, identity=identity, version="ocpp1.6")
    station.transactions = {one.id: one for one in transactions}
    return station
