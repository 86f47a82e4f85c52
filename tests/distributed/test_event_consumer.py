"""A consumer of events that is killed again and again misses none, while stations charge and servers die."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.chaos import plan
from tests.chaos.expected import ExpectedData
from tests.chaos.stations import AnswerCounter
from tests.distributed.cluster import Cluster
from tests.distributed.conftest import MakeCluster
from tests.distributed.event_consumer import Received
from tests.distributed.killing import RestartedProcess, make_stations
from tests.distributed.reconnecting import percentile
from tests.processes import Launched, launch
from tests.seeds import chosen_seed
from tests.servers import API_KEY

pytestmark = pytest.mark.slow
ROLES = (("web", 2), ("gateway", 1), ("processor", 1), ("housekeeping", 1))


class Consumer:
    """The consumer's process and its file."""

    def __init__(self, file: Path, ports: list[int]) -> None:
        self.file = file
        self._ports = ports
        self._process: Launched | None = None

    def start(self) -> None:
        """Start the process; return when it has read its file."""
        starts = len(self.received.starts)
        words = ["tests.distributed.event_consumer", str(self.file), API_KEY, *map(str, self._ports)]
        self._process = launch("module", *words, environment=os.environ)
        while len(self.received.starts) <= starts:
            assert self._process.poll() is None, "the consumer ended by itself"
            time.sleep(0.01)  # poll: another process is starting

    def kill(self) -> None:
        assert self._process is not None
        assert self._process.poll() is None, "the consumer ended by itself"
        self._process.kill()
        self._process.wait(60)
        self._process = None

    @property
    def received(self) -> Received:
        return Received.read(self.file)

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


@pytest.fixture
def cluster(make_cluster: MakeCluster) -> Iterator[Cluster]:
    # Presence is reported early, so that its events too come while processes are killed.
    cluster = make_cluster(0, LOG_LEVEL="WARNING", EVENT_OFFLINE_AFTER="2s")
    yield cluster
    cluster.stop()


async def consume_during_kills(
    cluster: Cluster, *, stations: int, kills: int, lifetime: tuple[int, int]
) -> None:
    """Let stations charge while the consumer is killed, and a web process and the elected housekeeper once.

    The seed repeats after how many
    answers to stations each kill comes and the choices of each station; which events a kill hits depends on
    the pace of the processes.
    """
    seed = chosen_seed("kills")
    expected, answers = ExpectedData(), AnswerCounter()
    planned = plan.restarts(seed, 0, answers=lifetime)
    groups = await asyncio.gather(*(asyncio.to_thread(cluster.add, count, role) for role, count in ROLES))
    processes = [RestartedProcess(server) for group in groups for server in group]
    web, other_web, *_, housekeeper = processes
    for number in range(stations):
        card = {"uid": f"CARD-{number}", "type": "RFID"}
        status, answer = await asyncio.to_thread(web.server.request, "POST", "/api/v1/tokens", card)
        assert status == 201, answer
    charging = make_stations(processes, stations, expected, answers, seed=seed)
    consumer = Consumer(cluster.folder / "events.jsonl", [web.server.port, other_web.server.port])
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
            await asyncio.wait_for(asyncio.gather(*running), 240)
        finally:
            for task in (*running, *restarts, sampling):
                task.cancel()
            await asyncio.gather(*running, *restarts, sampling, return_exceptions=True)
        await asyncio.to_thread(wait_for_the_last_event, cluster, consumer)
    took = time.monotonic() - began

    received = consumer.received
    report(received, expected, took, ages)
    assert expected.faults == []
    assert expected.retries > 0, "the kill of the web process hit no message"
    assert len(received.starts) == kills + 1
    assert_nothing_is_missing(cluster, received)
    assert_events_of_sessions(cluster, expected, received)


def wait_for_the_last_event(cluster: Cluster, consumer: Consumer) -> None:
    """Wait until each station was reported as offline and the consumer has stored the last position."""
    deadline = time.monotonic() + 90
    while True:
        (row,) = cluster.rows(
            "SELECT (SELECT count(*) FROM api_event_stations WHERE is_online) AS online,"
            " (SELECT count(*) FROM api_events WHERE position IS NULL) AS waiting,"
            " (SELECT position FROM api_event_stream) AS position"
        )
        stored = consumer.received.position
        if row == {"online": 0, "waiting": 0, "position": stored}:
            return
        assert time.monotonic() < deadline, f"{row}, the consumer is at {stored}"
        time.sleep(0.1)  # poll: other processes make it true


