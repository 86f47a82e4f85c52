"""Two processes on one machine share an SQLite file and write in turn. PostgreSQL is recommended instead."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.conformance.peer import Operator, eventually, station
from tests.distributed.charging import charging, more_answers
from tests.distributed.cluster import Cluster
from tests.distributed.engines import Redis

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster(
    tmp_path_factory: pytest.TempPathFactory, redis: Redis, migrated_database: Path
) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("shared-sqlite")
    shutil.copy(migrated_database, folder / "db.sqlite3")
    cluster = Cluster(folder, redis, "", OCPP_UNKNOWN_TOKENS="accept")
    cluster.add(2)
    yield cluster
    cluster.stop()
    assert "Traceback" not in cluster.log()


async def test_stations_of_two_processes_charge_at_once_and_every_session_is_stored_once(
    cluster: Cluster,
) -> None:
    async with charging(cluster.servers[0]) as here, charging(cluster.servers[1]) as there:
        await more_answers([*here, *there], 30)

    chargers = [*here, *there]
    assert [frame for charger in chargers for frame in charger.errors] == []
    assert [code for charger in chargers for code in charger.closes] == []
    with closing(sqlite3.connect(cluster.folder / "db.sqlite3")) as stored:
        rows = stored.execute(
            "SELECT t.id, t.meter_start_wh, t.meter_stop_wh, c.identity FROM transactions_transaction t"
            " JOIN chargepoints_chargepoint c ON c.id = t.charge_point_id WHERE t.status = 'ended'"
        ).fetchall()
    sessions = [(*session, charger.identity) for charger in chargers for session in charger.sessions]
    assert sorted(rows) == sorted(sessions)


async def test_processes_wait_for_another_writer_of_the_file(cluster: Cluster) -> None:
    async with charging(cluster.servers[0], 3) as here, charging(cluster.servers[1], 3) as there:
        with closing(sqlite3.connect(cluster.folder / "db.sqlite3", isolation_level=None)) as other:
            other.execute("PRAGMA busy_timeout = 30000")
            other.execute("BEGIN IMMEDIATE")
            await asyncio.sleep(2)  # the test is about this delay
            other.execute("ROLLBACK")

    assert [frame for charger in (*here, *there) for frame in charger.errors] == []
    assert [code for charger in (*here, *there) for code in charger.closes] == []


async def test_a_command_sent_to_one_process_reaches_the_station_at_the_other(cluster: Cluster) -> None:
    here, there = cluster.servers
    async with station(there) as peer:
        await eventually(lambda: peer.identity in cluster.clients(here))
        asked = asyncio.create_task(Operator(here).command(peer.identity, "ClearCache"))
        await peer.answer(await peer.next_call(), {"status": "Accepted"})

        assert (await asked)[0] == 200


def test_the_log_recommends_postgresql(cluster: Cluster) -> None:
    for server in cluster.servers:
        assert "DATABASE_URL=postgresql://" in server.log.read_text()
