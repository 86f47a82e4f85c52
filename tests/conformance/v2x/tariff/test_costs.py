"""Costs of sessions on the wire of OCPP 2.x; the cases have the numbers of the certification."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.messages import energy, event, new_transaction, token
from tests.conformance.peer import Operator, Records, station
from tests.conformance.profiles import asked
from tests.servers import LiveServer

KWH = 0.42  # the price of docs/examples/price_per_kwh.py


@pytest.fixture(scope="module")
def priced(tmp_path_factory: pytest.TempPathFactory, migrated_database: Any) -> Any:
    """A server that knows a price."""
    live = LiveServer(
        tmp_path_factory.mktemp("priced"),
        template=migrated_database,
        OCPP_PRICE="docs.examples.price_per_kwh.total",
        OCPP_UNKNOWN_TOKENS="accept",
    ).start()
    yield live
    assert live.stop() == 0
    assert "Traceback" not in live.log.read_text("utf-8", "replace")


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

    (row, _) = Records(priced.database).transactions(peer.identity)
    assert row["energy_wh"] == 5000
    assert "totalCost" not in started
    assert running["totalCost"] == pytest.approx(2 * KWH)
    assert ended["totalCost"] == again["totalCost"] == pytest.approx(5 * KWH)
    assert free["totalCost"] == 0  # I03: a free session has a cost


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
        assert code == 200, answer
        assert call[2:] == ["CostUpdated", {"totalCost": 4.2, "transactionId": transaction}]
        foreign, _, none = await asked(operator, other, "update-cost", body)
        assert (foreign, none) == (404, None)
        await peer.call("TransactionEvent", event("Ended", transaction, 1))
        late, why, none = await asked(operator, peer, "update-cost", body)

    assert (late, why["data"]["code"], none) == (409, "transaction-ended", None)
    status, shown = await operator.request("GET", f"/api/v1/session-costs/{number}")
    assert (status, shown["data"]["sentCost"], shown["data"]["totalInclTax"]) == (200, "4.2", None)


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
