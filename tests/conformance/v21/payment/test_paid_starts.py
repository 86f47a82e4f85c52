"""Sessions of drivers who have paid before: at a terminal apart from the station (2.1 C24)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conformance.messages import energy, event, new_transaction, token
from tests.conformance.peer import V16, V21, V201, Operator, Peer, Records, fresh, station
from tests.conformance.profiles import asked
from tests.conformance.v21.transactions.test_limits import ALL, supports
from tests.servers import LiveServer

COSTS = {
    "totalCost": {"currency": "EUR", "typeOfCost": "NormalCost", "total": {"inclTax": 18.15}},
    "totalUsage": {"energy": 5000, "chargingTime": 600, "idleTime": 0},
}


@pytest.fixture
def records(selling: LiveServer) -> Records:
    return Records(selling.database)


@pytest.fixture
def operator(selling: LiveServer) -> Operator:
    return Operator(selling)


def paid(reference: str, **more: Any) -> dict[str, Any]:
    """The body of a remote start after a payment."""
    return {"idTag": reference, "idTagType": "DirectPayment", "connectorId": 1, **more}


def by(call: list[Any], **more: Any) -> dict[str, Any]:
    """The fields of an event that name the remote start and its token."""
    request = call[3]
    return {"trigger": "RemoteStart", "info": {"remoteStartId": request["remoteStartId"]}, **more}


async def sold(peer: Peer, call: list[Any], transaction: str, **ended: Any) -> tuple[Any, Any]:
    """A session of 5 kWh with the token of the remote start; the answers to its start and its end."""
    begin, end = energy(10000, context="Transaction.Begin"), energy(15000, context="Transaction.End")
    started = event("Started", transaction, 0, idToken=call[3]["idToken"], meterValue=begin, **by(call))
    first = await peer.call("TransactionEvent", started)
    again = await peer.call("TransactionEvent", started)
    assert again == first
    return first, await peer.call("TransactionEvent", event("Ended", transaction, 1, meterValue=end, **ended))


async def test_TC_C_125_a_terminal_apart_from_the_station_and_the_cost_of_the_server(
    selling: LiveServer, records: Records, operator: Operator
) -> None:
    reference, transaction = fresh("PSP"), new_transaction()
    body = paid(reference, cardLastDigits="1234", limits={"maxCost": 50.5, "maxTime": 3600})
    async with station(selling, V21) as peer:
        await supports(operator, peer, ALL)
        code, answer, call = await asked(operator, peer, "remote-start", body)
        first, last = await sold(peer, call, transaction)

    assert (code, answer["success"], answer["data"].get("warning")) == (200, True, None)
    digits = {"additionalIdToken": "1234", "type": "CardLast4Digits"}
    direct = {"idToken": reference, "type": "DirectPayment", "additionalInfo": [digits]}
    assert call[2] == "RequestStartTransaction"
    number = call[3]["remoteStartId"]
    assert call[3] == {"evseId": 1, "idToken": direct, "remoteStartId": number}
    assert first["idTokenInfo"]["status"] == "Accepted"
    assert first["transactionLimit"] == {"maxCost": 50.5, "maxTime": 3600}
    assert last == {"totalCost": pytest.approx(5 * 0.42)}
    row = records.transaction(peer.identity)
    assert (row["id_token"], row["id_token_type"], row["token_id"]) == (reference, "DirectPayment", None)
    assert (row["energy_wh"], row["authorization_status"]) == (5000, "Accepted")
    assert json.loads(row["limits"])["sent"] == {"maxCost": 50.5, "maxTime": 3600}
    (start,) = records.of("transactions_remotestart", peer.identity)
    assert (start["outcome"], start["transaction_id"]) == ("started", row["id"])


async def test_TC_C_126_a_terminal_apart_from_the_station_and_the_cost_of_the_station(
    selling: LiveServer, records: Records, operator: Operator
) -> None:
    reference, transaction = fresh("PSP"), new_transaction()
    async with station(selling, V21) as peer:
        await supports(operator, peer, ALL)
        body = paid(reference, limits={"maxCost": 50})
        code, _, call = await asked(operator, peer, "remote-start", body)
        first, last = await sold(peer, call, transaction, costDetails=COSTS)

    assert code == 200
    assert call[3]["idToken"] == {"idToken": reference, "type": "DirectPayment"}
    assert first["transactionLimit"] == {"maxCost": 50}
    assert last == {}  # the station has counted the cost
    row = records.transaction(peer.identity)
    (cost,) = records.rows("SELECT * FROM tariffs_sessioncost WHERE transaction_id = ?", row["id"])
    assert (cost["total_incl_tax"], cost["currency"], cost["is_final"]) == (18.15, "EUR", 1)


async def test_C24_the_session_may_arrive_before_the_answer(
    selling: LiveServer, records: Records, operator: Operator
) -> None:
    reference, transaction = fresh("PSP"), new_transaction()
    async with station(selling, V21) as peer:
        await supports(operator, peer, ALL)
        sent = await operator.request(
            "POST",
            f"/api/v1/chargepoints/{peer.identity}/remote-start?wait=false",
            paid(reference, limits={"maxEnergy": 9000}),
        )
        call = await peer.next_call()
        started = event("Started", transaction, 0, idToken=call[3]["idToken"], **by(call))
        first = await peer.call("TransactionEvent", started)
        await peer.answer(call, {"status": "Accepted"})
        other = event("Started", new_transaction(), 0, evse=2, idToken=call[3]["idToken"])
        second = await peer.call("TransactionEvent", other)

    assert sent[0] == 202
    assert first["idTokenInfo"]["status"] == "Accepted"
    assert first["transactionLimit"] == {"maxEnergy": 9000}
    assert second["idTokenInfo"]["status"] == "Invalid"  # one payment, one session
    states = [row["authorization_status"] for row in records.transactions(peer.identity)]
    assert states == ["Accepted", "Invalid"]
    (start,) = records.of("transactions_remotestart", peer.identity)
    assert start["outcome"] == "started"


async def test_C24_the_payment_of_another_station_is_refused(
    selling: LiveServer, records: Records, operator: Operator
) -> None:
    async with station(selling, V21) as peer, station(selling, V21) as other:
        _, _, call = await asked(operator, peer, "remote-start", paid(fresh("PSP")))
        stolen = event("Started", new_transaction(), 0, idToken=call[3]["idToken"])
        answer = await other.call("TransactionEvent", stolen)

    assert answer["idTokenInfo"]["status"] == "Invalid"
    assert records.transaction(other.identity)["authorization_status"] == "Invalid"


async def test_E16_the_limits_of_a_remote_start_with_a_token_are_sent(
    selling: LiveServer, records: Records, operator: Operator
) -> None:
    uid = fresh("T")[:20]
    await operator.add_token(uid, energy_wh_per_day=8000)
    async with station(selling, V21) as peer:
        await supports(operator, peer, ALL)
        limits = {"maxEnergy": 9000, "maxTime": 600}
        body = {"idTag": uid, "idTagType": "ISO14443", "limits": limits}
        code, _, call = await asked(operator, peer, "remote-start", body)
        started = event("Started", new_transaction(), 0, idToken=token(uid), **by(call))
        first = await peer.call("TransactionEvent", started)

    assert code == 200
    assert first["transactionLimit"] == {"maxEnergy": 8000, "maxTime": 600}  # the budget is lower
    assert json.loads(records.transaction(peer.identity)["limits"])["wanted"] == first["transactionLimit"]


@pytest.mark.parametrize(
    ("version", "more", "code", "words"),
    [
        (V16, {"idTagType": "DirectPayment"}, 409, "has no tokens of the type DirectPayment"),
        (V201, {"idTagType": "DirectPayment"}, 409, "has no tokens of the type DirectPayment"),
        (V16, {"limits": {"maxCost": 5}}, 409, "has no limits of a session"),
        (V201, {"limits": {"maxCost": 5}}, 409, "has no limits of a session"),
        (V16, {"cardLastDigits": "1234"}, 409, "sends no digits of a card"),
        (V21, {"limits": {"maxCost": 5}}, 409, "has not reported that it supports maxCost"),
        (V21, {"limits": {"maxPower": 5}}, 400, ""),
        (V21, {"cardLastDigits": "12a4"}, 400, ""),
    ],
)
async def test_C24_a_station_that_can_not_do_it_gets_no_remote_start(
    selling: LiveServer,
    records: Records,
    operator: Operator,
    *,
    version: str,
    more: Any,
    code: int,
    words: str,
) -> None:
    async with station(selling, version) as peer:
        body = {"idTag": "PSP-1", **more}
        status, answer, call = await asked(operator, peer, "remote-start", body)
        await peer.heartbeat()

    assert (status, call) == (code, None)
    assert words in answer["message"]
    assert records.commands(peer.identity) == []
    assert records.of("transactions_requestedstart", peer.identity) == []
