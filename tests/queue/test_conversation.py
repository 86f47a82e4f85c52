"""What a station at a gateway says and hears, through two processors."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.conformance.peer import at
from tests.distributed.cluster import Cluster
from tests.distributed.conftest import MakeCluster
from tests.queue.crew import Crew, Front, front, log_of

STATIONS = 30


@pytest.fixture(scope="module")
def cluster(make_cluster: MakeCluster) -> Cluster:
    return make_cluster(1)


@pytest_asyncio.fixture
async def crew(cluster: Cluster) -> AsyncIterator[Crew]:
    async with Crew(cluster, stations=STATIONS) as crew:
        await crew.hire(2)
        yield crew
    assert "Traceback" not in log_of(crew.log), log_of(crew.log)[-3000:]


@pytest_asyncio.fixture
async def gateway(cluster: Cluster) -> AsyncIterator[Front]:
    async with front(cluster) as gateway:
        yield gateway


async def test_a_transaction_through_the_queue_is_stored_as_through_a_socket(
    cluster: Cluster, crew: Crew, gateway: Front
) -> None:
    peer = await gateway.connect("Q-0")
    assert (await peer.boot())["status"] == "Accepted"

    start = {"connectorId": 1, "idTag": "CARD-0", "meterStart": 100, "timestamp": at()}
    started = await peer.call("StartTransaction", start)
    stop = {"transactionId": started["transactionId"], "meterStop": 1100, "timestamp": at()}
    await peer.call("StopTransaction", stop)

    (transaction,) = cluster.transactions("Q-0")
    assert started["idTagInfo"]["status"] == "Accepted"
    assert (transaction["id"], transaction["energy_wh"]) == (started["transactionId"], 1000)
    assert cluster.is_online("Q-0")
    assert "Q-0" in cluster.clients(cluster.servers[0])
