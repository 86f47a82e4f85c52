"""Messages of a station at a gateway, and their answers, through two processors."""

from __future__ import annotations

import pytest

from ocpp_server.transport.queue import envelope
from tests.conformance.peer import V201, Peer, at, eventually
from tests.distributed.cluster import Cluster
from tests.distributed.queue.worker_pool import FakeGateway, WorkerPool, socket_of, start_of

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_a_transaction_is_stored_as_through_a_socket(
    cluster: Cluster, peer: Peer, identity: str
) -> None:
    started = await peer.call("StartTransaction", start_of(identity))
    stop = {"transactionId": started["transactionId"], "meterStop": 1100, "timestamp": at()}
    await peer.call("StopTransaction", stop)

    (transaction,) = cluster.transactions(identity)
    assert started["idTagInfo"]["status"] == "Accepted"
    assert (transaction["id"], transaction["energy_wh"]) == (started["transactionId"], 1000)
    assert cluster.is_online(identity)
    await eventually(lambda: identity in cluster.clients(cluster.servers[0]))


async def test_a_start_repeated_to_another_processor_gets_the_first_number(
    cluster: Cluster, worker_pool: WorkerPool, peer: Peer, identity: str
) -> None:
    start = start_of(identity)
    first = await peer.call("StartTransaction", start)
    await worker_pool.add(1)
    worker_pool.kill(worker_pool.owner(identity))

    again = await peer.call("StartTransaction", start, timeout=60)

    assert again == first
    assert [row["id"] for row in cluster.transactions(identity)] == [first["transactionId"]]


async def test_a_disconnect_is_stored_and_a_late_one_of_an_old_connection_is_ignored(
    cluster: Cluster, gateway: FakeGateway, peer: Peer, identity: str
) -> None:
    newer = await gateway.connect(identity)
    await newer.boot()
    await gateway.push(identity, gateway.control(socket_of(peer), envelope.DISCONNECT, code=1006))
    await newer.heartbeat()
    assert cluster.is_online(identity)

    await gateway.disconnect(newer)

    await eventually(lambda: not cluster.is_online(identity))
    assert cluster.charge_point(identity)["close_code"] == 1006


async def test_frames_that_are_not_json_are_answered_as_on_a_socket(
    gateway: FakeGateway, identity: str
) -> None:
    peer = await gateway.connect(identity, V201)
    await peer.boot()

    await peer.send_raw("[2,")

    frame = await peer.next_frame()
    assert frame[:3] == [4, "-1", "RpcFrameworkError"]


async def test_a_1_6_station_gets_an_answer_to_a_frame_that_is_not_json(
    cluster: Cluster, peer: Peer, identity: str
) -> None:
    await peer.send_raw('[2,"cut-1","StatusNotification",{"connectorId":1,')
    refused = await peer.next_frame()
    await peer.send_raw('[2,"tab-1","DataTransfer",{"vendorId":"a\n\x00"}]\x00')
    accepted = await peer.next_frame()
    await peer.heartbeat()

    assert refused[:3] == [4, "cut-1", "FormationViolation"]
    assert accepted[:2] == [3, "tab-1"]
    rows = cluster.rows(
        "SELECT m.* FROM chargepoints_message m JOIN chargepoints_chargepoint c ON c.id = m.charge_point_id"
        " WHERE c.identity = %s AND m.message_id = 'cut-1'",
        identity,
    )
    assert [row["error_code"] for row in rows] == ["FormationViolation"]


async def test_an_answer_for_an_old_connection_is_dropped(
    gateway: FakeGateway, peer: Peer, identity: str
) -> None:
    newer = await gateway.connect(identity)
    await peer.send([2, "old-1", "Heartbeat", {}])

    await newer.boot()

    assert [stray for stray in gateway.strays if stray.charge_point_id == identity] == []
    assert newer.strays == []
