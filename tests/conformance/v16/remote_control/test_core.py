"""OCPP 1.6 Core: remote control, reset and unlock, and the configuration of the server by a station."""

from __future__ import annotations

import asyncio

import pytest

from tests.conformance.conftest import ALICE
from tests.conformance.messages import commanded, start, status, stop
from tests.conformance.peer import V16, station

# -- remote start and stop -----------------------------------------------------------------------------------


async def remote_start(operator, peer, word="Accepted", **payload):
    return await commanded(
        operator, peer, "RemoteStartTransaction", {"idTag": ALICE, **payload}, {"status": word}
    )


@pytest.mark.parametrize("word", ["Accepted", "Rejected"])
async def test_16_061_clear_cache(server, operator, records, word):
    async with station(server) as peer:
        code, data, call = await commanded(operator, peer, "ClearCache", {}, {"status": word})

    assert call[2:] == ["ClearCache", {}]
    assert (code, data["status"]) == (200, word)
    assert records.command(call[1])["state"] == word.lower()


@pytest.mark.parametrize("place", [{"connectorId": 1}, {}], ids=["with connector", "without"])
async def test_16_010_16_EV_2_a_remote_start_is_linked_to_its_transaction(server, operator, records, place):
    async with station(server) as peer:
        await peer.call("StatusNotification", status(1, "Preparing"))
        code, data, call = await remote_start(operator, peer, **place)
        assert (code, data["status"], call[3]) == (200, "Accepted", {"idTag": ALICE, **place})
        number = (await peer.call("StartTransaction", start()))["transactionId"]

    (waited,) = records.of("transactions_remotestart", peer.identity)
    assert (waited["outcome"], waited["transaction_id"]) == ("started", number)


async def test_16_011_1_the_vehicle_may_be_connected_after_the_remote_start(server, operator, records):
    async with station(server) as peer:
        _, _, call = await remote_start(operator, peer, connectorId=1)
        for word in ("Preparing", "Charging"):
            assert await peer.call("StatusNotification", status(1, word)) == {}
            if word == "Preparing":
                started = await peer.call("StartTransaction", start())

    assert started["idTagInfo"]["status"] == "Accepted"
    (waited,) = records.of("transactions_remotestart", peer.identity)
    assert (waited["command_id"], waited["outcome"]) == (call[1], "started")
    assert records.transaction(peer.identity)["id"] == started["transactionId"]


async def test_16_011_2_a_remote_start_without_a_vehicle_waits_and_is_not_linked_to_another_start(
    server, operator, records
):
    """When its time is over it has led to nothing: tests/unit/transactions/remote_control."""
    async with station(server) as peer:
        await remote_start(operator, peer, connectorId=1)
        other = await peer.call("StartTransaction", start(connector=2))
        for word in ("Preparing", "Available"):
            assert await peer.call("StatusNotification", status(1, word)) == {}

    (waited,) = records.of("transactions_remotestart", peer.identity)
    assert (waited["outcome"], waited["transaction_id"]) == ("waiting", None)
    assert records.transaction(peer.identity)["id"] == other["transactionId"]


async def test_16_EV_2_a_second_remote_start_is_sent_and_each_is_linked_once(server, operator, records):
    async with station(server) as peer:
        calls = [(await remote_start(operator, peer, connectorId=1))[2] for _ in range(2)]
        number = (await peer.call("StartTransaction", start()))["transactionId"]

    assert [call[2] for call in calls] == ["RemoteStartTransaction"] * 2
    waited = records.of("transactions_remotestart", peer.identity)
    assert [(row["outcome"], row["transaction_id"]) for row in waited] == [
        ("started", number),
        ("waiting", None),
    ]


async def test_16_EV_2_connector_0_of_a_remote_start_is_refused_by_the_server(server, operator, records):
    async with station(server) as peer:
        code, answer = await operator.request(
            "POST",
            "/api/v1/transactions/remote-start",
            {"clientId": peer.identity, "connectorId": 0, "idTag": ALICE},
        )
        await peer.heartbeat()  # no command came before this answer

    assert code == 400, answer
    assert records.commands(peer.identity) == []


async def test_16_012_remote_stop(server, operator, records):
    async with station(server) as peer:
        number = (await peer.call("StartTransaction", start()))["transactionId"]
        code, _, call = await commanded(
            operator, peer, "RemoteStopTransaction", {"transactionId": number}, {"status": "Accepted"}
        )
        assert (code, call[3]) == (200, {"transactionId": number})
        assert await peer.call("StopTransaction", stop(number, reason="Remote")) == {}

    assert records.transaction(peer.identity)["stop_reason"] == "Remote"


