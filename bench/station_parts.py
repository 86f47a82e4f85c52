"""Simulated stations in several processes: one process of Python plays some hundred of them at most."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import time
from collections import Counter
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any

from simulator.fleet import Fleet
from simulator.latency import Latencies

END_S = 30.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the stations are to do; `ramp` is in seconds."""

    url: str
    stations: int
    versions: tuple[str, ...]
    prefix: str
    password: str | None
    speed: float
    charging: bool
    free: bool
    tokens: tuple[str, ...]
    ramp: float


@dataclass(frozen=True, slots=True)
class Figures:
    """What all parts counted in a while; `cores` is the share of a core of each, `kept_out` why stations
    were never accepted.
    """

    latencies: Latencies
    online: int
    kept_out: dict[str, int]
    sessions: int
    seconds: float
    cores: list[float]


class Parts:
    """The processes. They connect at once; `connected` waits for it, `measured` takes what came after it."""

    def __init__(self, wanted: Wanted, count: int) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._pipes: list[Connection] = []
        self._processes = []
        for number in range(count):
            ours, theirs = spawn.Pipe()
            share = wanted.stations // count + (number < wanted.stations % count)
            mine = replace(wanted, stations=share, prefix=f"{wanted.prefix}-{number + 1}")
            process = spawn.Process(target=_play, args=(mine, theirs), daemon=True)
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)

    def __enter__(self) -> Parts:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            process.join(END_S)
            if process.is_alive():
                process.kill()

    def connected(self) -> Figures:
        """Wait until every station has connected, or given up."""
        return self._gathered([pipe.recv() for pipe in self._pipes])

    def measured(self) -> Figures:
        """What was counted since the stations were connected."""
        for pipe in self._pipes:
            pipe.send("measure")
        return self._gathered([pipe.recv() for pipe in self._pipes])

    @staticmethod
    def _gathered(parts: list[dict[str, Any]]) -> Figures:
        latencies = Latencies()
        for part in parts:
            latencies.add(part["latencies"])
        return Figures(
            latencies=latencies,
            online=sum(part["online"] for part in parts),
            kept_out=dict(sum((Counter(part["kept_out"]) for part in parts), Counter())),
            sessions=sum(part["sessions"] for part in parts),
            seconds=max(part["seconds"] for part in parts),
            cores=[part["cpu"] / part["seconds"] for part in parts],
        )


def _play(wanted: Wanted, pipe: Connection) -> None:
    # Ctrl-C reaches all processes; the first one ends us by closing the pipe.
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_live(wanted, pipe))


async def _live(wanted: Wanted, pipe: Connection) -> None:
    fleet = Fleet(
        wanted.url,
        wanted.stations,
        versions=wanted.versions,
        prefix=wanted.prefix,
        speed=wanted.speed,
        password=lambda identity: wanted.password,
        charging=wanted.charging,
        free=wanted.free,
        tokens=wanted.tokens,
    )
    told = asyncio.Event()
    asyncio.get_running_loop().add_reader(pipe.fileno(), told.set)
    at, cpu, sessions = time.monotonic(), time.process_time(), 0
    starting = asyncio.create_task(fleet.start(over_s=wanted.ramp))
    ended = asyncio.create_task(told.wait())
    await asyncio.wait((starting, ended), return_when=asyncio.FIRST_COMPLETED)
    try:
        while not told.is_set():
            pipe.send(
                {
                    "latencies": fleet.latencies.take(),
                    "online": fleet.online,
                    "kept_out": fleet.kept_out,
                    "sessions": fleet.sessions_done - sessions,
                    "seconds": time.monotonic() - at,
                    "cpu": time.process_time() - cpu,
                }
            )
            at, cpu, sessions = time.monotonic(), time.process_time(), fleet.sessions_done
            await told.wait()
            pipe.recv()  # raises EOFError when nobody wants more
            told.clear()
    except (EOFError, OSError):
        pass
    finally:
        starting.cancel()
        await fleet.stop(grace_s=2.0)
