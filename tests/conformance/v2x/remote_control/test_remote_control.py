"""Remote starts and stops of OCPP 2.x; the cases have the numbers of the certification."""

from __future__ import annotations

import asyncio

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

        assert (await sent)[0] == 200
        assert call[2:] == ["RequestStopTransaction", {"transactionId": transaction}]
