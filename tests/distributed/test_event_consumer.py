"""A consumer of events that is killed again and again misses none, while stations charge and servers die."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

from tests.chaos.expected import ExpectedData
from tests.distributed.cluster import Cluster
from tests.distributed.conftest import MakeCluster
from tests.distributed.consuming import KilledProgram, charge_during_kills, spread
from tests.distributed.event_consumer import Received
from tests.processes import Launched, launch
from tests.servers import API_KEY

pytestmark = pytest.mark.slow


class Consumer(KilledProgram):
    """The consumer of pages, and its file."""

    def launch(self) -> Launched:
        words = ["tests.distributed.event_consumer", str(self.file), API_KEY, *map(str, self.ports)]
        return launch("module", *words, environment=os.environ)

    def start(self) -> None:
        """Start the process; return when it has read its file."""
        starts = len(self.received.starts)
        super().start()
        while len(self.received.starts) <= starts:
            self.assert_runs()
            time.sleep(0.01)  # poll: another process is starting

    @property
    def received(self) -> Received:
        return Received.read(self.file)

    @property
    def position(self) -> int:
        return self.received.position


@pytest.fixture
def cluster(make_cluster: MakeCluster) -> Iterator[Cluster]:
    # Presence is reported early, so that its events too come while processes are killed.
    cluster = make_cluster(0, LOG_LEVEL="WARNING", EVENT_OFFLINE_AFTER="2s")
    yield cluster
    cluster.stop()


async def consume_during_kills(
    cluster: Cluster, *, stations: int, kills: int, lifetime: tuple[int, int]
) -> None:
    consumer = Consumer(cluster.folder / "events.jsonl")
    charged = await charge_during_kills(cluster, consumer, stations=stations, kills=kills, lifetime=lifetime)
    received = consumer.received
    report(received)
    assert len(received.starts) == kills + 1
    assert_nothing_is_missing(cluster, received)
    assert_events_of_sessions(cluster, charged.expected, received)


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


def report(received: Received) -> None:
    first: dict[int, float] = {}
    for event in received.events:
        at = datetime.fromisoformat(event["timestamp"]).timestamp()
        first.setdefault(event["position"], event["seen"] - at)
    print(
        f"{len(first)} events ({len(received.events) - len(first)} read twice),"
        f" {len(received.starts) - 1} kills"
    )
    print(f"seconds until the consumer had an event, its absences included: {spread(first.values())}")
    print(dict(Counter(event["type"] for event in once(received).values()).most_common()))


async def test_a_consumer_that_is_killed_5_times_misses_no_event_of_12_stations(cluster: Cluster) -> None:
    await consume_during_kills(cluster, stations=12, kills=5, lifetime=(20, 150))


@pytest.mark.nightly
async def test_a_consumer_that_is_killed_20_times_misses_no_event_of_100_stations(cluster: Cluster) -> None:
    await consume_during_kills(cluster, stations=100, kills=20, lifetime=(100, 1_500))
