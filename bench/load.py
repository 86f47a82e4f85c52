"""The generator: a process of its own that takes jobs as lines of JSON and answers each with its figures.

It reads the server's processor time itself, at the very moments between which it counts messages.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from collections import Counter
from typing import Any

import uvloop

from bench.conversations import CONVERSATIONS, Conversation
from bench.machine import Process
from bench.wire import StationSocket

_ids = itertools.count(1)
PATIENCE_S = 120
STALLED_S = 30
LONE_EVERY_S = 0.05


class LoadError(Exception):
    """The server did not do what a healthy server does."""


class Recorder:
    """What was said and how long the answers took, seconds. `is_on` marks the measured window."""

    def __init__(self) -> None:
        self.said: Counter[str] = Counter()
        self.transactions = 0
        self.energy_wh = 0
        self.is_on = False
        self.window: list[float] = []
        self.lone: list[float] = []
        self.problems: list[str] = []


class Station:
    """One socket and its conversation; at most one message in hand."""

    def __init__(self, conversation: Conversation, recorder: Recorder) -> None:
        self.conversation = conversation
        self.recorder = recorder
        self.ready: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self.socket: StationSocket | None = None
        self.is_open = False
        # A closed loop says the next message when the last was answered; a paced one when its time has come.
        self.is_closed_loop = False
        self.is_finishing = False
        self.is_heartbeat_only = False
        self.idle = asyncio.Event()
        self.idle.set()
        self.latencies = recorder.window
        self._born = time.perf_counter()
        self._boots = list(conversation.boot)
        self._said_at = 0.0
        self._in_hand = ""

    async def connect(self, host: str, port: int) -> None:
        conversation = self.conversation
        loop = asyncio.get_running_loop()
        _, protocol = await loop.create_connection(
            lambda: StationSocket(
                f"/ocpp/{conversation.identity}",
                conversation.subprotocol,
                opened=self._opened,
                heard=self._heard,
                lost=self._lost,
            ),
            host,
            port,
        )
        self.socket = protocol

    def _opened(self) -> None:
        self.is_open = True
        # The protocol object is ours before `connect` returns it: the handshake may be quicker.
        asyncio.get_running_loop().call_soon(self._boot)

    def _boot(self) -> None:
        if self.socket is None:
            asyncio.get_running_loop().call_soon(self._boot)
            return
        self._in_hand = "boot"
        self.socket.say(self._boots.pop(0))

    def _lost(self, reason: str) -> None:
        if not self.ready.done():
            self.ready.set_exception(LoadError(f"{self.conversation.identity}: {reason}"))
        elif self.is_open and not self.idle.is_set():
            self.recorder.problems.append(f"{self.conversation.identity}: {reason}")
            self.idle.set()
        self.is_open = False

    def begin(self) -> None:
        """Say the next message now."""
        self.say(time.perf_counter())

    def say(self, due: float) -> None:
        """Say the next message; its latency counts from `due`, which may have passed already."""
        message_id = next(_ids)
        assert self.socket is not None
        conversation = self.conversation
        text = conversation.heartbeat(message_id) if self.is_heartbeat_only else conversation.next(message_id)
        self._in_hand = "message"
        self.idle.clear()
        self._said_at = due
        self.socket.say(text)

    def _heard(self, text: bytes) -> None:
        recorder = self.recorder
        if self._in_hand == "boot":
            self._booted(text)
            return
        if recorder.is_on:
            self.latencies.append(time.perf_counter() - self._said_at)
        recorder.said["messages"] += 1
        if not self.is_heartbeat_only:
            conversation = self.conversation
            step = conversation.step
            try:
                conversation.answered(text)
            except ValueError as error:
                recorder.problems.append(str(error))
                self.idle.set()
                return
            recorder.said[f"step {step}"] += 1
            if self.is_closed_loop and not (self.is_finishing and conversation.is_between_cycles):
                self.say(time.perf_counter())
                return
        self.idle.set()

    def _booted(self, text: bytes) -> None:
        self.recorder.said["messages"] += 1
        is_boot = len(self._boots) == len(self.conversation.boot) - 1
        if not text.startswith(b"[3,") or (is_boot and b'"Accepted"' not in text):
            self.ready.set_exception(LoadError(f"{self.conversation.identity}: {text[:200]!r}"))
        elif self._boots:
            assert self.socket is not None
            self.socket.say(self._boots.pop(0))
        else:
            self.ready.set_result(time.perf_counter() - self._born)


class Fleet:
    """Some stations at one server, ready to be told what to do."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.job = job
        self.recorder = Recorder()
        self.stations: list[Station] = []
        self.server = Process(job["pid"])
        self.ports: list[int] = job.get("ports") or [job["port"]]
        # More processes whose time is taken, each by itself.
        self.members = {name: Process(pid) for name, pid in job.get("members", {}).items()}

    async def connect(self, *, width: int) -> list[float]:
        """Connect and boot all stations, `width` at a time; the seconds each took from its own beginning."""
        job = self.job
        gate = asyncio.Semaphore(width)
        kind = CONVERSATIONS[job["version"]]

        async def one(number: int) -> float:
            async with gate:
                station = Station(kind(f"{job['prefix']}-{number}", f"CARD{number}"), self.recorder)
                self.stations.append(station)
                await station.connect("127.0.0.1", self.ports[number % len(self.ports)])
                return await asyncio.wait_for(station.ready, PATIENCE_S)

        return list(await asyncio.gather(*(one(number) for number in range(job["stations"]))))

    async def finish(self) -> dict[str, Any]:
        """Let every station end its cycle, then hang up; what was said in all."""
        for station in self.stations:
            station.is_finishing = True
        for station in self.stations:
            if (
                station.is_closed_loop
                and station.idle.is_set()
                and not station.conversation.is_between_cycles
            ):
                station.begin()
        await self._all_idle()
        for station in self.stations:
            assert station.socket is not None
            station.socket.close()
        if self.recorder.problems:
            raise LoadError("; ".join(self.recorder.problems[:5]))
        return {
            "messages": self.recorder.said["messages"],
            "cycles": sum(station.conversation.cycles for station in self.stations),
            "energy_wh": sum(s.conversation.cycles * s.conversation.energy_wh for s in self.stations),
        }

    async def _all_idle(self) -> None:
        """However long that takes, as long as answers come. Raises LoadError."""
        everybody = asyncio.gather(*(station.idle.wait() for station in self.stations))
        while True:
            before = self.recorder.said["messages"]
            try:
                await asyncio.wait_for(asyncio.shield(everybody), STALLED_S)
                return
            except TimeoutError:
                if self.recorder.said["messages"] > before:
                    continue
                everybody.cancel()
                names = [s.conversation.identity for s in self.stations if not s.idle.is_set()]
                raise LoadError(
                    f"{len(names)} stations wait for an answer that does not come, such as {names[0]}"
                ) from None

    async def measured(self, seconds: float) -> dict[str, Any]:
        """The figures of a window."""
        recorder = self.recorder
        shares = {name: member.cpu_seconds() for name, member in self.members.items()}
        said, cpu, at = recorder.said["messages"], self.server.cpu_seconds(), time.perf_counter()
        recorder.is_on = True
        await asyncio.sleep(seconds)
        recorder.is_on = False
        cpu = self.server.cpu_seconds() - cpu
        messages = recorder.said["messages"] - said
        elapsed = time.perf_counter() - at
        shares = {name: self.members[name].cpu_seconds() - before for name, before in shares.items()}
        return {
            "seconds": elapsed,
            "counted": messages,
            "shares": shares,
            "cpu": cpu,
            "per_second": messages / elapsed,
            "per_cpu_second": messages / cpu if cpu else 0.0,
            "us": cpu / messages * 1e6 if messages else 0.0,
            "latency": percentiles(recorder.window),
            "lone": percentiles(recorder.lone),
        }


