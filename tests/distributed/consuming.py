"""Stations charge while a consumer of events is killed and started again, and processes of the server die."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.chaos import plan
from tests.chaos.expected import ExpectedData
from tests.chaos.stations import AnswerCounter
from tests.distributed.cluster import Cluster
from tests.distributed.killing import RestartedProcess, make_stations
from tests.distributed.reconnecting import percentile
from tests.processes import Launched
from tests.seeds import chosen_seed

Roles = tuple[tuple[str, int], ...]
ROLES: Roles = (("web", 2), ("gateway", 1), ("processor", 1), ("housekeeping", 1))


class Charged(NamedTuple):
    """The result of a run: what the stations expect to be stored, and how long it took."""

    expected: ExpectedData
    seconds: float


class KilledProgram(ABC):
    """A consumer in a process of its own, and the file that it keeps. `ports` are those of web processes."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.ports: list[int] = []
        self._process: Launched | None = None

    @abstractmethod
    def launch(self) -> Launched:
        """Start the process."""

    @property
    @abstractmethod
    def position(self) -> int:
        """The position of the last event that it has stored."""

    def start(self) -> None:
        self._process = self.launch()

    def kill(self) -> None:
        self.assert_runs()
        assert self._process is not None
        self._process.kill()
        self._process.wait(60)
        self._process = None

    def assert_runs(self) -> None:
        assert self._process is not None
        assert self._process.poll() is None, "the consumer ended by itself"

    @contextmanager
    def running(self) -> Iterator[None]:
        self.start()
        try:
            yield
        finally:
            if self._process is not None:
                self._process.kill()
                self._process.wait(60)


async def ages_of_the_oldest_without_a_number(cluster: Cluster, ages: list[float]) -> None:
    """Sample how long numbering is behind, in seconds, until this is cancelled."""
    sql = (
        "SELECT coalesce(extract(epoch FROM clock_timestamp() - min(at)), 0) AS age FROM api_events"
        " WHERE position IS NULL"
    )
    while True:
        (row,) = await asyncio.to_thread(cluster.rows, sql)
        ages.append(float(row["age"]))
        await asyncio.sleep(0.1)


async def charge_during_kills(  # noqa: PLR0913 - runs differ in all of these
    cluster: Cluster,
    consumer: KilledProgram,
    *,
    stations: int,
    kills: int,
    lifetime: tuple[int, int],
    roles: Roles = ROLES,
    finish_s: float = 240,
) -> Charged:
    """Let stations charge while the consumer is killed, and a web process and the elected housekeeper once.

    `lifetime` is after how many answers to stations each kill comes. The seed repeats those numbers and the
    choices of each station; which events a kill hits depends on the pace of the processes.
    """
    seed = chosen_seed("kills")
    expected, answers = ExpectedData(), AnswerCounter()
    planned = plan.restarts(seed, 0, answers=lifetime)
    groups = await asyncio.gather(*(asyncio.to_thread(cluster.add, count, role) for role, count in roles))
    processes = [RestartedProcess(server) for group in groups for server in group]
    web, other_web, *_, housekeeper = processes
    for number in range(stations):
        card = {"uid": f"CARD-{number}", "type": "RFID"}
        status, answer = await asyncio.to_thread(web.server.request, "POST", "/api/v1/tokens", card)
        assert status == 201, answer
    charging = make_stations(processes, stations, expected, answers, seed=seed)
    consumer.ports = [web.server.port, other_web.server.port]
    began = time.monotonic()
    running = [asyncio.ensure_future(station.run()) for station in charging]
    restarts: list[asyncio.Task[None]] = []
    ages: list[float] = []
    sampling = asyncio.ensure_future(ages_of_the_oldest_without_a_number(cluster, ages))
    with consumer.running():
        try:
            for number in range(kills):
                await answers.more(next(planned).answers)
                await asyncio.to_thread(consumer.kill)
                await asyncio.to_thread(consumer.start)
                if number == kills // 4:
                    restarts.append(asyncio.ensure_future(web.restart(0.5)))
                if number == kills // 2:
                    restarts.append(asyncio.ensure_future(housekeeper.restart(0.5)))
            await asyncio.gather(*restarts)
            for station in charging:
                station.finishing = True
            await asyncio.wait_for(asyncio.gather(*running), finish_s)
        finally:
            for task in (*running, *restarts, sampling):
                task.cancel()
            await asyncio.gather(*running, *restarts, sampling, return_exceptions=True)
        await asyncio.to_thread(wait_for_the_last_event, cluster, consumer)
    took = time.monotonic() - began

    print(
        f"{len(expected.sessions)} sessions in {took:.1f} s, {kills} kills of the consumer, "
        f"{expected.retries} repeated messages; age of the oldest event without a number: {spread(ages)}"
    )
    assert expected.faults == []
    assert expected.retries > 0, "the kill of the web process hit no message"
    return Charged(expected, took)


def wait_for_the_last_event(cluster: Cluster, consumer: KilledProgram) -> None:
    """Wait until each station was reported as offline and the consumer has stored the last position."""
    deadline = time.monotonic() + 90
    while True:
        (row,) = cluster.rows(
            "SELECT (SELECT count(*) FROM api_event_stations WHERE is_online) AS online,"
            " (SELECT count(*) FROM api_events WHERE position IS NULL) AS waiting,"
            " (SELECT position FROM api_event_stream) AS position"
        )
        stored = consumer.position
        if row == {"online": 0, "waiting": 0, "position": stored}:
            return
        assert time.monotonic() < deadline, f"{row}, the consumer is at {stored}"
        time.sleep(0.1)  # poll: other processes make it true


def spread(seconds: Iterable[float]) -> str:
    known = sorted(seconds)
    return f"median {percentile(known, 50):.3f}, 99 % {percentile(known, 99):.3f}, most {known[-1]:.3f}"
