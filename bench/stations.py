"""The generator's stations: sockets with a conversation, and what is counted of them.

The server's processor time is read at the same moments at which counting starts and stops.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from typing import Any

from bench.conversations import CONVERSATIONS, SAMPLES, Conversation
from bench.machine import Process
from bench.wire import StationSocket

_ids = itertools.count(1)
TIMEOUT_S = 120
STALLED_S = 30
_BATCHES = re.compile(r"^ocpp_journal_batch_jobs_(sum|count)(?:\{[^}]*\})? (\S+)", re.MULTILINE)


class LoadError(Exception):
    """The server did not behave like a healthy server."""


class Recorder:
    """Counts of messages and answer times in seconds. `is_on` is set during the measured window."""

    def __init__(self) -> None:
        self.sent: Counter[str] = Counter()
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
        # A closed loop sends the next message after the last answer, a paced loop at its due time, or after
        # a late answer: `overdue` is the due time of the message that waits for it.
        self.is_closed_loop = False
        self.overdue: float | None = None
        self.is_finishing = False
        self.is_heartbeat_only = False
        self.idle = asyncio.Event()
        self.idle.set()
        self.latencies = recorder.window
        self.paced_on: Callable[[float], None] = self.send
        self._created_at = time.perf_counter()
        self._boots = list(conversation.boot)
        self._sent_at = 0.0
        self._outstanding = ""

    async def connect(self, host: str, port: int, source: str | None = None) -> None:
        """Connect; `source` is the address to connect from."""
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
            local_addr=(source, 0) if source else None,
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
        if self.overdue is not None:
            due, self.overdue = self.overdue, None
            self.paced_on(due)

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
        self.kind = CONVERSATIONS[job["version"]]
        self.samples: int = job.get("samples", SAMPLES)
        # Other processes whose processor time is measured, each separately.
        self.members = {name: Process(pid) for name, pid in job.get("members", {}).items()}

    def station(self, identity: str, token: str) -> Station:
        return Station(self.kind(identity, token, self.samples), self.recorder)

    async def connect(self, *, width: int) -> list[float]:
        """Connect and boot all stations, `width` at a time. Returns the seconds each took."""
        job = self.job
        limit = asyncio.Semaphore(width)

        async def one(number: int) -> float:
            async with limit:
                station = self.station(f"{job['prefix']}-{number}", f"CARD{number}")
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
        await self.all_idle()
        for station in self.stations:
            assert station.socket is not None
            station.socket.close()
        if self.recorder.problems:
            raise LoadError("; ".join(self.recorder.problems[:5]))
        done = [station.conversation for station in self.stations]
        readings = sum(each.cycles * each.readings for each in done)
        return {
            "messages": self.recorder.sent["messages"],
            "cycles": sum(each.cycles for each in done),
            "readings": readings,
            "samples": readings * self.samples,
            "energy_wh": sum(each.cycles * each.energy_wh for each in done),
        }

    async def all_idle(self) -> None:
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

    async def _batches(self) -> dict[str, float]:
        """Return the sum and count of jobs in the journal's batches so far, if the job has an API key."""
        if "api_key" not in self.job:
            return {}
        url, key = f"http://127.0.0.1:{self.ports[0]}/metrics", self.job["api_key"]
        text = await asyncio.to_thread(_fetched, url, key)
        return {name: float(number) for name, number in _BATCHES.findall(text)}

    async def measured(self, seconds: float) -> dict[str, Any]:
        """Return the figures of a window."""
        recorder = self.recorder
        batches = await self._batches()
        shares = {name: member.cpu_seconds() for name, member in self.members.items()}
        count, cpu, at = recorder.sent["messages"], self.server.cpu_seconds(), time.perf_counter()
        recorder.is_on = True
        await asyncio.sleep(seconds)
        recorder.is_on = False
        cpu = self.server.cpu_seconds() - cpu
        messages = recorder.sent["messages"] - count
        elapsed = time.perf_counter() - at
        shares = {name: self.members[name].cpu_seconds() - before for name, before in shares.items()}
        grown = {name: value - batches[name] for name, value in (await self._batches()).items()}
        return {
            "batch": grown["sum"] / grown["count"] if grown.get("count") else None,
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


def _fetched(url: str, key: str) -> str:
    request = urllib.request.Request(url, headers={"Authorization": f"Api-Key {key}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return str(answer.read(), "utf-8")


def percentiles(seconds: list[float]) -> dict[str, float]:
    """Milliseconds."""
    if not seconds:
        return {}
    ordered = sorted(seconds)
    last = len(ordered) - 1
    return {f"p{p}": ordered[min(last, round(last * p / 100))] * 1000 for p in (50, 95, 99)} | {
        "max": ordered[-1] * 1000
    }
