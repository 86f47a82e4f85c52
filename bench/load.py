"""The load generator: a separate process that reads jobs as lines of JSON and answers each with its figures.

It also reads the server's processor time, at the same moments at which it starts and stops counting messages.
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
TIMEOUT_S = 120
STALLED_S = 30
LONE_EVERY_S = 0.05


class LoadError(Exception):
    """The server did not behave like a healthy server."""


class Recorder:
    """Counts of messages and answer times in seconds. `is_on` is set during the measured window."""

    def __init__(self) -> None:
        self.sent: Counter[str] = Counter()
        self.transactions = 0
        self.energy_wh = 0
        self.is_on = False
        self.window: list[float] = []
        self.lone: list[float] = []
        self.problems: list[str] = []


class Station:
    """A socket and its conversation, with at most one outstanding message."""

    def __init__(self, conversation: Conversation, recorder: Recorder) -> None:
        self.conversation = conversation
        self.recorder = recorder
        self.ready: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self.socket: StationSocket | None = None
        self.is_open = False
        # A closed loop sends the next message after the last answer, a paced loop at its due time.
        self.is_closed_loop = False
        self.is_finishing = False
        self.is_heartbeat_only = False
        self.idle = asyncio.Event()
        self.idle.set()
        self.latencies = recorder.window
        self._created_at = time.perf_counter()
        self._boots = list(conversation.boot)
        self._sent_at = 0.0
        self._outstanding = ""

    async def connect(self, host: str, port: int) -> None:
        conversation = self.conversation
        loop = asyncio.get_running_loop()
        _, protocol = await loop.create_connection(
            lambda: StationSocket(
                f"/ocpp/{conversation.identity}",
                conversation.subprotocol,
                opened=self._opened,
                received=self._received,
                lost=self._lost,
            ),
            host,
            port,
        )
        self.socket = protocol

    def _opened(self) -> None:
        self.is_open = True
        # The handshake may complete before `connect` has returned the protocol object.
        asyncio.get_running_loop().call_soon(self._boot)

    def _boot(self) -> None:
        if self.socket is None:
            asyncio.get_running_loop().call_soon(self._boot)
            return
        self._outstanding = "boot"
        self.socket.send(self._boots.pop(0))

    def _lost(self, reason: str) -> None:
        if not self.ready.done():
            self.ready.set_exception(LoadError(f"{self.conversation.identity}: {reason}"))
        elif self.is_open and not self.idle.is_set():
            self.recorder.problems.append(f"{self.conversation.identity}: {reason}")
            self.idle.set()
        self.is_open = False

    def begin(self) -> None:
        """Send the next message now."""
        self.send(time.perf_counter())

    def send(self, due: float) -> None:
        """Send the next message; its latency counts from `due`, which may be in the past."""
        message_id = next(_ids)
        assert self.socket is not None
        conversation = self.conversation
        text = conversation.heartbeat(message_id) if self.is_heartbeat_only else conversation.next(message_id)
        self._outstanding = "message"
        self.idle.clear()
        self._sent_at = due
        self.socket.send(text)

    def _received(self, text: bytes) -> None:
        recorder = self.recorder
        if self._outstanding == "boot":
            self._booted(text)
            return
        if recorder.is_on:
            self.latencies.append(time.perf_counter() - self._sent_at)
        recorder.sent["messages"] += 1
        if not self.is_heartbeat_only:
            conversation = self.conversation
            step = conversation.step
            try:
                conversation.answered(text)
            except ValueError as error:
                recorder.problems.append(str(error))
                self.idle.set()
                return
            recorder.sent[f"step {step}"] += 1
            if self.is_closed_loop and not (self.is_finishing and conversation.is_between_cycles):
                self.send(time.perf_counter())
                return
        self.idle.set()

    def _booted(self, text: bytes) -> None:
        self.recorder.sent["messages"] += 1
        is_boot = len(self._boots) == len(self.conversation.boot) - 1
        if not text.startswith(b"[3,") or (is_boot and b'"Accepted"' not in text):
            self.ready.set_exception(LoadError(f"{self.conversation.identity}: {text[:200]!r}"))
        elif self._boots:
            assert self.socket is not None
            self.socket.send(self._boots.pop(0))
        else:
            self.ready.set_result(time.perf_counter() - self._created_at)


class Fleet:
    """Stations connected to one server."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.job = job
        self.recorder = Recorder()
        self.stations: list[Station] = []
        self.server = Process(job["pid"])
        self.ports: list[int] = job.get("ports") or [job["port"]]
        # Other processes whose processor time is measured, each separately.
        self.members = {name: Process(pid) for name, pid in job.get("members", {}).items()}

    async def connect(self, *, width: int) -> list[float]:
        """Connect and boot all stations, `width` at a time. Returns the seconds each took."""
        job = self.job
        limit = asyncio.Semaphore(width)
        kind = CONVERSATIONS[job["version"]]

        async def one(number: int) -> float:
            async with limit:
                station = Station(kind(f"{job['prefix']}-{number}", f"CARD{number}"), self.recorder)
                self.stations.append(station)
                await station.connect("127.0.0.1", self.ports[number % len(self.ports)])
                return await asyncio.wait_for(station.ready, TIMEOUT_S)

        return list(await asyncio.gather(*(one(number) for number in range(job["stations"]))))

    async def finish(self) -> dict[str, Any]:
        """Let every station finish its cycle, then close all sockets. Returns the totals."""
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
            "messages": self.recorder.sent["messages"],
            "cycles": sum(station.conversation.cycles for station in self.stations),
            "energy_wh": sum(s.conversation.cycles * s.conversation.energy_wh for s in self.stations),
        }

    async def _all_idle(self) -> None:
        """Wait until all stations are idle, as long as answers arrive. Raises LoadError."""
        all_idle = asyncio.gather(*(station.idle.wait() for station in self.stations))
        while True:
            before = self.recorder.sent["messages"]
            try:
                await asyncio.wait_for(asyncio.shield(all_idle), STALLED_S)
                return
            except TimeoutError:
                if self.recorder.sent["messages"] > before:
                    continue
                all_idle.cancel()
                names = [s.conversation.identity for s in self.stations if not s.idle.is_set()]
                raise LoadError(f"{len(names)} stations got no answer, such as {names[0]}") from None

    async def measured(self, seconds: float) -> dict[str, Any]:
        """Return the figures of a window."""
        recorder = self.recorder
        shares = {name: member.cpu_seconds() for name, member in self.members.items()}
        count, cpu, at = recorder.sent["messages"], self.server.cpu_seconds(), time.perf_counter()
        recorder.is_on = True
        await asyncio.sleep(seconds)
        recorder.is_on = False
        cpu = self.server.cpu_seconds() - cpu
        messages = recorder.sent["messages"] - count
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
    """Run all stations in a closed loop; with `lone`, one more station only sends a Heartbeat from time to
    time.
    """
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

    async def send_heartbeats() -> None:
        while True:
            await asyncio.sleep(LONE_EVERY_S)
            if station.idle.is_set():
                station.begin()

    return station, asyncio.get_running_loop().create_task(send_heartbeats())


async def paced(job: dict[str, Any]) -> dict[str, Any]:
    """Send `rate` messages a second in total, independent of the answers; latency counts from the
    due time.
    """
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
            station.send(due)
            following = due + every
        else:
            # The last message is still unanswered: try again later. `due` stays, so the delay is in the
            # figures.
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
    """Connect and boot all stations at once."""
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
    """Measure memory in bytes before, and with all stations connected, booted and silent."""
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
