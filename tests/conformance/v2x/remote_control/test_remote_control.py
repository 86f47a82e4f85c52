"""Remote starts and stops of OCPP 2.x; the cases have the numbers of the certification."""

from __future__ import annotations

import asyncio

import pytest

from tests.conformance.conftest import ALICE
from tests.conformance.messages import event, new_transaction, token
from tests.conformance.peer import station


async def test_TC_F_01_a_remote_start_is_linked_to_its_transaction_by_its_id(
    server, operator, records, version
):
    transaction = new_transaction()
    async with station(server, version) as peer:
        sent = asyncio.create_task(
            operator.request(
                "POST",
                "/api/v1/transactions/remote-start",
                {"clientId": peer.identity, "connectorId": 1, "idTag": ALICE},
            )
        )
        call = await peer.next_call()
        assert call[2] == "RequestStartTransaction"
        remote_id = call[3]["remoteStartId"]
        # The station sends Authorize before it answers (field notes 10.2).
        assert (await peer.call("Authorize", {"idToken": token()}))["idTokenInfo"]["status"] == "Accepted"
        await peer.answer(call, {"status": "Accepted"})
        assert (await sent)[0] == 200
        await peer.call(
            "TransactionEvent",
            event(
                "Started",
                transaction,
                0,
                trigger="RemoteStart",
                info={"remoteStartId": remote_id},
                idToken=token(),
            ),
        )

    (waited,) = records.of("transactions_remotestart", peer.identity)
    row = records.transaction(peer.identity)
    assert (waited["outcome"], waited["transaction_id"]) == ("started", row["id"])


async def test_TC_E_21_a_remote_stop_has_the_transaction_id_of_the_station(
    server, operator, records, version
):
    transaction = new_transaction()
    async with station(server, version) as peer:
        await peer.call("TransactionEvent", event("Started", transaction, 0, idToken=token()))
        number = records.transaction(peer.identity)["id"]
        sent = asyncio.create_task(
            operator.request("POST", "/api/v1/transactions/remote-stop", {"transactionId": number})
        )
        call = await peer.next_call()
        await peer.answer(call, {"status": "Accepted"})
        code, _ = await sent
        info = {"stoppedReason": "Remote"}
        ended = event("Ended", transaction, 1, trigger="RemoteStop", state="EVConnected", info=info)
        assert await peer.call("TransactionEvent", ended) == {}

    assert (code, call[2:]) == (200, ["RequestStopTransaction", {"transactionId": transaction}])
    assert records.command(call[1])["state"] == "accepted"
    row = records.transaction(peer.identity)
    assert (row["status"], row["stop_reason"]) == ("ended", "Remote")


async def remote_start(operator, peer, answer):
    """The HTTP status and the CALL that the station has got."""
    body = {"clientId": peer.identity, "connectorId": 1, "idTag": ALICE, "idTagType": "ISO14443"}
    sent = asyncio.create_task(operator.request("POST", "/api/v1/transactions/remote-start", body))
    call = await peer.next_call()
    await peer.answer(call, answer)
    return (await sent)[0], call


async def test_TC_F_01_a_running_session_gets_the_token_of_the_remote_start(
    server, operator, records, version
):
    transaction = new_transaction()
    async with station(server, version) as peer:
        plugged = event("Started", transaction, 0, trigger="CablePluggedIn", state="EVConnected")
        await peer.call("TransactionEvent", plugged)
        code, call = await remote_start(operator, peer, {"status": "Accepted", "transactionId": transaction})
        info = {"remoteStartId": call[3]["remoteStartId"]}
        updated = event("Updated", transaction, 1, trigger="RemoteStart", info=info, idToken=token())
        answer = await peer.call("TransactionEvent", updated)

    assert (code, call[3]["idToken"]) == (200, token())
    assert answer["idTokenInfo"]["status"] == "Accepted"
    row = records.transaction(peer.identity)
    assert (row["id_token"], row["remote_start_id"]) == (ALICE, call[3]["remoteStartId"])


@pytest.mark.parametrize("asks", [True, False], ids=["TC_F_02", "TC_F_03"])
async def test_TC_F_02_TC_F_03_TC_F_04_a_remote_start_before_the_cable(
    server, operator, records, version, asks
):
    transaction = new_transaction()
    async with station(server, version) as peer:
        code, call = await remote_start(operator, peer, {"status": "Accepted"})
        if asks:
            answer = await peer.call("Authorize", {"idToken": token()})
            assert answer["idTokenInfo"]["status"] == "Accepted"
        info = {"remoteStartId": call[3]["remoteStartId"]}
        started = event(
            "Started", transaction, 0, trigger="RemoteStart", state="Idle", info=info, idToken=token()
        )
        answer = await peer.call("TransactionEvent", started)
        timeout = event("Updated", transaction, 1, trigger="EVConnectTimeout", state="Idle")
        assert await peer.call("TransactionEvent", timeout) == {}

    assert (code, call[2], call[3]["idToken"]) == (200, "RequestStartTransaction", token())
    assert answer["idTokenInfo"]["status"] == "Accepted"
    row = records.transaction(peer.identity)
    assert (row["id_token"], row["status"], row["charging_state"]) == (ALICE, "active", "Idle")


@pytest.mark.parametrize("connector", [1, 2])
async def test_TC_F_06_a_connector_of_an_evse_is_unlocked(server, operator, records, version, connector):
    async with station(server, version) as peer:
        path = f"/api/v1/chargepoints/{peer.identity}/unlock"
        body = {"connectorId": 1} | ({"evseConnectorId": 2} if connector == 2 else {})
        sent = asyncio.create_task(operator.request("POST", path, body))
        call = await peer.next_call()
        await peer.answer(call, {"status": "Unlocked"})
        code, answer = await sent

    assert call[2:] == ["UnlockConnector", {"evseId": 1, "connectorId": connector}]
    assert (code, answer["data"]["status"]) == (200, "Unlocked")
    assert records.command(call[1])["state"] == "accepted"
