"""Many silent stations that stay connected from one job to the next, and come back when the server restarts.

One address has about 28,000 ports to connect from, so the stations share several of 127.0.0.0/8.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from typing import Any

from bench.conversations import CONVERSATIONS, Conversation
from bench.machine import Process
from bench.stations import LoadError, percentiles
from bench.wire import StationSocket

ADDRESSES = 250
# Attempts of all stations together while the server is away. Each waits for a random time, as 2.x wants it.
ATTEMPTS_PER_S = 2000
FIRST_RETRY_S = 0.5
STALLED_S = 120
WIDTH = 100


class SilentStation:
    """A socket that boots whenever it is opened, and then waits for the end of the connection."""

    def __init__(self, stations: Stations, number: int) -> None:
        self._all = stations
        self._number = number
        self._socket: StationSocket | None = None
        self._boots = 0
        self._began_at = 0.0
        self._retry: asyncio.TimerHandle | None = None

    async def connect(self) -> None:
        stations, number = self._all, self._number
        self._retry, self._socket, self._boots = None, None, 0
        self._began_at = time.perf_counter()
        loop = asyncio.get_running_loop()
        kind = stations.kind
        try:
            _, self._socket = await loop.create_connection(
                lambda: StationSocket(
                    f"/ocpp/{stations.identity % number}",
                    kind.subprotocol,
                    opened=self._opened,
                    received=self._received,
                    lost=self._lost,
                ),
                "127.0.0.1",
                stations.ports[number % len(stations.ports)],
                local_addr=(f"127.0.0.{2 + number % ADDRESSES}", 0),
            )
        except OSError as error:
            self._lost(str(error))

    def _opened(self) -> None:
        asyncio.get_running_loop().call_soon(self._boot)

    def _boot(self) -> None:
        if self._socket is None:
            # The handshake may complete before `connect` has the protocol object.
            asyncio.get_running_loop().call_soon(self._boot)
            return
        self._socket.send(self._all.kind.boot[self._boots])

    def _received(self, text: bytes) -> None:
        if not text.startswith(b"[3,") or (self._boots == 0 and b'"Accepted"' not in text):
            self._all.problems.append(f"{self._all.identity % self._number}: {text[:200]!r}")
            return
        self._boots += 1
        if self._boots < len(self._all.kind.boot):
            self._boot()
        else:
            self._all.booted(time.perf_counter() - self._began_at)

    def _lost(self, reason: str) -> None:
        # A refused handshake is reported twice: with its status and when the socket closes.
        if self._retry is not None or self._all.is_closing:
            return
        if self._boots == len(self._all.kind.boot):
            self._all.lost()
        self._boots = 0
        self._all.last_loss = reason
        wait = self._all.chance.uniform(FIRST_RETRY_S, FIRST_RETRY_S + self._all.count / ATTEMPTS_PER_S)
        self._retry = asyncio.get_running_loop().call_later(wait, self._again)

    def _again(self) -> None:
        self._all.spawn(self.connect())

    def close(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
        if self._socket is not None:
            self._socket.close()


class Stations:
    """All silent stations of a job. `identity` has the place of the station's number, as in "IDLE-%05d"."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.kind: type[Conversation] = CONVERSATIONS[job["version"]]
        self.identity: str = job["identity"]
        self.ports: list[int] = job["ports"]
        self.count: int = job["stations"]
        self.chance = random.Random(self.count)
        self.problems: list[str] = []
        self.last_loss = ""
        self.is_closing = False
        self.took: list[float] = []
        self.online = 0
        self.lost_at: float | None = None
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stations = [SilentStation(self, number) for number in range(self.count)]

    def spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def booted(self, seconds: float) -> None:
        self.took.append(seconds)
        self.online += 1
        self._changed.set()

    def lost(self) -> None:
        self.online -= 1
        if self.lost_at is None:
            self.lost_at = time.perf_counter()
            self.took.clear()

    async def connect(self) -> None:
        """Connect all stations, some at a time. The next one follows when one has booted."""
        for number, station in enumerate(self._stations):
            while number - self.online >= WIDTH:
                await self._one_more()
            self.spawn(station.connect())
        await self.all_online()

    async def all_online(self) -> None:
        """Wait until every station has booted. Raises LoadError when none has for long."""
        while self.online < self.count:
            await self._one_more()
        if self.problems:
            raise LoadError("; ".join(self.problems[:5]))

    async def _one_more(self) -> None:
        self._changed.clear()
        try:
            await asyncio.wait_for(self._changed.wait(), STALLED_S)
        except TimeoutError:
            reasons = "; ".join([*self.problems[:3], self.last_loss])
            raise LoadError(f"{self.online} of {self.count} stations are connected: {reasons}") from None

    async def close(self) -> None:
        self.is_closing = True
        for number, station in enumerate(self._stations):
            station.close()
            if number % WIDTH == 0:
                await asyncio.sleep(0)


_held: list[Stations] = []


def _memory(job: dict[str, Any]) -> int:
    return sum(Process(pid).memory() for pid in job["pids"])


async def hold(job: dict[str, Any]) -> dict[str, Any]:
    """Connect all stations and keep them. Returns the seconds it took, and memory in bytes of the servers
    before and after.
    """
    stations = Stations(job)
    before = _memory(job)
    began = time.perf_counter()
    try:
        await stations.connect()
    except LoadError:
        await stations.close()
        raise
    seconds = time.perf_counter() - began
    await asyncio.sleep(job["settle"])
    _held.append(stations)
    after = _memory(job)
    return {
        "connected": stations.online,
        "seconds": seconds,
        "before": before,
        "after": after,
        "per_connection": (after - before) / stations.count,
        "boot": percentiles(stations.took),
    }


async def back(job: dict[str, Any]) -> dict[str, Any]:
    """Wait until all kept stations are connected again. `seconds` count from the first that was lost."""
    stations = _held[-1]
    assert stations.lost_at is not None, "the server was not restarted"
    await stations.all_online()
    seconds = time.perf_counter() - stations.lost_at
    await asyncio.sleep(job["settle"])
    return {
        "connected": stations.online,
        "seconds": seconds,
        "after": _memory(job),
        "boot": percentiles(stations.took),
    }


async def release(job: dict[str, Any]) -> dict[str, Any]:
    """Close all kept stations."""
    while _held:
        with contextlib.suppress(OSError):
            await _held.pop().close()
    await asyncio.sleep(0.2)
    return {}