def percentiles(seconds: list[float]) -> dict[str, float]:
    """Milliseconds."""
    if not seconds:
        return {}
    ordered = sorted(seconds)
    last = len(ordered) - 1
    return {f"p{p}": ordered[min(last, round(last * p / 100))] * 1000 for p in (50, 95, 99)} | {
        "max": ordered[-1] * 1000
    }


async def closed(job: dict[str, Any]) -> dict[str, Any]:
    """All stations in a closed loop; with `lone`, one more that says nothing but a Heartbeat now and then."""
    fleet = Fleet(job)
    await fleet.connect(width=50)
    lone = await _lone(fleet) if job.get("lone") else None
    for station in fleet.stations:
        station.is_closed_loop = station is not (lone and lone[0])
        if station.is_closed_loop:
            station.begin()
    await asyncio.sleep(job["warm"])
    figures = await fleet.measured(job["seconds"])
    if lone is not None:
        lone[1].cancel()
    return figures | {"sent": await fleet.finish()}


async def _lone(fleet: Fleet) -> tuple[Station, asyncio.Task[None]]:
    kind = CONVERSATIONS[fleet.job["version"]]
    station = Station(kind(f"{fleet.job['prefix']}-lone", "CARD0"), fleet.recorder)
    station.is_heartbeat_only = True
    station.latencies = fleet.recorder.lone
    await station.connect("127.0.0.1", fleet.ports[0])
    await station.ready
    fleet.stations.append(station)

    async def beat() -> None:
        while True:
            await asyncio.sleep(LONE_EVERY_S)
            if station.idle.is_set():
                station.begin()

    return station, asyncio.get_running_loop().create_task(beat())


