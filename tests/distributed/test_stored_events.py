"""The example `store_events.py` has every event once, while it is killed and processes of the server die.

It reads the stream over several web processes and continues after its stored position.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from tests.chaos.expected import ExpectedData
from tests.distributed.cluster import Cluster
from tests.distributed.conftest import MakeCluster
from tests.distributed.consuming import KilledProgram, Roles, charge_during_kills, spread
from tests.processes import Launched, launch
from tests.servers import API_KEY

pytestmark = pytest.mark.slow

# Two web processes, two processors and a gateway.
SOAK: Roles = (("web", 2), ("gateway", 1), ("processor", 2), ("housekeeping", 1))


class StoringConsumer(KilledProgram):
    """The example, and its database."""

    def launch(self) -> Launched:
        addresses = [f"http://127.0.0.1:{port}" for port in self.ports]
        environment = {**os.environ, "CSMS_API_KEY": API_KEY}
        words = ["docs.examples.store_events", str(self.file), *addresses]
        with open(self.file.with_suffix(".log"), "ab") as log:
            return launch("module", *words, environment=environment, stderr=log)

    def rows(self, sql: str) -> list[dict[str, Any]]:
        if not self.file.exists():
            return []
        database = sqlite3.connect(f"file:{self.file}?mode=ro", uri=True, timeout=10)
        database.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in database.execute(sql)]
        finally:
            database.close()

    @property
    def position(self) -> int:
        try:
            return int(sum(row["position"] for row in self.rows("SELECT position FROM progress")))
        except sqlite3.OperationalError:  # its tables are being made
            return 0


@pytest.fixture
def cluster(make_cluster: MakeCluster) -> Iterator[Cluster]:
    cluster = make_cluster(0, LOG_LEVEL="WARNING", EVENT_OFFLINE_AFTER="2s")
    yield cluster
    cluster.stop()


async def store_during_kills(cluster: Cluster, **how: Any) -> None:
    consumer = StoringConsumer(cluster.folder / "events.sqlite3")
    charged = await charge_during_kills(cluster, consumer, **how)

    stored = consumer.rows("SELECT * FROM events ORDER BY position")
    report(stored)
    assert consumer.rows("SELECT * FROM resets") == []
    assert_equal_to_the_database(cluster, stored)
    assert_sequences_have_no_gap(stored)
    assert_sessions(cluster, charged.expected, stored)


def assert_equal_to_the_database(cluster: Cluster, stored: list[dict[str, Any]]) -> None:
    kept = cluster.rows(
        "SELECT uid AS id, position, nullif(station, '') AS station, sequence, type, data"
        " FROM api_events ORDER BY position"
    )
    names = ("id", "position", "station", "sequence", "type")
    assert [[row[name] for name in names] for row in stored] == [
        [row[name] for name in names] for row in kept
    ]
    assert [json.loads(row["data"]) for row in stored] == [json.loads(row["data"]) for row in kept]
    assert [row["position"] for row in stored] == list(range(1, len(kept) + 1))


def assert_sequences_have_no_gap(stored: list[dict[str, Any]]) -> None:
    sequences: dict[str, list[int]] = {}
    for row in stored:
        if row["station"] is not None:
            sequences.setdefault(row["station"], []).append(row["sequence"])
    assert {name for name, found in sequences.items() if found != list(range(1, len(found) + 1))} == set()


def assert_sessions(cluster: Cluster, expected: ExpectedData, stored: list[dict[str, Any]]) -> None:
    """Check that each session has one start and one end with the energy of its row."""
    ended: dict[int, float] = {}
    counts: Counter[tuple[str, int]] = Counter()
    for row in stored:
        if row["type"] in ("transaction.started", "transaction.ended"):
            data = json.loads(row["data"])
            counts[row["type"], data["transactionId"]] += 1
            if row["type"] == "transaction.ended":
                ended[data["transactionId"]] = data["energyWh"]
    rows = cluster.rows("SELECT id, energy_wh FROM transactions_transaction ORDER BY id")
    assert len(rows) == len(expected.sessions)
    assert set(counts.values()) == {1} and len(counts) == 2 * len(rows)
    assert ended == {row["id"]: pytest.approx(row["energy_wh"]) for row in rows}


def report(stored: list[dict[str, Any]]) -> None:
    delays = [row["received_at"] - datetime.fromisoformat(row["timestamp"]).timestamp() for row in stored]
    print(f"{len(stored)} events; seconds until one was stored, absences included: {spread(delays)}")


async def test_the_example_that_is_killed_5_times_stores_every_event_of_8_stations(cluster: Cluster) -> None:
    await store_during_kills(cluster, stations=8, kills=5, lifetime=(15, 60))


@pytest.mark.nightly
async def test_the_example_that_is_killed_20_times_stores_every_event_of_100_stations(
    cluster: Cluster,
) -> None:
    await store_during_kills(cluster, stations=100, kills=20, lifetime=(100, 1_500))


@pytest.mark.soak
async def test_the_example_that_is_killed_50_times_stores_every_event_of_300_stations(
    cluster: Cluster,
) -> None:
    await store_during_kills(cluster, stations=300, kills=50, lifetime=(100, 2_500), roles=SOAK, finish_s=600)