async def test_16_026_a_rejected_remote_start_is_returned_in_the_words_of_the_station(
    server, operator, records
):
    async with station(server) as peer:
        code, data, call = await remote_start(operator, peer, "Rejected", connectorId=1)

    assert (code, data["status"], call[2]) == (200, "Rejected", "RemoteStartTransaction")
    (waited,) = records.of("transactions_remotestart", peer.identity)
    assert (waited["outcome"], records.command(call[1])["state"]) == ("refused", "rejected")


async def test_16_028_a_rejected_remote_stop_leaves_the_session_running(server, operator, records):
    async with station(server) as peer:
        number = (await peer.call("StartTransaction", start()))["transactionId"]
        code, data, call = await commanded(
            operator, peer, "RemoteStopTransaction", {"transactionId": number}, {"status": "Rejected"}
        )

    assert (code, data["status"], call[3]) == (200, "Rejected", {"transactionId": number})
    assert records.command(call[1])["state"] == "rejected"
    assert records.transaction(peer.identity)["status"] == "active"


# -- reset and unlock ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["Hard", "Soft"])
async def test_16_013_16_014_reset_with_a_running_transaction(server, operator, records, kind):
    async with station(server) as peer:
        number = (await peer.call("StartTransaction", start()))["transactionId"]
        sent = asyncio.create_task(operator.command(peer.identity, "Reset", {"type": kind}))
        call = await peer.next_call()
        assert call[3] == {"type": kind}
        # The station stops its transactions before it answers.
        assert await peer.call("StopTransaction", stop(number, reason=f"{kind}Reset")) == {}
        await peer.answer(call, {"status": "Accepted"})
        assert (await sent)[0] == 200
        identity = peer.identity

    async with station(server, V16, identity):
        pass
    row = records.transaction(identity)
    assert (row["status"], row["stop_reason"]) == ("ended", f"{kind}Reset")


async def unlock(operator, peer, answer, number=1):
    sent = asyncio.create_task(
        operator.request("POST", f"/api/v1/chargepoints/{peer.identity}/unlock", {"connectorId": number})
    )
    call = await peer.next_call()
    await peer.answer(call, {"status": answer})
    return (*await sent, call)


@pytest.mark.parametrize(
    ("word", "state"),
    [("Unlocked", "accepted"), ("NotSupported", "rejected"), ("UnlockFailed", "rejected")],
    ids=["16-017-1", "16-017-2", "16-030"],
)
async def test_16_017_1_2_16_030_the_answer_to_an_unlock_is_shown(server, operator, records, word, state):
    async with station(server) as peer:
        code, answer, call = await unlock(operator, peer, word)

    assert call[2:] == ["UnlockConnector", {"connectorId": 1}]
    assert (code, answer["success"], answer["data"]["status"]) == (200, state == "accepted", word)
    row = records.command(call[1])
    assert (row["state"], row["status"]) == (state, word)


async def test_16_018_1_an_unlock_ends_the_session(server, operator, records):
    async with station(server) as peer:
        number = (await peer.call("StartTransaction", start()))["transactionId"]
        code, answer, call = await unlock(operator, peer, "Unlocked")
        assert await peer.call("StopTransaction", stop(number, reason="UnlockCommand")) == {}

    assert (code, answer["success"], call[3]) == (200, True, {"connectorId": 1})
    row = records.transaction(peer.identity)
    assert (row["status"], row["stop_reason"], row["energy_wh"]) == ("ended", "UnlockCommand", 4000)


async def test_16_031_an_unknown_connector_is_not_unlocked(server, operator, records):
    async with station(server) as peer:
        await peer.call("StatusNotification", status(1, "Available"))
        code, answer, call = await unlock(operator, peer, "NotSupported", 99)

    assert (code, answer["success"], call[3]) == (200, False, {"connectorId": 99})
    assert records.command(call[1])["state"] == "rejected"
    assert [row["number"] for row in records.of("chargepoints_connector", peer.identity)] == [1]


# -- configuration of the server by a station ----------------------------------------------------------------


async def test_inbound_get_and_change_configuration_of_one_family_of_stations(server):
    async with station(server) as peer:
        answer = await peer.call("GetConfiguration", {"key": ["HeartbeatInterval", "NoSuchKey"]})
        assert answer["configurationKey"][0]["key"] == "HeartbeatInterval"
        assert answer["unknownKey"] == ["NoSuchKey"]
        expected = {
            ("HeartbeatInterval", "60"): "Accepted",
            ("HeartbeatInterval", "x"): "Rejected",
            ("ConnectionTimeOut", "61"): "RebootRequired",
            ("VendorName", "x"): "Rejected",
            ("NoSuchKey", "x"): "NotSupported",
        }
        for (key, value), word in expected.items():
            assert await peer.call("ChangeConfiguration", {"key": key, "value": value}) == {"status": word}
