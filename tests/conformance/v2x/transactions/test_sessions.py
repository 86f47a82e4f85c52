"""Transactions of OCPP 2.x; the cases have the numbers of the certification."""

from __future__ import annotations

import json

import pytest

from tests.conformance.conftest import ALICE
from tests.conformance.messages import energy, event, new_transaction, token
from tests.conformance.peer import reasons, station


@pytest.mark.parametrize(
    ("trigger", "with_token", "with_evse"),
    [
        ("CablePluggedIn", False, True),
        ("Authorized", True, True),
        ("Authorized", True, False),
        ("EVDetected", False, True),
        ("ChargingStateChanged", True, True),
        ("SignedDataReceived", True, True),
        ("RemoteStart", True, True),
    ],
    ids=["TC_E_03/09", "TC_E_04", "TC_E_10", "TC_E_12", "TC_E_02", "TC_E_11", "TC_F_01"],
)
async def test_E_a_transaction_may_start_in_every_way(  # noqa: PLR0917
    server, records, version, trigger, with_token, with_evse
):
    more = {"idToken": token()} if with_token else {}
    transaction = new_transaction()
    async with station(server, version) as peer:
        started = event("Started", transaction, 0, trigger=trigger, evse=1 if with_evse else None, **more)
        answer = await peer.call("TransactionEvent", started)
        assert ("idTokenInfo" in answer) is with_token
        await peer.call("TransactionEvent", event("Updated", transaction, 1, idToken=token()))
        await peer.call("TransactionEvent", event("Ended", transaction, 2))

    row = records.transaction(peer.identity)
    assert (row["ocpp_id"], row["status"], row["id_token"]) == (transaction, "ended", ALICE)
    assert (row["evse_number"], row["connector_number"]) == (1, 1)
    assert json.loads(row["missing_seq_nos"]) == []


@pytest.mark.parametrize(
    ("trigger", "reason"),
    [
        ("StopAuthorized", "Local"),
        ("EVCommunicationLost", "EVDisconnected"),
        ("Deauthorized", "DeAuthorized"),
        ("RemoteStop", "Remote"),
        ("EVConnectTimeout", "Timeout"),
        ("ResetCommand", "ImmediateReset"),
        ("AbnormalCondition", "PowerLoss"),
    ],
)
async def test_E_a_transaction_may_end_in_every_way(server, records, version, trigger, reason):
    transaction = new_transaction()
    async with station(server, version) as peer:
        await peer.call(
            "TransactionEvent", event("Started", transaction, 0, idToken=token(), meterValue=energy(100, -2))
        )
        await peer.call("TransactionEvent", event("Updated", transaction, 1, meterValue=energy(400, -1)))
        ended = event(
            "Ended", transaction, 2, trigger=trigger, info={"stoppedReason": reason}, meterValue=energy(700)
        )
        assert await peer.call("TransactionEvent", ended) == {}

    row = records.transaction(peer.identity)
    assert (row["status"], row["stop_reason"], row["energy_wh"]) == ("ended", reason, 600)
    assert (
        len(records.rows("SELECT id FROM transactions_transactionevent WHERE transaction_id = ?", row["id"]))
        == 3
    )


async def test_E_parallel_transactions_on_two_evses(server, records, version):
    one, two = new_transaction(), new_transaction()
    async with station(server, version) as peer:
        await peer.call("TransactionEvent", event("Started", one, 0, evse=1, idToken=token()))
        await peer.call("TransactionEvent", event("Started", two, 0, evse=2, idToken=token("BOB00002")))

    assert [(r["ocpp_id"], r["status"]) for r in records.transactions(peer.identity)] == [
        (one, "active"),
        (two, "active"),
    ]


@pytest.mark.parametrize("first_of_two", [0, 3, 700])
async def test_TC_E_53_numbers_may_start_at_0_or_go_on_over_transactions(
    server, records, version, first_of_two
):
    one, two = new_transaction(), new_transaction()
    async with station(server, version) as peer:
        for transaction, first in ((one, 0), (two, first_of_two)):
            started = event("Started", transaction, first, idToken=token())
            answer = await peer.call("TransactionEvent", started)
            assert answer["idTokenInfo"]["status"] == "Accepted"
            for seq_no, kind in enumerate(("Updated", "Ended"), first + 1):
                assert await peer.call("TransactionEvent", event(kind, transaction, seq_no)) == {}

    rows = records.transactions(peer.identity)
    assert [(row["ocpp_id"], row["last_seq_no"]) for row in rows] == [(one, 2), (two, first_of_two + 2)]
    for row in rows:
        assert (row["status"], json.loads(row["missing_seq_nos"])) == ("ended", [])
        assert "events-missing" not in reasons(row)


async def test_TC_P_03_custom_data_in_a_transaction_event_is_kept(server, records, version):
    custom = {"vendorId": "V", "more": {"a": [1]}}
    started = event("Started", new_transaction(), 0, customData=custom)
    started["transactionInfo"]["customData"] = custom
    async with station(server, version) as peer:
        assert await peer.call("TransactionEvent", started) == {}

    row = records.transaction(peer.identity)
    (stored,) = records.rows(
        "SELECT * FROM transactions_transactionevent WHERE transaction_id = ?", row["id"]
    )
    assert (stored["seq_no"], stored["type"]) == (0, "Started")
    kept = json.loads(stored["payload"])
    assert [kept["customData"], kept["transactionInfo"]["customData"]] == [custom, custom]
