"""A deployment: every processor and web process is replaced while stations charge through gateways."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest

from tests.distributed.charging import Charger, assert_undisturbed, charging, more_answers
from tests.distributed.cluster import Cluster
from tests.distributed.conftest import MakeCluster
from tests.servers import LiveServer

pytestmark = pytest.mark.slow
REPLACED = ("processor", "web", "housekeeping")


@pytest.fixture
def cluster(make_cluster: MakeCluster) -> Iterator[Cluster]:
    cluster = make_cluster(0, LOG_LEVEL="WARNING")
    yield cluster
    cluster.stop()
    assert "Traceback" not in cluster.log()


async def replace(cluster: Cluster, old: LiveServer) -> None:
    """Start the new process before the old one is stopped, as a rolling deployment does."""
    await asyncio.to_thread(cluster.add, 1, old.role)
    assert await asyncio.to_thread(old.stop) == 0


async def deploy(cluster: Cluster, stations: int) -> list[Charger]:
    """Charge through two gateways while all other processes are replaced in turn; return the stations."""
    gateways = await asyncio.to_thread(cluster.add, 2, "gateway")
    for role, count in (("processor", 2), ("web", 2), ("housekeeping", 1)):
        await asyncio.to_thread(cluster.add, count, role)
    async with AsyncExitStack() as stack:
        chargers = [
            charger
            for gateway in gateways
            for charger in await stack.enter_async_context(charging(gateway, stations // 2))
        ]
        for old in [server for server in cluster.servers if server.role in REPLACED]:
            await replace(cluster, old)
            await more_answers(chargers, 1)
    return chargers


async def test_replacing_processors_and_web_processes_closes_no_socket(cluster: Cluster) -> None:
    chargers = await deploy(cluster, 10)

    assert_undisturbed(cluster, chargers)


@pytest.mark.nightly
async def test_replacing_all_processes_except_the_gateways_with_30_stations(cluster: Cluster) -> None:
    chargers = await deploy(cluster, 30)

    assert_undisturbed(cluster, chargers)


@pytest.mark.load
async def test_replacing_all_processes_except_the_gateways_with_300_stations(cluster: Cluster) -> None:
    chargers = await deploy(cluster, 300)

    assert_undisturbed(cluster, chargers)
