"""One web process, two processors and a fake gateway, for all tests of this folder."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.conformance.peer import Operator, Peer
from tests.distributed.cluster import Cluster
from tests.distributed.conftest import TEMPLATE
from tests.distributed.engines import Postgres, Redis
from tests.distributed.queue.worker_pool import FakeGateway, WorkerPool, fake_gateway, processors


@pytest.fixture(scope="package")
def cluster(tmp_path_factory: pytest.TempPathFactory, redis: Redis, postgres: Postgres) -> Iterator[Cluster]:
    url = postgres.create(f"ocpp_conversation_{uuid.uuid4().hex[:8]}", TEMPLATE)
    cluster = Cluster(tmp_path_factory.mktemp("conversation"), redis, url, OCPP_JOURNAL_BUDGET="1s")
    cluster.add(1)
    yield cluster
    cluster.stop()


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def worker_pool(cluster: Cluster) -> AsyncIterator[WorkerPool]:
    async with processors(cluster, stations=60) as worker_pool:
        yield worker_pool


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def gateway(cluster: Cluster, worker_pool: WorkerPool) -> AsyncIterator[FakeGateway]:
    async with fake_gateway(cluster) as gateway:
        yield gateway


@pytest_asyncio.fixture(loop_scope="package")
async def peer(gateway: FakeGateway, identity: str) -> Peer:
    """A station that is connected to the gateway and has booted."""
    peer = await gateway.connect(identity)
    assert (await peer.boot())["status"] == "Accepted"
    return peer


@pytest.fixture
def operator(cluster: Cluster) -> Operator:
    return Operator(cluster.servers[0])
