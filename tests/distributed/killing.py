"""Processes that are killed and started again, and stations at gateways and at web processes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from tests.chaos.expected import ExpectedData
from tests.chaos.plan import Restart
from tests.chaos.stations import AnswerCounter, Station, Station2x, Station16, Station21
from tests.servers import LiveServer

KINDS = (Station16, Station2x, Station16, Station21)


class RestartedProcess:
    """A process that is killed and started again. `up` is set while it listens."""

    def __init__(self, server: LiveServer) -> None:
        self.server = server
        self.up = asyncio.Event()
        self.up.set()
        self.kills = 0

    @property
    def url(self) -> str:
        return self.server.ocpp

    async def kill_repeatedly(self, planned: Iterator[Restart], answers: AnswerCounter) -> None:
        """Kill the process each time the stations have got as many answers as planned, and restart it."""
        for kill in planned:
            await answers.more(kill.answers)
            # A cancellation must not come between the kill and the restart.
            await asyncio.shield(self.restart(kill.pause_s))

    async def restart(self, after_s: float) -> None:
        """Kill the process, and start it again after this time."""
        self.up.clear()
        await asyncio.to_thread(self.server.kill)
        self.kills += 1
        await asyncio.sleep(after_s)
        await asyncio.to_thread(self.server.start)
        self.up.set()


def make_stations(
    processes: list[RestartedProcess],
    count: int,
    expected: ExpectedData,
    answers: AnswerCounter,
    *,
    seed: int,
) -> list[Station]:
    """Create stations: half at gateways, half at sockets of web processes; half 1.6, half 2.x."""
    gateways = [process for process in processes if process.server.role == "gateway"]
    webs = [process for process in processes if process.server.role == "web"]
    found: list[Station] = []
    for number in range(count):
        group = (gateways, webs)[number // 4 % 2]
        process = group[number // 8 % len(group)]
        found.append(KINDS[number % 4](number, process, expected, seed=seed, observer=answers))
    return found
