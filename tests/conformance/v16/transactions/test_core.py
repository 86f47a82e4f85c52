"""OCPP 1.6 Core: boot, sessions and authorization."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from tests.conformance.conftest import ALICE
from tests.conformance.messages import connector_row, start, status, stop
from tests.conformance.peer import V16, Operator, Records, Refused, eventually, fresh, station

# -- boot ----------------------------------------------------------------------------------------------------


async def test_16_001_cold_boot(server, records):
    async with station(server, boot=False) as peer:
        answer = await peer.boot()
        for number in (0, 1, 2):
            assert await peer.call("StatusNotification", status(number, "Available")) == {}
        beat = await peer.call("Heartbeat")
        row = records.charge_point(peer.identity)

    assert answer["status"] == "Accepted"
    assert answer["interval"] > 0
    for answered in (answer, beat):
        current = datetime.fromisoformat(answered["currentTime"])
        assert abs((datetime.now(UTC) - current).total_seconds()) < 5
    assert (row["vendor"], row["model"], row["is_online"]) == ("Vendor", "Model", 1)


async def test_16_001b_pending_station_may_be_configured_and_nothing_else(server, operator, records):
    identity = fresh()
    await operator.provision(identity, registrationStatus="Pending")
    async with station(server, V16, identity, boot=False) as peer:
        boot = await peer.boot()
        assert (boot["status"], boot["interval"] > 0) == ("Pending", True)
        for action, payload in (
            ("Heartbeat", {}),
            ("Authorize", {"idTag": ALICE}),
            ("StartTransaction", start()),
        ):
            with pytest.raises(Refused) as refused:
                await peer.call(action, payload)
            assert refused.value.code == "SecurityError"
        assert records.transactions(identity) == []

        remote, _ = await operator.command(identity, "RemoteStartTransaction", {"idTag": ALICE})
        assert remote == 409
        change = asyncio.create_task(
            operator.command(identity, "ChangeConfiguration", {"key": "HeartbeatInterval", "value": "60"})
        )
        await peer.answer(await peer.next_call(), {"status": "Accepted"})
        assert (await change)[0] == 200

        await operator.change(identity, registrationStatus="Accepted")
        trigger = await peer.next_call()
        assert (trigger[2], trigger[3]["requestedMessage"]) == ("TriggerMessage", "BootNotification")
        await peer.answer(trigger, {"status": "Accepted"})
        assert (await peer.boot())["status"] == "Accepted"
        await peer.heartbeat()


async def test_16_001c_a_rejected_station_gets_the_retry_interval_and_no_other_message(
    server, operator, records
):
    identity = fresh()
    await operator.provision(identity, registrationStatus="Rejected")
    async with station(server, V16, identity, boot=False) as peer:
        boot = await peer.boot()
        code, _ = await operator.command(identity, "GetConfiguration")
        with pytest.raises(Refused) as refused:
            await peer.call("Heartbeat")

    assert boot["status"] == "Rejected"
    assert boot["interval"] >= 60
    assert code == 409
    assert refused.value.code == "SecurityError"
    assert records.charge_point(identity)["registration_status"] == "Rejected"
    assert records.commands(identity) == []


async def test_16_001d_S13_after_a_restart_of_the_server_a_station_continues_without_a_boot(make_server):
    server = make_server()
    identity, operator = fresh(), Operator(server)
    pending = fresh()
    await operator.provision(pending, registrationStatus="Pending")
    async with station(server, V16, identity) as peer:
        number = (await peer.call("StartTransaction", start()))["transactionId"]
    server.kill()
    server.start()

    async with station(server, V16, identity, boot=False) as peer:
        await peer.heartbeat()
        assert await peer.call("StopTransaction", stop(number)) == {}
    async with station(server, V16, pending, boot=False) as peer:
        with pytest.raises(Refused) as refused:
            await peer.call("Heartbeat")

    assert refused.value.code == "SecurityError"
    assert Records(server.database).transaction(identity)["energy_wh"] == 4000


# -- sessions ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plug_first", [True, False], ids=["16-003", "16-004-1"])
async def test_16_003_16_004_1_a_session_with_plug_or_card_first(server, records, plug_first):
    async with station(server) as peer:
        steps = [("StatusNotification", status(1, "Preparing")), ("Authorize", {"idTag": ALICE})]
        for action, payload in steps if plug_first else steps[::-1]:
            answer = await peer.call(action, payload)
            if action == "Authorize":
                assert answer["idTagInfo"]["status"] == "Accepted"
        started = await peer.call("StartTransaction", start(minutes=-4))
        assert started["transactionId"] >= 1000
        assert started["idTagInfo"]["status"] == "Accepted"
        await peer.call("StatusNotification", status(1, "Charging"))
        assert connector_row(records, peer.identity)["status"] == "Charging"
        assert await peer.call("StopTransaction", stop(started["transactionId"], idTag=ALICE))
        for word in ("Finishing", "Available"):
            await peer.call("StatusNotification", status(1, word))

    row = records.transaction(peer.identity)
    assert (row["status"], row["energy_wh"], row["stop_reason"]) == ("ended", 4000, "Local")
    assert not row["suspect"]


async def test_16_004_2_a_connection_timeout_leaves_no_transaction(server, records):
    async with station(server) as peer:
        authorized = await peer.call("Authorize", {"idTag": ALICE})
        for word in ("Preparing", "Available"):
            assert await peer.call("StatusNotification", status(1, word)) == {}

    assert authorized["idTagInfo"]["status"] == "Accepted"
    assert records.transactions(peer.identity) == []
    assert connector_row(records, peer.identity)["status"] == "Available"


async def test_16_005_1_the_vehicle_disconnects(server, records):
    async with station(server) as peer:
        number = (await peer.call("StartTransaction", start()))["transactionId"]
        assert await peer.call("StatusNotification", status(1, "SuspendedEV")) == {}
        assert await peer.call("StopTransaction", stop(number, reason="EVDisconnected")) == {}
        for word in ("Finishing", "Available"):
            assert await peer.call("StatusNotification", status(1, word)) == {}

    assert records.transaction(peer.identity)["stop_reason"] == "EVDisconnected"
    assert connector_row(records, peer.identity)["status"] == "Available"


async def test_16_007_a_cached_card_starts_without_authorize(server, records):
    async with station(server) as peer:
        answer = await peer.call("StartTransaction", start())

    assert answer["idTagInfo"]["status"] == "Accepted"
    row = records.transaction(peer.identity)
    assert (row["id"], row["id_token"], row["status"]) == (answer["transactionId"], ALICE, "active")


async def test_16_EV_1_a_stop_needs_neither_reason_nor_tag(server, records):
    async with station(server) as peer:
        number = (await peer.call("StartTransaction", start()))["transactionId"]
        assert await peer.call("StopTransaction", stop(number)) == {}

    assert records.transaction(peer.identity)["stop_reason"] == "Local"


@pytest.mark.parametrize(
    ("owner", "stopper", "answered"),
    [
        ("BOB00002", "BOB00002", "Accepted"),
        ("BOB00002", "CAROL003", "Accepted"),
        (ALICE, "NOSUCHTAG", "Invalid"),
    ],
)
async def test_16_EV_1_a_stop_by_the_owner_the_family_or_a_stranger_is_never_lost(
    server, records, owner, stopper, answered
):
    async with station(server) as peer:
        number = (await peer.call("StartTransaction", start(tag=owner)))["transactionId"]
        answer = await peer.call("StopTransaction", stop(number, idTag=stopper))

    assert answer["idTagInfo"]["status"] == answered
    row = records.transaction(peer.identity)
    assert (row["status"], row["stop_id_token"], row["id_token"]) == ("ended", stopper, owner)


# -- tokens --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        (ALICE, "Accepted"),
        ("NOBODY99", "Invalid"),
        ("INVALID1", "Invalid"),
        ("EXPIRED1", "Expired"),
        ("BLOCKED1", "Blocked"),
    ],
)
async def test_16_023_1_2_3_authorization_answers_exactly_and_a_refused_start_gets_a_number(
    server, records, tag, expected
):
    async with station(server) as peer:
        answer = await peer.call("Authorize", {"idTag": tag})
        started = await peer.call("StartTransaction", start(tag=tag))

    assert answer["idTagInfo"]["status"] == expected
    assert started["idTagInfo"]["status"] == expected
    assert started["transactionId"] >= 1000
    row = records.transaction(peer.identity)
    assert (row["id"], row["authorization_status"]) == (started["transactionId"], expected)


async def test_16_053_the_parent_id_is_answered_everywhere(server, records):
    async with station(server) as peer:
        authorized = await peer.call("Authorize", {"idTag": "BOB00002"})
        started = await peer.call("StartTransaction", start(tag="BOB00002"))
        stopped = await peer.call("StopTransaction", stop(started["transactionId"], idTag="CAROL003"))

    for answer in (authorized, started, stopped):
        assert answer["idTagInfo"]["parentIdTag"] == "FAMILY"
    row = records.transaction(peer.identity)
    assert (row["id_token"], row["stop_id_token"]) == ("BOB00002", "CAROL003")


async def test_16_CTX_one_token_charges_once_and_the_second_start_still_gets_a_number(make_server):
    server = make_server(OCPP_CONCURRENT_TX="refuse")
    records = Records(server.database)
    await Operator(server).add_token(ALICE)
    async with station(server) as one, station(server) as two:
        first = await one.call("StartTransaction", start())
        authorized = await two.call("Authorize", {"idTag": ALICE})
        second = await two.call("StartTransaction", start())
        # Blocked precedes ConcurrentTx, and a stop releases the token.
        await one.call("StopTransaction", stop(first["transactionId"]))
        third = await one.call("StartTransaction", start(minutes=1))

    assert first["idTagInfo"]["status"] == "Accepted"
    assert authorized["idTagInfo"]["status"] == "Accepted"
    assert second["idTagInfo"]["status"] == "ConcurrentTx"
    assert second["transactionId"] > first["transactionId"]
    assert third["idTagInfo"]["status"] == "Accepted"  # a refused start that drew nothing does not count
    assert records.transaction(two.identity)["authorization_status"] == "ConcurrentTx"


async def test_unknown_tokens_wait_in_the_operators_inbox(server, records):
    tag = fresh("T")[:20]
    async with station(server) as peer:
        for _ in range(2):
            await peer.call("Authorize", {"idTag": tag})

    (row,) = await eventually(lambda: records.rows("SELECT * FROM accounts_unknowntoken WHERE uid = ?", tag))
    assert (row["count"], row["last_seen_where"]) == (2, peer.identity)
