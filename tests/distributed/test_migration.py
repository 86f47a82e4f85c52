"""A migration while stations are connected: no socket closes, no boot and no message fails, and everything is
stored once (F34). Migrations add first and remove a version later; the servers of before go on meanwhile.
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

from tests.conformance.peer import V16, V21, eventually, station
from tests.distributed.charging import Charger, assert_undisturbed, charging, more_answers
from tests.distributed.cluster import Cluster
from tests.distributed.conftest import MakeCluster
from tests.distributed.engines import Postgres, Redis
from tests.distributed.next_version import NextVersion, done
from tests.servers import ROOT

pytestmark = pytest.mark.slow
STATIONS = 10
# The steps that divide the tables by month, and the indexes since; the columns are the same before and after.
STEPS = (
    ("chargepoints", "0004_messages_by_month"),
    ("chargepoints", "0005_deviation_by_time"),
    ("chargepoints", "0006_messages_by_number"),
    ("transactions", "0003_readings_by_month"),
)
DIVIDED = "SELECT relname FROM pg_class WHERE relkind = 'p' ORDER BY relname"
# Later steps: columns that the server of today writes, and wording.
LATER = (
    ("chargepoints", "0007_wording"),
    ("transactions", "0004_session_ends_and_hours"),
    ("transactions", "0005_settlement"),
    ("transactions", "0006_session_registers"),
    ("transactions", "0007_wording"),
)
# A database as it was before the steps, but with the columns of today: the server takes it for up to date.
BEHIND = """
import os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "ocpp_server.settings"
django.setup()
from django.core.management import call_command
call_command("migrate", "transactions", "0002", verbosity=0)
call_command("migrate", "chargepoints", "0003", verbosity=0)
call_command("migrate", "transactions", "0003", fake=True, verbosity=0)
call_command("migrate", "chargepoints", fake=True, verbosity=0)
call_command("migrate", verbosity=0)
"""
# The steps for real; what came later is there already.
ONWARD = """
import os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "ocpp_server.settings"
django.setup()
from django.core.management import call_command
call_command("migrate", "chargepoints")
call_command("migrate", "transactions", "0003")
call_command("migrate", "transactions", fake=True)
call_command("migrate")
"""
WAITS = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'ALTER TABLE%%'"


def start(cluster: Cluster) -> None:
    """A web process with sockets of its own, and the queue's way beside it."""
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
    """Stations at the web process and at the gateway."""
    async with AsyncExitStack() as stack:
        yield [
            charger
            for server in cluster.servers
            if server.role in ("web", "gateway")
            for charger in await stack.enter_async_context(charging(server, STATIONS))
        ]


async def boots(cluster: Cluster, until: Callable[[], bool]) -> int:
    """Stations come and boot, new ones and 2.1 ones too, until it is so; how many did."""
    count = 0
    while not until():
        for server in cluster.servers[:2]:
            for version in (V16, V21):
                async with station(server, version, boot=False) as peer:
                    assert (await peer.boot())["status"] == "Accepted"
                    count += 1
    return count


async def test_F34_the_next_version_migrates_while_this_one_serves(cluster: Cluster, tmp_path: Path) -> None:
    web, gateway, _ = cluster.servers
    async with charging_everywhere(cluster) as chargers:
        with psycopg.connect(cluster.database_url) as report:
            report.execute("SELECT count(*) FROM transactions_transaction")  # held until its transaction ends
            ending = asyncio.ensure_future(done(await NextVersion(tmp_path, cluster).migrate()))
            await eventually(lambda: bool(cluster.rows(WAITS)) or ending.done(), 120)
            # Whoever wants the table queues up behind the migration: it may only try for a moment.
            await more_answers(chargers, 20)
            assert not ending.done()
        booted = await boots(cluster, ending.done)
        said = await ending
        await more_answers(chargers)
        # An old process that starts again finds a database that is ahead of it, which is no hindrance.
        (late,) = await asyncio.to_thread(cluster.add, 1, "web")
        async with station(late, V16) as peer:
            await peer.heartbeat()
    listed, answer = await asyncio.to_thread(web.request, "GET", "/api/v1/transactions")

    assert booted
    assert said.count("_next... OK") == 2
    assert_undisturbed(cluster, chargers)
    assert listed == 200 and len(answer["data"]["transactions"]) > STATIONS
    assert [server.request("GET", "/health/ready")[0] for server in (web, gateway, late)] == [200] * 3
    (tariffs,) = cluster.rows("SELECT count(DISTINCT tariff) AS n FROM transactions_transaction")
    assert tariffs["n"] == 2  # of before the migration, and of after it


@pytest.mark.nightly
async def test_F34_the_real_steps_divide_the_tables_under_charging_stations(
    tmp_path_factory: pytest.TempPathFactory, redis: Redis, postgres: Postgres
) -> None:
    url = postgres.create(f"ocpp_behind_{uuid.uuid4().hex[:8]}")
    environment = {"OCPP_UNKNOWN_TOKENS": "accept", "LOG_LEVEL": "WARNING"}
    cluster = Cluster(tmp_path_factory.mktemp("behind"), redis, url, **environment)
    command = (sys.executable, "-c", BEHIND)
    variables = {**os.environ, "ENV_FILE": os.devnull, **cluster.environment}
    await done(await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=variables))
    try:
        await asyncio.to_thread(start, cluster)
        rows = [*STEPS, *LATER]
        cluster.execute_many("DELETE FROM django_migrations WHERE app = %s AND name = %s", rows)
        async with charging_everywhere(cluster) as chargers:
            assert cluster.rows(DIVIDED) == []
            onward = await asyncio.create_subprocess_exec(
                sys.executable, "-c", ONWARD, cwd=ROOT, env=variables, stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )  # fmt: skip
            ending = asyncio.ensure_future(done(onward))
            booted = await boots(cluster, ending.done)
            said = await ending
    finally:
        cluster.stop()

    assert booted
    assert all(f"{app}.{name}... OK" in said for app, name in STEPS)
    divided = [row["relname"] for row in cluster.rows(DIVIDED)]
    assert {"chargepoints_message", "transactions_metervalue"} <= set(divided)
    assert_undisturbed(cluster, chargers)
    assert "Traceback" not in cluster.log()
