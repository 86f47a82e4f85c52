"""A station moves between a gateway and a web process, and an operator changes its settings."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import psycopg
import pytest
from websockets.exceptions import ConnectionClosed

from ocpp_server.transport.queue.processor import MESSAGES_A_CLAIM
from tests.conformance.peer import Operator, Peer, Refused, at, eventually, station
from tests.distributed.cluster import Cluster
from tests.distributed.queue.worker_pool import FakeGateway, socket_of, start_of, waits_for_a_lock

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_a_station_moves_to_a_socket_of_a_web_process_and_back(
    cluster: Cluster, gateway: FakeGateway, peer: Peer, identity: str, operator: Operator
) -> None:
    start = start_of(identity)
    first = await peer.call("StartTransaction", start)
    async with station(cluster.servers[0], identity=identity) as direct:
        assert await direct.call("StartTransaction", start) == first
        asking = asyncio.create_task(operator.command(identity, "ClearCache"))
        await direct.answer(await direct.next_call(), {"status": "Accepted"})
        assert (await asking)[0] == 200
        # Late frames of the old connection are neither handled nor answered.
        stop = {"transactionId": first["transactionId"], "meterStop": 200, "timestamp": at()}
        late = [json.dumps([2, "stop-1", "StopTransaction", stop])]
        # These fill almost a whole claim: a processor still handles them when the newer connection boots.
        late += [f'[2,"old-{number}","Heartbeat",{{}}]' for number in range(MESSAGES_A_CLAIM - 4)]
        await gateway.push(identity, *map(socket_of(peer).packed, late))

        back = await gateway.connect(identity)
        await back.boot()

        assert await direct.closed() == 1001
    asking = asyncio.create_task(operator.command(identity, "ClearCache"))
    await back.answer(await back.next_call(), {"status": "Accepted"})
    assert (await asking)[0] == 200
    assert cluster.is_online(identity)
    assert [row["status"] for row in cluster.transactions(identity)] == ["active"]
    await back.call("StopTransaction", stop)


async def test_a_message_sent_through_the_gateway_is_stored_before_a_web_process_loads(
    cluster: Cluster, peer: Peer, identity: str
) -> None:
    start = start_of(identity)
    with psycopg.connect(cluster.database_url) as lock:
        lock.execute("LOCK TABLE transactions_transaction IN EXCLUSIVE MODE")
        await peer.send([2, "start-1", "StartTransaction", start])
        await eventually(lambda: waits_for_a_lock(cluster))
        arriving = asyncio.create_task(start_directly(cluster, identity, start))
        await eventually(lambda: "station.replaced" in cluster.servers[0].log.read_text())
        lock.rollback()

    answer = await arriving

    assert [row["id"] for row in cluster.transactions(identity)] == [answer["transactionId"]]


async def test_settings_of_the_operator_reach_a_station_at_a_gateway(
    peer: Peer, identity: str, operator: Operator
) -> None:
    await operator.change(identity, registrationStatus="Rejected")

    with pytest.raises(Refused) as refused:
        await peer.call("DataTransfer", {"vendorId": "x"})
    assert refused.value.code == "SecurityError"


async def start_directly(cluster: Cluster, identity: str, start: dict[str, Any]) -> dict[str, Any]:
    async with station(cluster.servers[0], identity=identity) as direct:
        try:
            return await direct.call("StartTransaction", start)
        except ConnectionClosed:
            raise AssertionError(cluster.servers[0].log.read_text()[-2000:]) from None
