"""Redis and PostgreSQL for the session, server processes for a module. Without engines the tests fail."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.distributed.cluster import Cluster
from tests.distributed.engines import MIGRATED, POSTGRES_URL, REDIS_URL, Postgres, Redis, migrate

# In a PostgreSQL that several test runs share, each worker has a template of its own.
TEMPLATE = f"ocpp_template_{os.getpid()}" if POSTGRES_URL else MIGRATED
MakeCluster = Callable[..., Cluster]

# The token of tests on the shared cluster.
MOVES = "MOVES001"


@pytest.fixture(scope="session")
def redis() -> Iterator[Redis]:
    engine = Redis(REDIS_URL)
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """PostgreSQL with a migrated database to copy, which contains an operator and an API key."""
    copied = None if POSTGRES_URL else request.getfixturevalue("migrated_postgres")
    engine = Postgres(POSTGRES_URL, copy_of=copied)
    try:
        if POSTGRES_URL:
            migrate(engine.create(TEMPLATE), tmp_path_factory.mktemp("template"))
        yield engine
    finally:
        engine.close()


@pytest.fixture(scope="module")
def make_cluster(
    tmp_path_factory: pytest.TempPathFactory, redis: Redis, postgres: Postgres
) -> Iterator[MakeCluster]:
    made: list[Cluster] = []

    def make(processes: int, *, on: Redis | None = None, **environment: str) -> Cluster:
        url = postgres.create(f"ocpp_test_{uuid.uuid4().hex[:8]}", TEMPLATE)
        cluster = Cluster(tmp_path_factory.mktemp("cluster"), on or redis, url, **environment)
        made.append(cluster)
        cluster.add(processes)
        return cluster

    yield make
    for cluster in made:
        cluster.stop()


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, redis: Redis, postgres: Postgres) -> Iterator[Cluster]:
    """Four processes for all tests that do not kill any of them. At the end no log may have a traceback."""
    url = postgres.create(f"ocpp_shared_{uuid.uuid4().hex[:8]}", TEMPLATE)
    cluster = Cluster(Path(tmp_path_factory.mktemp("shared")), redis, url)
    cluster.add(4)
    # Not in a fixture of a module: the tests of a module may run in two groups, which sets it up twice.
    status, answer = cluster.servers[0].request("POST", "/api/v1/tokens", {"uid": MOVES})
    assert status == 201, answer
    yield cluster
    cluster.stop()
    assert "Traceback" not in cluster.log()
