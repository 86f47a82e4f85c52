"""OCPP 1.6 Core: remote control, reset, unlock, configuration."""

from __future__ import annotations

import asyncio

import pytest

from tests.conformance.conftest import ALICE
from tests.conformance.messages import start, status, stop
from tests.conformance.peer import V16, station

# -- remote --------------------------------------------------------------------------------------------------


async def remote_start(operator, peer, word="Accepted", **payload):
    sent = asyncio.create_task(
        operator.command(peer.identity, "RemoteStartTransaction", {"idTag": ALICE, **payload})
    )
    call = await peer.next_call()
    await peer.answer(call, {"status": word})
    return (*await sent, call)


@pytest.mark.parametrize("word", ["Accepted", "Rejected"])
async def test_16_061_clear_cache(server, operator, word):
    async with station(server) as peer:
        sent = asyncio.create_task(operator.command(peer.identity, "ClearCache"))
        await peer.answer(await peer.next_call(), {"status": word})
        code, data = await sent

    assert (code, data["status"]) == (200, word)


@pytest.mark.parametrize("place", [{"connectorId": 1}, {}], ids=["with connector", "without"])
async def test_16_010_16_011_1_a_remote_start_is_linked_to_its_transaction(server, operator, records, place):
    async with station(server) as peer:
        await peer.call("StatusNotification", status(1, "Preparing"))
        code, data, call = await remote_start(operator, peer, **place)
        assert (code, data["status"], call[3]) == (200, "Accepted", {"idTag": ALICE, **place})
        number = (await peer.call("StartTransaction", start()))["transactionId"]

    (waited,) = records.of("transactions_remotestart", peer.identity)
    assert (waited["outcome"], waited["transaction_id"]) == ("started", number)


async def test_16_011_2_a_remote_start_without_a_vehicle_waits_and_is_not_linked_to_another_start(
    server, operator, records
):
    async with station(server) as peer:
        await remote_start(operator, peer, connectorId=1)
        await peer.call("StartTransaction", start(connector=2))
        await peer.call("StatusNotification", status(1, "Available"))

    (waited,) = records.of("transactions_remotestart", peer.identity)
    assert (waited["outcome"], waited["transaction_id"]) == ("waiting", None)


async def test_16_012_remote_stop(server, operator, records):
    async with station(server) as peer:
        number = (await peer.call("StartTransaction", start()))["transactionId"]
        sent = asyncio.create_task(
            operator.command(peer.identity, "RemoteStopTransaction", {"transactionId": number})
        )
        call = await peer.next_call()
        await peer.answer(call, {"status": "Accepted"})
        assert (await sent)[0] == 200
        await peer.call("StopTransaction", stop(number, reason="Remote"))

    assert call[3] == {"transactionId": number}
    assert records.transaction(peer.identity)["stop_reason"] == "Remote"


async def test_16_026_16_028_a_rejection_is_returned_in_the_words_of_the_station(server, operator, records):
    async with station(server) as peer:
        code, data, _ = await remote_start(operator, peer, "Rejected", connectorId=1)
        assert (code, data["status"]) == (200, "Rejected")
        sent = asyncio.create_task(
            operator.command(peer.identity, "RemoteStopTransaction", {"transactionId": 1})
        )
        await peer.answer(await peer.next_call(), {"status": "Rejected"})
        assert (await sent)[1]["status"] == "Rejected"

    (waited,) = records.of("transactions_remotestart", peer.identity)
    assert waited["outcome"] == "refused"


async def test_16_EV_connector_0_of_a_remote_start_is_refused_by_the_server(server, operator):
    async with station(server) as peer:
        code, answer = await operator.request(
            "POST",
            "/api/v1/transactions/remote-start",
            {"clientId": peer.identity, "connectorId": 0, "idTag": ALICE},
        )

    assert code == 400, answer


@pytest.mark.parametrize("kind", ["Hard", "Soft"])
async def test_16_013_16_014_reset_with_a_running_transaction(server, operator, records, kind):
    async with station(server) as peer:
        number = (await peer.call("StartTransaction", start()))["transactionId"]
        sent = asyncio.create_task(operator.command(peer.identity, "Reset", {"type": kind}))
        call = await peer.next_call()
        assert call[3] == {"type": kind}
        # The station stops its transactions before it answers.
        await peer.call("StopTransaction", stop(number, reason=f"{kind}Reset"))
        await peer.answer(call, {"status": "Accepted"})
        assert (await sent)[0] == 200
        identity = peer.identity

    async with station(server, V16, identity):
        pass
    assert records.transaction(identity)["status"] == "ended"


@pytest.mark.parametrize(
    ("word", "good"), [("Unlocked", True), ("UnlockFailed", False), ("NotSupported", False)]
)
async def test_16_017_16_018_16_030_unlock_connector(server, operator, word, good):
    async with station(server) as peer:
        sent = asyncio.create_task(
            operator.request("POST", f"/api/v1/chargepoints/{peer.identity}/unlock", {"connectorId": 1})
        )
        call = await peer.next_call()
        await peer.answer(call, {"status": word})
        code, answer = await sent

    assert call[2:] == ["UnlockConnector", {"connectorId": 1}]
    assert (code, answer["success"], answer["data"]["status"]) == (200, good, word)


async def test_16_019_16_021_16_040_configuration(server, operator):
    async with station(server) as peer:
        sent = asyncio.create_task(operator.command(peer.identity, "GetConfiguration", {"key": ["A", "B"]}))
        known = [{"key": "A", "readonly": False, "value": "1"}]
        await peer.answer(await peer.next_call(), {"configurationKey": known, "unknownKey": ["B"]})
        code, data = await sent
        assert (code, data["response"]) == (200, {"configurationKey": known, "unknownKey": ["B"]})

        change = {"key": "MeterValueSampleInterval", "value": "60"}
        for word in ("Accepted", "RebootRequired", "NotSupported", "Rejected"):
            sent = asyncio.create_task(operator.command(peer.identity, "ChangeConfiguration", change))
            await peer.answer(await peer.next_call(), {"status": word})
            assert (await sent)[1]["status"] == word


@pytest.mark.parametrize(("word", "good"), [("Accepted", True), ("Scheduled", True), ("Rejected", False)])
async def test_16_CA_change_availability_of_the_station_and_of_a_connector(server, operator, word, good):
    async with station(server) as peer:
        for number in (0, 1):
            sent = asyncio.create_task(
                operator.command(
                    peer.identity, "ChangeAvailability", {"connectorId": number, "type": "Inoperative"}
                )
            )
            await peer.answer(await peer.next_call(), {"status": word})
            code, data = await sent
            assert (code, data["status"]) == (200, word)


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
