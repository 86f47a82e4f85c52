"""Simulated stations in several processes: one Python process can run a few hundred at most."""

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
class Options:
    """Options of the stations; `ramp` is in seconds."""

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
    """Counts of all parts in an interval; `cores` is each part's share of a core, `not_accepted` the reasons
    of stations that were never accepted.
    """

    latencies: Latencies
    online: int
    not_accepted: dict[str, int]
    sessions: int
    seconds: float
    cores: list[float]


class Parts:
    """The simulator processes. They connect at once; `connected` waits for that, `measured` returns later
    counts.
    """

    def __init__(self, options: Options, count: int) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._pipes: list[Connection] = []
        self._processes = []
        for number in range(count):
            own_end, part_end = spawn.Pipe()
            share = options.stations // count + (number < options.stations % count)
            part_options = replace(options, stations=share, prefix=f"{options.prefix}-{number + 1}")
            process = spawn.Process(target=_run_part, args=(part_options, part_end), daemon=True)
            process.start()
            part_end.close()
            self._pipes.append(own_end)
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
        """Wait until every station has connected or failed."""
        return self._gathered([pipe.recv() for pipe in self._pipes])

    def measured(self) -> Figures:
        """Return the counts since the stations were connected."""
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
            not_accepted=dict(sum((Counter(part["not_accepted"]) for part in parts), Counter())),
            sessions=sum(part["sessions"] for part in parts),
            seconds=max(part["seconds"] for part in parts),
            cores=[part["cpu"] / part["seconds"] for part in parts],
        )


def _run_part(options: Options, pipe: Connection) -> None:
    # Ctrl-C reaches all processes; the parent ends this one by closing the pipe.
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run_fleet(options, pipe))


async def _run_fleet(options: Options, pipe: Connection) -> None:
    fleet = Fleet(
        options.url,
        options.stations,
        versions=options.versions,
        prefix=options.prefix,
        speed=options.speed,
        password=lambda identity: options.password,
        charging=options.charging,
        free=options.free,
        tokens=options.tokens,
    )
    requested = asyncio.Event()
    asyncio.get_running_loop().add_reader(pipe.fileno(), requested.set)
    at, cpu, sessions = time.monotonic(), time.process_time(), 0
    starting = asyncio.create_task(fleet.start(over_s=options.ramp))
    ended = asyncio.create_task(requested.wait())
    await asyncio.wait((starting, ended), return_when=asyncio.FIRST_COMPLETED)
    try:
        while not requested.is_set():
            pipe.send(
                {
                    "latencies": fleet.latencies.take(),
                    "online": fleet.online,
                    "not_accepted": fleet.not_accepted,
                    "sessions": fleet.sessions_done - sessions,
                    "seconds": time.monotonic() - at,
                    "cpu": time.process_time() - cpu,
                }
            )
            at, cpu, sessions = time.monotonic(), time.process_time(), fleet.sessions_done
            await requested.wait()
            pipe.recv()  # raises EOFError when the parent closed the pipe
            requested.clear()
    except (EOFError, OSError):
        pass
    finally:
        starting.cancel()
        await fleet.stop(grace_s=2.0)
