"""What a station at a gateway says and hears, through two processors and one web process."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from typing import Any

import orjson
import psycopg
import pytest
import pytest_asyncio
from websockets.exceptions import ConnectionClosed

from chargepoints.queue import envelope
from tests.conformance.peer import V201, Operator, Peer, Refused, at, eventually, station
from tests.distributed.cluster import Cluster
from tests.distributed.conftest import MakeCluster
from tests.queue.crew import Crew, Front, Socket, front, log_of, waits_for_a_lock

STATIONS = 60
pytestmark = pytest.mark.asyncio(loop_scope="module")
_numbers = itertools.count()


@pytest.fixture(scope="module")
def cluster(make_cluster: MakeCluster) -> Cluster:
    return make_cluster(1, OCPP_JOURNAL_BUDGET="1s")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def crew(cluster: Cluster) -> AsyncIterator[Crew]:
    async with Crew(cluster, stations=STATIONS) as crew:
        await crew.hire(2)
        yield crew
    assert "Traceback" not in log_of(crew.log), log_of(crew.log)[-5000:]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(cluster: Cluster, crew: Crew) -> AsyncIterator[Front]:
    async with front(cluster) as gateway:
        yield gateway


@pytest.fixture
def identity() -> str:
    return f"Q-{next(_numbers)}"


@pytest_asyncio.fixture(loop_scope="module")
async def peer(gateway: Front, identity: str) -> Peer:
    """A station at the gateway that has booted."""
    peer = await gateway.connect(identity)
    assert (await peer.boot())["status"] == "Accepted"
    return peer


@pytest.fixture
def operator(cluster: Cluster) -> Operator:
    return Operator(cluster.servers[0])


def start_of(identity: str) -> dict[str, Any]:
    card = identity.replace("Q-", "CARD-")
    return {"connectorId": 1, "idTag": card, "meterStart": 100, "timestamp": at()}


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
    cluster: Cluster, crew: Crew, peer: Peer, identity: str
) -> None:
    start = start_of(identity)
    first = await peer.call("StartTransaction", start)
    await crew.hire(1)
    crew.kill(crew.owner(identity))

    again = await peer.call("StartTransaction", start, timeout=20)

    assert again == first
    assert [row["id"] for row in cluster.transactions(identity)] == [first["transactionId"]]


async def test_a_departure_is_mirrored_and_a_late_one_of_an_old_connection_is_not(
    cluster: Cluster, gateway: Front, peer: Peer, identity: str
) -> None:
    newer = await gateway.connect(identity)
    await newer.boot()
    await gateway.push(identity, gateway.control(socket_of(peer), envelope.DISCONNECT, code=1006))
    await newer.heartbeat()
    assert cluster.is_online(identity)

    await gateway.disconnect(newer)

    await eventually(lambda: not cluster.is_online(identity))
    assert cluster.charge_point(identity)["close_code"] == 1006


async def test_frames_that_are_no_json_are_answered_as_on_a_socket(gateway: Front, identity: str) -> None:
    peer = await gateway.connect(identity, V201)
    await peer.boot()

    await peer.send_raw("[2,")

    frame = await peer.next_frame()
    assert frame[:3] == [4, "-1", "RpcFrameworkError"]


async def test_an_answer_for_an_old_connection_is_void(gateway: Front, peer: Peer, identity: str) -> None:
    newer = await gateway.connect(identity)
    await peer.send([2, "old-1", "Heartbeat", {}])

    await newer.boot()

    assert [stray for stray in gateway.strays if stray.charge_point_id == identity] == []
    assert newer.strays == []


# -- commands ----------------------------------------------------------------------------------------


async def test_a_command_over_rest_is_answered_by_the_station(
    peer: Peer, identity: str, operator: Operator
) -> None:
    asking = asyncio.create_task(operator.command(identity, "ClearCache"))

    call = await peer.next_call()
    await peer.answer(call, {"status": "Rejected"})

    status, data = await asking
    assert (status, data["status"], data["requestId"]) == (200, "Rejected", call[1])


async def test_the_answer_is_read_by_another_processor_than_the_one_before(
    crew: Crew, peer: Peer, identity: str, operator: Operator
) -> None:
    asking = asyncio.create_task(operator.command(identity, "GetConfiguration", timeout=30))
    call = await peer.next_call()
    await crew.hire(1)
    crew.kill(crew.owner(identity))

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
            operator.command(identity, "DataTransfer", {"vendorId": "test", "data": str(number)}, timeout=20)
        )
        for number in range(12)
    ]
    for _ in asking:
        call = await peer.next_call()
        # Were there a second call on its way, it would come before the answer to this.
        await peer.heartbeat()
        await peer.answer(call, {"status": "Accepted", "data": call[3]["data"]})

    answers = await asyncio.gather(*asking)
    assert [data["response"]["data"] for _, data in answers] == [str(number) for number in range(12)]


async def test_nothing_is_sent_before_the_station_has_said_its_first_word(
    cluster: Cluster, gateway: Front, identity: str, operator: Operator
) -> None:
    peer = await gateway.connect(identity)
    asking = asyncio.create_task(operator.command(identity, "ClearCache"))
    await eventually(lambda: commands(cluster, identity))

    # The answer to the boot comes first, whatever was asked before.
    await peer.send([2, "boot-1", "BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"}])
    first = await peer.next_frame()
    await peer.answer(await peer.next_call(), {"status": "Accepted"})

    assert first[:2] == [3, "boot-1"]
    assert (await asking)[0] == 200


async def test_a_silent_station_is_sent_commands_after_a_while(
    gateway: Front, peer: Peer, identity: str, operator: Operator
) -> None:
    # It has booted before and may only have reconnected.
    newer = await gateway.connect(identity)

    asking = asyncio.create_task(operator.command(identity, "ClearCache", timeout=15))
    await newer.answer(await newer.next_call(15), {"status": "Accepted"})

    assert (await asking)[0] == 200


async def test_a_command_without_an_answer_times_out_and_a_late_answer_is_kept(
    cluster: Cluster, peer: Peer, identity: str, operator: Operator
) -> None:
    asking = asyncio.create_task(operator.command(identity, "ClearCache", timeout=1))
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
    first = asyncio.create_task(operator.command(identity, "ClearCache", timeout=1))
    await peer.next_call()
    second = asyncio.create_task(operator.command(identity, "DataTransfer", {"vendorId": "x"}, timeout=10))

    call = await peer.next_call()
    await peer.answer(call, {"status": "Accepted"})

    assert call[2] == "DataTransfer"
    assert ((await first)[0], (await second)[0]) == (408, 200)


async def test_a_disconnect_fails_the_command_in_flight_at_once_and_nothing_is_replayed(
    cluster: Cluster, gateway: Front, peer: Peer, identity: str, operator: Operator
) -> None:
    asking = [asyncio.create_task(operator.command(identity, "ClearCache", timeout=60)) for _ in range(3)]
    await peer.next_call()

    await gateway.disconnect(peer)

    answers = await asyncio.wait_for(asyncio.gather(*asking), 10)
    newer = await gateway.connect(identity)
    await newer.boot()
    await newer.heartbeat()
    assert {status for status, _ in answers} == {503}
    assert {command["state"] for command in commands(cluster, identity)} == {"disconnected"}
    assert not newer.calls


async def test_a_full_line_refuses_the_next_command(
    gateway: Front, peer: Peer, identity: str, operator: Operator
) -> None:
    blocking = asyncio.create_task(operator.command(identity, "ClearCache", timeout=60))
    await peer.next_call()
    for _ in range(64):
        await operator.submit(identity, "ClearCache", timeout=60)

    status, _ = await operator.command(identity, "ClearCache")

    await gateway.disconnect(peer)
    assert status == 429
    assert (await blocking)[0] == 503


# -- changing hands ------------------------------------------------------------------------------------


async def test_a_station_moves_to_a_socket_of_a_web_process_and_back(
    cluster: Cluster, gateway: Front, peer: Peer, identity: str, operator: Operator
) -> None:
    start = start_of(identity)
    first = await peer.call("StartTransaction", start)
    async with station(cluster.servers[0], identity=identity) as direct:
        assert await direct.call("StartTransaction", start) == first
        asking = asyncio.create_task(operator.command(identity, "ClearCache"))
        await direct.answer(await direct.next_call(), {"status": "Accepted"})
        assert (await asking)[0] == 200
        # What the old connection still says is neither handled nor answered.
        stop = {"transactionId": first["transactionId"], "meterStop": 200, "timestamp": at()}
        await peer.send([2, "stop-1", "StopTransaction", stop])

        back = await gateway.connect(identity)
        await back.boot()

        assert await direct.closed() == 1001
    asking = asyncio.create_task(operator.command(identity, "ClearCache"))
    await back.answer(await back.next_call(), {"status": "Accepted"})
    assert (await asking)[0] == 200
    assert cluster.is_online(identity)
    assert [row["status"] for row in cluster.transactions(identity)] == ["active"]
    await back.call("StopTransaction", stop)


async def test_what_was_said_at_the_gateway_is_stored_before_a_web_process_loads(
    cluster: Cluster, peer: Peer, identity: str
) -> None:
    start = start_of(identity)
    with psycopg.connect(cluster.database_url) as lock:
        lock.execute("LOCK TABLE transactions_transaction IN EXCLUSIVE MODE")
        await peer.send([2, "start-1", "StartTransaction", start])
        await eventually(lambda: waits_for_a_lock(cluster))
        arriving = asyncio.create_task(hello(cluster, identity, start))
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


# -- outages --------------------------------------------------------------------------------------------


async def test_while_the_database_is_away_nothing_is_answered_and_then_everything_in_order(
    cluster: Cluster, peer: Peer, identity: str
) -> None:
    name = cluster.database_url.rpartition("/")[2]
    with psycopg.connect(cluster.database_url.rpartition("/")[0] + "/postgres", autocommit=True) as admin:
        admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        for number in range(5):
            await peer.send([2, f"m-{number}", "DataTransfer", {"vendorId": "x", "data": str(number)}])
        with pytest.raises(TimeoutError):
            await peer.next_frame(3)  # longer than the journal's budget
        admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')

    answers = [await peer.next_frame(20) for _ in range(5)]

    assert [(kind, message_id) for kind, message_id, *_ in answers] == [(3, f"m-{n}") for n in range(5)]
    assert [row["message_id"] for row in messages(cluster, identity)] == [f"m-{n}" for n in range(5)]


async def test_a_message_that_failed_five_times_is_put_aside_and_the_next_goes_on(
    cluster: Cluster, gateway: Front, peer: Peer, identity: str
) -> None:
    await fail_before(gateway, identity, attempts=5)
    await peer.send([2, "poison-1", "DataTransfer", {"vendorId": "x"}])
    frame = await peer.answer_to("poison-1")
    await peer.heartbeat()

    (letter,) = await gateway.redis.lrange(gateway.keys.dead_of(identity), 0, -1)  # type: ignore[misc]
    assert frame[:3] == [4, "poison-1", "InternalError"]
    assert "poison-1" in orjson.loads(letter)["envelope"]
    assert messages(cluster, identity) == []


async def test_a_poisoned_message_about_money_is_kept_and_answered(
    cluster: Cluster, gateway: Front, peer: Peer, identity: str
) -> None:
    await fail_before(gateway, identity, attempts=5)
    stop = {"transactionId": 99, "meterStop": 200, "timestamp": at()}

    assert await peer.call("StopTransaction", stop) == {}

    (kept,) = cluster.rows(
        "SELECT q.* FROM transactions_quarantinedmessage q JOIN chargepoints_chargepoint c"
        " ON c.id = q.charge_point_id WHERE c.identity = %s",
        identity,
    )
    assert (kept["action"], orjson.loads(kept["payload"])) == ("StopTransaction", stop)


async def test_an_envelope_that_is_none_is_put_aside(gateway: Front, peer: Peer, identity: str) -> None:
    await gateway.push(identity, b"{not json", b'{"charge_point_id": "x"}')

    await peer.heartbeat()

    assert await gateway.redis.llen(gateway.keys.dead_of(identity)) == 2  # type: ignore[misc]


async def test_a_flood_of_one_station_does_not_hold_up_the_others(
    cluster: Cluster, gateway: Front, peer: Peer
) -> None:
    other = await gateway.connect(f"Q-{next(_numbers)}")
    await other.boot()
    frames = [f'[2,"f-{number}","DataTransfer",{{"vendorId":"x"}}]' for number in range(400)]
    await gateway.push(peer.identity, *map(socket_of(peer).packed, frames))

    await other.call("DataTransfer", {"vendorId": "x"})

    (mine,) = messages(cluster, other.identity)
    answered = [await peer.next_frame() for _ in frames]
    before = [row for row in messages(cluster, peer.identity) if row["id"] < mine["id"]]
    assert len(before) < len(frames)
    assert [frame[1] for frame in answered] == [f"f-{number}" for number in range(400)]


async def test_a_processor_that_is_replaced_finishes_what_it_has_in_hand(
    crew: Crew, gateway: Front, peer: Peer
) -> None:
    before = list(crew.members)
    await crew.hire(2)
    for number in range(50):
        await peer.send([2, f"d-{number}", "Heartbeat", {}])

    await asyncio.gather(*(crew.dismiss(pid) for pid in before))

    # Nobody's claim had to run out: that takes ten seconds.
    heard = [await peer.next_frame(5) for _ in range(50)]
    assert [frame[1] for frame in heard] == [f"d-{number}" for number in range(50)]


# -- about ------------------------------------------------------------------------------------------------


def socket_of(peer: Peer) -> Socket:
    assert isinstance(peer.socket, Socket)
    return peer.socket


async def fail_before(gateway: Front, identity: str, *, attempts: int) -> None:
    """As if so many processors had died over the message that comes next."""
    await gateway.redis.hset(gateway.keys.lease(identity), "attempts", str(attempts))  # type: ignore[misc]


async def hello(cluster: Cluster, identity: str, start: dict[str, Any]) -> dict[str, Any]:
    async with station(cluster.servers[0], identity=identity) as direct:
        try:
            return await direct.call("StartTransaction", start)
        except ConnectionClosed:
            raise AssertionError(cluster.servers[0].log.read_text()[-2000:]) from None


def commands(cluster: Cluster, identity: str) -> list[dict[str, Any]]:
    return cluster.rows(
        "SELECT o.* FROM chargepoints_command o JOIN chargepoints_chargepoint c ON c.id = o.charge_point_id"
        " WHERE c.identity = %s",
        identity,
    )


def messages(cluster: Cluster, identity: str) -> list[dict[str, Any]]:
    """Of the log, without the boot."""
    return cluster.rows(
        "SELECT m.* FROM chargepoints_message m JOIN chargepoints_chargepoint c ON c.id = m.charge_point_id"
        " WHERE c.identity = %s AND m.action <> 'BootNotification' ORDER BY m.id",
        identity,
    )
