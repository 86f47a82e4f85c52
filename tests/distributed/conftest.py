"""Redis and PostgreSQL for the session, server processes for a module. Without engines the tests fail."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.distributed.cluster import SECRET_KEY, Cluster
from tests.distributed.engines import POSTGRES_URL, REDIS_URL, Postgres, Redis
from tests.processes import must
from tests.servers import API_KEY

TEMPLATE = f"ocpp_template_{os.getpid()}"
MakeCluster = Callable[..., Cluster]


@pytest.fixture(scope="session")
def redis() -> Iterator[Redis]:
    engine = Redis(REDIS_URL)
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """PostgreSQL with a migrated database to copy, which contains an operator and an API key."""
    engine = Postgres(POSTGRES_URL)
    try:
        environment = {
            **os.environ,
            "ENV_FILE": os.devnull,
            "RUN_IN_PLACE": "1",
            "DATA_DIR": str(tmp_path_factory.mktemp("template")),
            "DATABASE_URL": engine.create(TEMPLATE),
            "SECRET_KEY": SECRET_KEY,
            "OCPP_BOOTSTRAP_API_KEY": API_KEY,
            "DJANGO_SUPERUSER_PASSWORD": "operator-password-of-tests",
        }
        must("run", "migrate", environment=environment)
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
    yield cluster
    cluster.stop()
    assert "Traceback" not in cluster.log()
