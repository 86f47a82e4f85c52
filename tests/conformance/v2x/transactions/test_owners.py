"""The owner of a 2.x session: the token of its remote start, none, or a master pass that ends it
(C02, C16, F01).
"""

from __future__ import annotations

import asyncio

import pytest

from tests.conformance.every.transactions.test_ghost_sessions import card
from tests.conformance.messages import energy, event, token
from tests.conformance.peer import V21, V201, fresh, reasons, station


@pytest.mark.parametrize("version", [V201, V21])
async def test_2x_a_session_without_a_token_belongs_to_its_remote_start(server, records, operator, version):
    uid = await card(operator)
    async with station(server, version) as peer:
        call, command = await remote_start(peer, operator, uid)
        started = event(
            "Started", "T1", 0, trigger="RemoteStart", info={"remoteStartId": call[3]["remoteStartId"]}
        )
        answer = await peer.call("TransactionEvent", started)

    row = records.transaction(peer.identity)
    assert answer == {}
    assert (row["id_token"], row["id_token_type"], row["authorization_status"]) == (
        uid,
        "Central",
        "Accepted",
    )
    (intent,) = records.of("transactions_remotestart", peer.identity)
    assert (intent["outcome"], intent["transaction_id"], command) == ("started", row["id"], "Accepted")


@pytest.mark.parametrize("version", [V201, V21])
@pytest.mark.parametrize("late", ["answer", "number"])
async def test_2x_the_remote_start_may_be_linked_later(server, records, operator, version, late):
    """The Started event arrives before the answer of the station, or a later event has the number."""

    uid = await card(operator)
    async with station(server, version) as peer:
        body = {"clientId": peer.identity, "idTag": uid}
        asking = asyncio.create_task(operator.request("POST", "/api/v1/transactions/remote-start", body))
        call = await peer.next_call()
        info = {"remoteStartId": call[3]["remoteStartId"]}
        first = event("Started", "T1", 0, trigger="RemoteStart", info=info if late == "answer" else {})
        if late == "answer":
            await peer.call("TransactionEvent", first)
            await peer.answer(call, {"status": "Accepted"})
            await asking
        else:
            await peer.answer(call, {"status": "Accepted"})
            await asking
            await peer.call("TransactionEvent", first)
            await peer.call("TransactionEvent", event("Updated", "T1", 1, info=info))

        assert records.transaction(peer.identity)["id_token"] == uid


async def remote_start(peer, operator, uid):

    body = {"clientId": peer.identity, "idTag": uid}
    asking = asyncio.create_task(operator.request("POST", "/api/v1/transactions/remote-start", body))
    call = await peer.next_call()
    await peer.answer(call, {"status": "Accepted"})
    code, answer = await asking
    assert code == 200, answer
    return call, answer["data"]["status"]


@pytest.mark.parametrize("version", [V201, V21])
async def test_C02_FR_02_no_authorization_is_accepted_and_owns_nothing(server, records, operator, version):
    no_token = token("", "NoAuthorization")
    async with station(server, version) as peer:
        answer = await peer.call("TransactionEvent", event("Started", "T1", 0, idToken=no_token))
        row = records.transaction(peer.identity)
        assert answer["idTokenInfo"]["status"] == "Accepted"
        assert (row["id_token"], row["token_id"], row["authorization_status"]) == ("", None, "Accepted")
        assert (await peer.call("Authorize", {"idToken": no_token}))["idTokenInfo"]["status"] == "Accepted"

        await operator.change(peer.identity, unknownTokens="refuse")
        answer = await peer.call("TransactionEvent", event("Started", "T2", 0, evse=2, idToken=no_token))

    assert answer["idTokenInfo"]["status"] == "Invalid"


@pytest.mark.parametrize("version", [V201, V21])
@pytest.mark.parametrize("kind", ["Ended", "Updated"])
async def test_C16_a_master_pass_ends_a_session_that_had_no_token(server, records, operator, version, kind):
    master = await card(operator, is_master=True, group_id=fresh("M")[:20])
    async with station(server, version) as peer:
        await peer.call("TransactionEvent", event("Started", "T1", 0, meterValue=energy(1000, -5)))
        stop = event(kind, "T1", 1, trigger="StopAuthorized", idToken=token(master), meterValue=energy(1500))
        answer = await peer.call("TransactionEvent", stop)
        if kind == "Updated":
            await peer.call("TransactionEvent", event("Ended", "T1", 2, trigger="StopAuthorized"))

    row = records.transaction(peer.identity)
    assert answer["idTokenInfo"]["status"] == "Accepted"
    assert (row["status"], row["id_token"], row["energy_wh"]) == ("ended", "", 500)
    assert "charged-unauthorized" not in reasons(row)
    if kind == "Ended":
        assert (row["stop_id_token"], row["stop_authorization_reason"]) == (
            master,
            "Ended with a master pass.",
        )
