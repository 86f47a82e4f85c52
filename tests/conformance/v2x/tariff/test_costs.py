"""Costs of sessions on the wire of OCPP 2.x; the cases have the numbers of the certification."""

from __future__ import annotations

import pytest

from tests.conformance.messages import energy, event, new_transaction, token
from tests.conformance.peer import Operator, Records, station
from tests.conformance.profiles import asked
from tests.servers import LiveServer

KWH = 0.42  # the price of docs/examples/price_per_kwh.py


async def test_TC_I_01_TC_I_02_costs_are_in_the_answers_while_a_price_is_known(priced, version):
    transaction = new_transaction()
    begin = energy(1000, context="Transaction.Begin")
    async with station(priced, version) as peer:
        started = await peer.call(
            "TransactionEvent", event("Started", transaction, 0, idToken=token(), meterValue=begin)
        )
        running = await peer.call(
            "TransactionEvent",
            event("Updated", transaction, 1, trigger="MeterValuePeriodic", meterValue=energy(3000)),
        )
        end = event("Ended", transaction, 2, meterValue=energy(6000, context="Transaction.End"))
        ended = await peer.call("TransactionEvent", end)
        again = await peer.call("TransactionEvent", end)
        free = await peer.call("TransactionEvent", event("Ended", new_transaction(), 1))

    rows = Records(priced.database).transactions(peer.identity)
    assert [(row["status"], row["energy_wh"]) for row in rows] == [("ended", 5000), ("ended", 0)]
    assert "totalCost" not in started
    assert running["totalCost"] == pytest.approx(2 * KWH)
    assert ended["totalCost"] == again["totalCost"] == pytest.approx(5 * KWH)
    assert free["totalCost"] == 0  # I03: a free session has a cost


async def test_TC_I_01_a_cost_that_no_answer_has_sent_is_sent_by_itself(priced, version):
    records, transaction = Records(priced.database), new_transaction()
    async with station(priced, version) as peer:
        begin = energy(1000, -1, context="Transaction.Begin")
        started = event("Started", transaction, 0, minutes=-1, idToken=token(), meterValue=begin)
        assert "totalCost" not in await peer.call("TransactionEvent", started)
        assert await peer.call("MeterValues", {"evseId": 1, "meterValue": energy(3000)}) == {}
        call = await peer.next_call()
        await peer.answer(call, {})
        ended = await peer.call("TransactionEvent", event("Ended", transaction, 1))

    cost = pytest.approx(2 * KWH)
    assert call[2:] == ["CostUpdated", {"totalCost": cost, "transactionId": transaction}]
    assert ended["totalCost"] == cost
    (row,) = records.of("tariffs_sessioncost", peer.identity, order="t.transaction_id")
    assert row["sent_cost"] == cost
    (command,) = records.commands(peer.identity)
    assert (command["id"], command["actor"], command["state"]) == (call[1], "server", "accepted")


async def test_TC_I_02_no_price_is_no_cost(server, records, version):
    transaction = new_transaction()
    async with station(server, version) as peer:
        await peer.call("TransactionEvent", event("Started", transaction, 0, idToken=token()))
        ended = await peer.call("TransactionEvent", event("Ended", transaction, 1))

    assert ended == {}
    assert records.transaction(peer.identity)["status"] == "ended"


async def test_TC_I_01_the_cost_of_a_running_session_is_sent_and_stored(
    server: LiveServer, operator: Operator, records: Records, version: str
) -> None:
    transaction = new_transaction()
    async with station(server, version) as peer, station(server, version) as other:
        await peer.call("TransactionEvent", event("Started", transaction, 0, idToken=token()))
        number = records.transaction(peer.identity)["id"]
        body = {"transactionId": number, "totalCost": 4.2}
        code, answer, call = await asked(operator, peer, "update-cost", body, {})
        assert (code, answer["success"]) == (200, True)
        assert call[2:] == ["CostUpdated", {"totalCost": 4.2, "transactionId": transaction}]
        foreign, _, none = await asked(operator, other, "update-cost", body)
        assert (foreign, none) == (404, None)
        await peer.call("TransactionEvent", event("Ended", transaction, 1))
        late, why, none = await asked(operator, peer, "update-cost", body)

    assert (late, why["data"]["code"], none) == (409, "transaction-ended", None)
    status, shown = await operator.request("GET", f"/api/v1/session-costs/{number}")
    assert (status, shown["data"]["sentCost"], shown["data"]["totalInclTax"]) == (200, "4.2", None)
    (row,) = records.of("tariffs_sessioncost", peer.identity, order="t.transaction_id")
    assert (row["transaction_id"], row["sent_cost"]) == (number, 4.2)


@pytest.mark.parametrize("cost", ["4.2", True, [4], 1e12])
async def test_a_cost_that_is_no_amount_is_refused(server, operator, records, version, cost):
    transaction = new_transaction()
    async with station(server, version) as peer:
        await peer.call("TransactionEvent", event("Started", transaction, 0, idToken=token()))
        body = {"transactionId": transaction, "totalCost": cost}
        code, answer, call = await asked(operator, peer, "update-cost", body)

    assert (code, call) == (400, None)
    assert answer["data"]["errors"][0]["field"] == "totalCost"
    assert not records.of("tariffs_sessioncost", peer.identity, order="t.transaction_id")
