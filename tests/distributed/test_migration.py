"""A migration while stations are connected: no socket closes, no boot and no message fails, and everything is
stored once (F34).

A version adds columns, and only a later version removes old ones, so the old servers keep working meanwhile.
"""

from __future__ import annotations

import asyncio
import os
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import psycopg
import pytest
from django.db.migrations.loader import MigrationLoader

from tests.conformance.peer import V16, V21, eventually, fresh, station
from tests.distributed.charging import Charger, assert_undisturbed, charging, more_answers
from tests.distributed.cluster import Cluster
from tests.distributed.conftest import MakeCluster
from tests.distributed.engines import Postgres, Redis
from tests.distributed.next_version import NextVersion, output_of
from tests.servers import ROOT

pytestmark = pytest.mark.slow
STATIONS = 10
# The migrations that partition the tables by month, and later indexes. None of them changes a column.
STEPS = (
    ("chargepoints", "0004_messages_by_month"),
    ("chargepoints", "0005_deviation_by_time"),
    ("chargepoints", "0006_messages_by_number"),
    ("transactions", "0003_readings_by_month"),
)
# The tables that they divide. Readings came later, and are divided from their first row on.
PARTED = {"chargepoints_message", "transactions_metervalue"}
# A database without partitions but with today's columns. All migrations are marked as done, so servers start.
BEHIND = """
import os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "ocpp_server.settings"
django.setup()
from django.core.management import call_command
call_command("migrate", "transactions", "0002", verbosity=0)
call_command("migrate", "chargepoints", "0003", verbosity=0)
call_command("migrate", "transactions", "0003", fake=True, verbosity=0)
call_command("migrate", "chargepoints", "0006", fake=True, verbosity=0)
call_command("migrate", verbosity=0)
"""
# Runs the partitioning migrations, and marks the later ones as done: their columns exist already.
PARTITION = """
import os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "ocpp_server.settings"
django.setup()
from django.core.management import call_command
call_command("migrate", "chargepoints", "0006")
call_command("migrate", "transactions", "0003")
call_command("migrate", fake=True)
"""
WAITS = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'ALTER TABLE%%'"


def steps_and_later() -> list[tuple[str, str]]:
    """STEPS, and the migrations that depend on one of them."""
    graph = MigrationLoader(None).graph
    return [node for node in graph.nodes if not set(STEPS).isdisjoint(graph.forwards_plan(node))]


def partitioned(cluster: Cluster) -> set[str]:
    return {row["relname"] for row in cluster.rows("SELECT relname FROM pg_class WHERE relkind = 'p'")}


def start(cluster: Cluster) -> None:
    """Start a web process with station sockets, and a gateway with a processor."""
    for role in ("web", "gateway", "processor"):
        cluster.add(1, role)


@pytest.fixture
def cluster(make_cluster: MakeCluster) -> Iterator[Cluster]:
    cluster = make_cluster(0, OCPP_UNKNOWN_TOKENS="accept", LOG_LEVEL="WARNING")
    start(cluster)
    yield cluster
    cluster.stop()
    assert "Traceback" not in cluster.log()


@asynccontextmanager
async def charging_everywhere(cluster: Cluster) -> AsyncIterator[list[Charger]]:
    """Run stations at the web process and at the gateway."""
    async with AsyncExitStack() as stack:
        yield [
            charger
            for server in cluster.servers
            if server.role in ("web", "gateway")
            for charger in await stack.enter_async_context(charging(server, STATIONS))
        ]


async def boots(cluster: Cluster, until: Callable[[], bool]) -> int:
    """Let new stations, 1.6 and 2.1, connect and boot until `until()` is true; return how many booted."""
    count = 0
    while not until():
        for server in cluster.servers[:2]:
            for version in (V16, V21):
                async with station(server, version, fresh(), boot=False) as peer:
                    assert (await peer.boot())["status"] == "Accepted"
                    count += 1
    return count


async def test_F34_the_next_version_migrates_while_this_one_serves(cluster: Cluster, tmp_path: Path) -> None:
    web, gateway, _ = cluster.servers
    async with charging_everywhere(cluster) as chargers:
        with psycopg.connect(cluster.database_url) as report:
            report.execute("SELECT count(*) FROM transactions_transaction")  # held until its transaction ends
            ending = asyncio.ensure_future(output_of(await NextVersion(tmp_path, cluster).migrate()))
            await eventually(lambda: bool(cluster.rows(WAITS)) or ending.done(), 120)
            # Statements on this table wait behind the migration, so it must give up its lock soon and retry.
            await more_answers(chargers, 20)
            assert not ending.done()
        booted = await boots(cluster, ending.done)
        output = await ending
        await more_answers(chargers)
        # A process of the old version can still start on the newer database.
        (late,) = await asyncio.to_thread(cluster.add, 1, "web")
        async with station(late, V16) as peer:
            await peer.heartbeat()
    listed, answer = await asyncio.to_thread(web.request, "GET", "/api/v1/transactions")

    assert booted
    assert output.count("_next... OK") == 2
    assert_undisturbed(cluster, chargers)
    assert listed == 200 and len(answer["data"]["transactions"]) > STATIONS
    assert [server.request("GET", "/health/ready")[0] for server in (web, gateway, late)] == [200] * 3
    (tariffs,) = cluster.rows("SELECT count(DISTINCT tariff) AS n FROM transactions_transaction")
    assert tariffs["n"] == 2  # one from before the migration, one from after it


@pytest.mark.nightly
async def test_F34_the_real_migrations_partition_the_tables_while_stations_charge(
    tmp_path_factory: pytest.TempPathFactory, redis: Redis, postgres: Postgres
) -> None:
    url = postgres.create(f"ocpp_behind_{uuid.uuid4().hex[:8]}")
    environment = {"OCPP_UNKNOWN_TOKENS": "accept", "LOG_LEVEL": "WARNING"}
    cluster = Cluster(tmp_path_factory.mktemp("behind"), redis, url, **environment)
    command = (sys.executable, "-c", BEHIND)
    variables = {**os.environ, "ENV_FILE": os.devnull, **cluster.environment}
    await output_of(await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=variables))
    try:
        await asyncio.to_thread(start, cluster)
        cluster.execute_many("DELETE FROM django_migrations WHERE app = %s AND name = %s", steps_and_later())
        async with charging_everywhere(cluster) as chargers:
            assert PARTED.isdisjoint(partitioned(cluster))
            partitioning = await asyncio.create_subprocess_exec(
                sys.executable, "-c", PARTITION, cwd=ROOT, env=variables, stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )  # fmt: skip
            ending = asyncio.ensure_future(output_of(partitioning))
            booted = await boots(cluster, ending.done)
            output = await ending
    finally:
        cluster.stop()

    assert booted
    assert all(f"{app}.{name}... OK" in output for app, name in STEPS)
    assert partitioned(cluster) >= PARTED
    assert_undisturbed(cluster, chargers)
    assert "Traceback" not in cluster.log()