async def paced(job: dict[str, Any]) -> dict[str, Any]:
    """`rate` messages a second in all, whatever the answers take; a late one counts from when it was due."""
    fleet = Fleet(job)
    await fleet.connect(width=50)
    loop = asyncio.get_running_loop()
    every = len(fleet.stations) / job["rate"]
    origin = time.perf_counter()
    is_running = True

    def tick(station: Station, due: float) -> None:
        if not is_running:
            return
        if station.idle.is_set():
            station.say(due)
            following = due + every
        else:
            # Still unanswered: try again in a moment. `due` stays, so the delay is in the figures.
            following = due
        wait = following - time.perf_counter() if following > due else 0.0005
        loop.call_later(max(wait, 0.0), tick, station, following)

    for number, station in enumerate(fleet.stations):
        due = origin + every * number / len(fleet.stations)
        loop.call_later(due - origin, tick, station, due)
    await asyncio.sleep(job["warm"])
    figures = await fleet.measured(job["seconds"])
    is_running = False
    for station in fleet.stations:
        station.is_closed_loop = True
    await asyncio.sleep(0.1)
    return figures | {"sent": await fleet.finish()}


async def boots(job: dict[str, Any]) -> dict[str, Any]:
    """All stations connect and boot at once."""
    fleet = Fleet(job)
    at = time.perf_counter()
    took = await fleet.connect(width=job["stations"])
    elapsed = time.perf_counter() - at
    return {
        "seconds": elapsed,
        "latency": percentiles(took),
        "accepted": len(took),
        "sent": await fleet.finish(),
    }


async def idle(job: dict[str, Any]) -> dict[str, Any]:
    """Memory before, and with all stations connected, booted and silent; bytes."""
    fleet = Fleet(job)
    before = fleet.server.memory()
    await fleet.connect(width=50)
    await asyncio.sleep(job["settle"])
    after = fleet.server.memory()
    return {
        "before": before,
        "after": after,
        "per_connection": (after - before) / len(fleet.stations),
        "sent": await fleet.finish(),
    }


JOBS = {"closed": closed, "paced": paced, "boots": boots, "idle": idle}


async def _main() -> None:
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        job = json.loads(line)
        try:
            answer = await JOBS[job["job"]](job)
        except (LoadError, TimeoutError, OSError) as error:
            answer = {"error": str(error) or type(error).__name__}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    uvloop.run(_main())
