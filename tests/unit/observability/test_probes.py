"""The readiness probe names each part that fails. Probe and metrics always answer (F17, F27)."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from ocpp_server.process.readiness import MIN_FREE_BYTES, disk_space
from tests.conformance.peer import eventually
from tests.distributed.cluster import Cluster
from tests.distributed.conftest import MakeCluster
from tests.distributed.engines import Postgres, Redis
from tests.servers import LiveServer

# A probe that takes longer has failed, whatever its answer.
QUICK_S = 10.0


def ready(server: LiveServer) -> tuple[int, list[str]]:
    """The status of the readiness probe and the parts that are down; the probe must answer at once."""
    began = time.monotonic()
    status, answer = server.request("GET", "/health/ready", timeout=60)
    assert time.monotonic() - began < QUICK_S
    parts: dict[str, Any] = answer["data"].get("parts", {})
    assert all(part["detail"].endswith(".") for part in parts.values()), parts
    return status, sorted(name for name, part in parts.items() if not part["ok"])


def up(server: LiveServer) -> dict[str, float]:
    """The `up` metrics of the engines; the scrape must be answered at once."""
    began = time.monotonic()
    status, text = server.request("GET", "/metrics", timeout=60)
    assert status == 200, text
    assert time.monotonic() - began < QUICK_S + 1
    families = text_string_to_metric_families(text)
    return {
        sample.name: sample.value
        for family in families
        if family.name in ("ocpp_database_up", "ocpp_redis_up")
        for sample in family.samples
    }


async def asked(question: Any, server: LiveServer) -> Any:
    return await asyncio.to_thread(question, server)


async def test_a_database_that_does_not_answer_is_named_within_seconds(
    make_cluster: MakeCluster, postgres: Postgres
) -> None:
    (server,) = make_cluster(1).servers
    await eventually(lambda: ready(server) == (200, []))
    assert await asked(up, server) == {"ocpp_database_up": 1, "ocpp_redis_up": 1}

    postgres.pause()
    try:
        answers = [await asked(ready, server) for _ in range(3)]
        figures = await asked(up, server)
    finally:
        postgres.resume()

    assert answers == [(503, ["database", "journal"])] * 3
    assert figures == {"ocpp_database_up": 0, "ocpp_redis_up": 1}
    await eventually(lambda: ready(server) == (200, []))


async def test_the_first_probe_reports_that_the_database_is_away(
    make_cluster: MakeCluster, postgres: Postgres
) -> None:
    (server,) = make_cluster(1).servers

    postgres.pause()
    try:
        answers = [await asked(ready, server) for _ in range(2)]
    finally:
        postgres.resume()

    assert answers == [(503, ["database"])] * 2


async def test_a_lost_redis_is_named_with_the_parts_that_depend_on_it(make_cluster: MakeCluster) -> None:
    redis = Redis()
    (server,) = make_cluster(1, on=redis).servers
    try:
        redis.stop()
        status, down = await asked(ready, server)
        figures = await asked(up, server)
        redis.start()
        await eventually(lambda: ready(server) == (200, []))
    finally:
        redis.close()

    assert (status, down) == (503, ["channelLayer", "queue", "redis"])
    assert figures == {"ocpp_database_up": 1, "ocpp_redis_up": 0}


async def test_unread_messages_are_a_queue_that_is_down(make_cluster: MakeCluster) -> None:
    cluster: Cluster = make_cluster(1)
    (server,) = cluster.servers
    client, prefix = cluster.redis.client, cluster.prefix
    envelope = (
        '{"charge_point_id":"CP","message_type":2,"payload":[2,"1","Heartbeat",{}],'
        '"timestamp":"2026-05-04T12:00:00.000Z"}'
    )

    client.lpush(f"{prefix}:requests:CP", envelope)
    client.zadd(f"{prefix}:server:ready", {"CP": 0})

    await eventually(lambda: ready(server) == (503, ["queue"]))
    _, text = server.request("GET", "/metrics")
    assert "ocpp_queue_messages 1.0" in text
    assert "ocpp_queue_stations 1.0" in text


async def test_a_database_that_lacks_migrations_is_named(tmp_path: Path, migrated_database: Path) -> None:
    server = LiveServer(tmp_path / "server", template=migrated_database).start()
    try:
        with sqlite3.connect(server.database, timeout=60) as connection:
            row = connection.execute("SELECT app, name FROM django_migrations ORDER BY id DESC").fetchone()
            connection.execute("DELETE FROM django_migrations WHERE app = ? AND name = ?", row)
        connection.close()

        status, answer = await asyncio.to_thread(server.request, "GET", "/health/ready")
    finally:
        server.stop()

    assert status == 503
    assert answer["data"]["parts"]["database"]["migrations"] == [f"{row[0]}.{row[1]}"]
    assert answer["data"]["parts"]["disk"]["ok"]


def test_a_disk_without_space_for_sqlite_is_down() -> None:
    assert disk_space(MIN_FREE_BYTES)["ok"]
    assert not disk_space(MIN_FREE_BYTES - 1)["ok"]
    assert disk_space(MIN_FREE_BYTES - 1)["detail"] == "99 MiB are free in DATA_DIR, 100 MiB are needed."
