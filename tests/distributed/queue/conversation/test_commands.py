"""A web process sends commands to stations at a gateway; two processors handle the answers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.conformance.peer import Operator, Peer, eventually
from tests.distributed.cluster import Cluster
from tests.distributed.queue.worker_pool import FakeGateway, WorkerPool

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_a_command_over_rest_is_answered_by_the_station(
    peer: Peer, identity: str, operator: Operator
) -> None:
    asking = asyncio.create_task(operator.command(identity, "ClearCache"))

    call = await peer.next_call()
    await peer.answer(call, {"status": "Rejected"})

    status, data = await asking
    assert (status, data["status"], data["requestId"]) == (200, "Rejected", call[1])


async def test_the_answer_is_read_by_another_processor_than_the_one_before(
    worker_pool: WorkerPool, peer: Peer, identity: str, operator: Operator
) -> None:
    asking = asyncio.create_task(operator.command(identity, "GetConfiguration", timeout=60))
    call = await peer.next_call()
    await worker_pool.add(1)
    worker_pool.kill(worker_pool.owner(identity))

    await peer.answer(
        call, {"configurationKey": [{"key": "HeartbeatInterval", "readonly": False, "value": "7"}]}
    )

    status, data = await asking
    assert status == 200
    assert data["response"]["configurationKey"][0]["value"] == "7"


async def test_commands_leave_one_by_one_and_each_caller_gets_its_own_answer(
    peer: Peer, identity: str, operator: Operator
) -> None:
    asking = [
        asyncio.create_task(
            operator.command(identity, "DataTransfer", {"vendorId": "test", "data": str(number)}, timeout=60)
        )
        for number in range(12)
    ]
    for _ in asking:
        call = await peer.next_call()
        # A second call in flight would arrive before the answer to this heartbeat.
        await peer.heartbeat()
        await peer.answer(call, {"status": "Accepted", "data": call[3]["data"]})

    answers = await asyncio.gather(*asking)
    assert [data["response"]["data"] for _, data in answers] == [str(number) for number in range(12)]


async def test_nothing_is_sent_before_the_first_message_of_the_station(
    cluster: Cluster, gateway: FakeGateway, identity: str, operator: Operator
) -> None:
    peer = await gateway.connect(identity)
    asking = asyncio.create_task(operator.command(identity, "ClearCache"))
    await eventually(lambda: commands(cluster, identity))

    # The answer to the boot comes before the command, although the command is older.
    await peer.send([2, "boot-1", "BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"}])
    first = await peer.next_frame()
    await peer.answer(await peer.next_call(), {"status": "Accepted"})

    assert first[:2] == [3, "boot-1"]
    assert (await asking)[0] == 200


async def test_a_silent_station_is_sent_commands_after_a_while(
    gateway: FakeGateway, peer: Peer, identity: str, operator: Operator
) -> None:
    # A station that only reconnects need not boot again, so the server sends commands without a boot.
    newer = await gateway.connect(identity)

    asking = asyncio.create_task(operator.command(identity, "ClearCache", timeout=60))
    await newer.answer(await newer.next_call(60), {"status": "Accepted"})

    assert (await asking)[0] == 200


@pytest.mark.parametrize("rest", [',{"status":"Acc', "", "]", ",null]", ",[]]"])
async def test_an_answer_that_cannot_be_read_ends_its_command_at_once(
    cluster: Cluster, peer: Peer, identity: str, operator: Operator, rest: str
) -> None:
    asking = asyncio.create_task(operator.command(identity, "ClearCache", timeout=120))
    call = await peer.next_call()
    await peer.send_raw(f'[3,"{call[1]}"{rest}')

    status, data = await asyncio.wait_for(asking, 60)

    after = asyncio.create_task(operator.command(identity, "ClearCache", timeout=60))
    await peer.answer(await peer.next_call(), {"status": "Accepted"})
    assert (status, (await after)[0]) == (502, 200)
    assert "invalid" in {command["state"] for command in commands(cluster, identity)}
    assert "response" in data


async def test_a_command_without_an_answer_times_out_and_a_late_answer_is_kept(
    cluster: Cluster, peer: Peer, identity: str, operator: Operator
) -> None:
    asking = asyncio.create_task(operator.command(identity, "ClearCache", timeout=3))
    call = await peer.next_call()
    status, _ = await asking
    (command,) = commands(cluster, identity)
    await peer.answer(call, {"status": "Accepted"})
    await peer.heartbeat()

    (late,) = commands(cluster, identity)
    assert status == 408
    assert command["state"] == "timeout"
    assert (late["state"], late["response"]) == ("late", {"late": {"status": "Accepted"}})


async def test_a_timed_out_command_makes_room_for_the_next(
    peer: Peer, identity: str, operator: Operator
) -> None:
    first = asyncio.create_task(operator.command(identity, "ClearCache", timeout=3))
    await peer.next_call()
    second = asyncio.create_task(operator.command(identity, "DataTransfer", {"vendorId": "x"}, timeout=60))

    call = await peer.next_call()
    await peer.answer(call, {"status": "Accepted"})

    assert call[2] == "DataTransfer"
    assert ((await first)[0], (await second)[0]) == (408, 200)


async def test_a_disconnect_fails_the_command_in_flight_at_once_and_nothing_is_replayed(
    cluster: Cluster, gateway: FakeGateway, peer: Peer, identity: str, operator: Operator
) -> None:
    asking = [asyncio.create_task(operator.command(identity, "ClearCache", timeout=60)) for _ in range(3)]
    await peer.next_call()

    await gateway.disconnect(peer)

    answers = await asyncio.wait_for(asyncio.gather(*asking), 30)
    newer = await gateway.connect(identity)
    await newer.boot()
    await newer.heartbeat()
    assert {status for status, _ in answers} == {503}
    assert {command["state"] for command in commands(cluster, identity)} == {"disconnected"}
    assert not newer.calls


async def test_a_command_beyond_64_waiting_ones_is_refused(
    gateway: FakeGateway, peer: Peer, identity: str, operator: Operator
) -> None:
    blocking = asyncio.create_task(operator.command(identity, "ClearCache", timeout=60))
    await peer.next_call()
    for _ in range(64):
        await operator.submit(identity, "ClearCache", timeout=60)

    status, _ = await operator.command(identity, "ClearCache")

    await gateway.disconnect(peer)
    assert status == 429
    assert (await blocking)[0] == 503


def commands(cluster: Cluster, identity: str) -> list[dict[str, Any]]:
    return cluster.rows(
        "SELECT o.* FROM chargepoints_command o JOIN chargepoints_chargepoint c ON c.id = o.charge_point_id"
        " WHERE c.identity = %s",
        identity,
    )