def once(received: Received) -> dict[int, dict[str, Any]]:
    """The events by position. Only a kill may repeat an event, which is then the same."""
    found: dict[int, dict[str, Any]] = {}
    for place, event in enumerate(received.events):
        position = event["position"]
        if position in found:
            assert {**found[position], "seen": 0} == {**event, "seen": 0}
        elif place not in received.starts:
            assert place == 0 or position == received.events[place - 1]["position"] + 1
        found[position] = event
    return found


def assert_nothing_is_missing(cluster: Cluster, received: Received) -> None:
    events = once(received)
    stored = cluster.rows("SELECT uid, position, sequence, type, station FROM api_events ORDER BY position")
    assert [(row["position"], row["uid"]) for row in stored] == [
        (position, event["id"]) for position, event in events.items()
    ]
    assert list(events) == list(range(1, len(stored) + 1))
    # Between two starts of the consumer nothing comes twice.
    borders = [*received.starts, len(received.events)]
    for first, last in pairwise(borders):
        positions = [event["position"] for event in received.events[first:last]]
        assert positions == sorted(set(positions))
    sequences: dict[str, list[int]] = {}
    for event in events.values():
        if event["station"] is None:
            assert event["sequence"] is None
        else:
            sequences.setdefault(event["station"], []).append(event["sequence"])
    gaps = {name: found for name, found in sequences.items() if found != list(range(1, len(found) + 1))}
    assert gaps == {}


def assert_events_of_sessions(cluster: Cluster, expected: ExpectedData, received: Received) -> None:
    """Check that each session has one start and one end, in this order, with what its row says."""
    started: dict[int, int] = {}
    ended: dict[int, tuple[int, float]] = {}
    counts: Counter[tuple[str, int]] = Counter()
    for position, event in once(received).items():
        if event["type"] in ("transaction.started", "transaction.ended"):
            number = event["data"]["transactionId"]
            counts[event["type"], number] += 1
            if event["type"] == "transaction.started":
                started[number] = position
            else:
                ended[number] = position, event["data"]["energyWh"]
    rows = cluster.rows("SELECT id, energy_wh, status FROM transactions_transaction ORDER BY id")
    assert len(rows) == len(expected.sessions)
    assert [key for key, count in counts.items() if count != 1] == []
    assert sorted(started) == sorted(ended) == [row["id"] for row in rows]
    assert {number: energy for number, (_, energy) in ended.items()} == {
        row["id"]: pytest.approx(row["energy_wh"]) for row in rows
    }
    assert [number for number in started if started[number] > ended[number][0]] == []


def report(received: Received, expected: ExpectedData, took: float, ages: list[float]) -> None:
    first: dict[int, float] = {}
    for event in received.events:
        at = datetime.fromisoformat(event["timestamp"]).timestamp()
        first.setdefault(event["position"], event["seen"] - at)
    print(
        f"{len(first)} events ({len(received.events) - len(first)} read twice) of {len(expected.sessions)}"
        f" sessions in {took:.1f} s, {len(received.starts) - 1} kills of the consumer,"
        f" {expected.retries} repeated messages"
    )
    print(f"seconds until the consumer had an event, its absences included: {spread(first.values())}")
    print(f"age of the oldest event without a number: {spread(ages)}")
    print(dict(Counter(event["type"] for event in once(received).values()).most_common()))


def spread(seconds: Iterable[float]) -> str:
    known = sorted(seconds)
    return f"median {percentile(known, 50):.3f}, 99 % {percentile(known, 99):.3f}, most {known[-1]:.3f}"


async def test_a_consumer_that_is_killed_5_times_misses_no_event_of_12_stations(cluster: Cluster) -> None:
    await consume_during_kills(cluster, stations=12, kills=5, lifetime=(20, 150))


@pytest.mark.nightly
async def test_a_consumer_that_is_killed_20_times_misses_no_event_of_100_stations(cluster: Cluster) -> None:
    await consume_during_kills(cluster, stations=100, kills=20, lifetime=(100, 1_500))
