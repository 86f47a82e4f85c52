"""Stations that calculate the cost by the tariff that they have: the server sends none (2.1 E16, I12)."""

from __future__ import annotations

import json
from typing import Any

from tests.conformance.device_models import report, variable
from tests.conformance.messages import event, new_transaction, token
from tests.conformance.peer import V21, Operator, Records, fresh, station
from tests.conformance.profiles import asked

MINUTE = {"currency": "EUR", "chargingTime": {"prices": [{"priceMinute": 1.0}]}}


def details(total: float, minutes: int) -> dict[str, Any]:
    return {
        "totalCost": {"currency": "EUR", "typeOfCost": "NormalCost", "total": {"inclTax": total}},
        "totalUsage": {"energy": 500, "chargingTime": 60 * minutes, "idleTime": 0},
    }


async def test_TC_E_108_no_cost_and_no_limit_is_sent_to_a_station_that_counts_itself(priced):
    operator, records, transaction = Operator(priced), Records(priced.database), new_transaction()
    tariff = {"tariffId": fresh("T"), **MINUTE}
    answers = []
    async with station(priced, V21) as peer:
        switches = [
            variable("TariffCostCtrlr", "Enabled", "true", instance={"instance": name})
            for name in ("Tariff", "Cost", "RunningCost")
        ]
        await report(peer, 5, *switches)
        body = {"evseId": 0, "tariff": tariff}
        code, said, call = await asked(operator, peer, "set-default-tariff", body)
        for seq_no, (kind, trigger, more) in enumerate(
            [
                ("Started", "Authorized", {"idToken": token()}),
                ("Updated", "ChargingStateChanged", {}),
                (
                    "Updated",
                    "LimitSet",
                    {"info": {"transactionLimit": {"maxCost": 2.0}}, "costDetails": details(0, 0)},
                ),
                ("Updated", "RunningCost", {"costDetails": details(1.0, 1)}),
                (
                    "Ended",
                    "CostLimitReached",
                    {"info": {"stoppedReason": "CostLimitReached"}, "costDetails": details(2.0, 2)},
                ),
            ]
        ):
            sent = event(kind, transaction, seq_no, trigger=trigger, **more)
            answers.append(await peer.call("TransactionEvent", sent))

    assert (code, said["success"]) == (200, True)
    assert call[2:] == ["SetDefaultTariff", {"evseId": 0, "tariff": tariff}]
    assert [answer.keys() for answer in answers] == [{"idTokenInfo"}, set(), set(), set(), set()]
    row = records.transaction(peer.identity)
    assert (row["status"], row["stop_reason"], row["counts_cost"]) == ("ended", "CostLimitReached", 1)
    assert json.loads(row["limits"]) == {"set": {"maxCost": 2}}
    (cost,) = records.of("tariffs_sessioncost", peer.identity, order="t.transaction_id")
    assert (cost["total_incl_tax"], cost["is_final"], cost["sent_cost"]) == (2, 1, None)
    (stored,) = records.of("tariffs_stationtariff", peer.identity)
    assert (stored["tariff_id"], stored["evse_number"], stored["state"]) == (
        tariff["tariffId"],
        0,
        "accepted",
    )


async def test_a_session_that_the_station_did_not_price_is_priced_at_its_end(priced):
    """2.1 I08.FR.34: it could not use the tariff of the driver, and calculates nothing."""
    operator, records, transaction = Operator(priced), Records(priced.database), new_transaction()
    async with station(priced, V21) as peer:
        await asked(operator, peer, "set-default-tariff", {"tariff": {"tariffId": fresh("T"), **MINUTE}})
        await peer.call("TransactionEvent", event("Started", transaction, 0, idToken=token()))
        running = await peer.call("TransactionEvent", event("Updated", transaction, 1))
        ended = await peer.call("TransactionEvent", event("Ended", transaction, 2))

    assert (running, ended) == ({}, {"totalCost": 0})
    assert records.transaction(peer.identity)["counts_cost"] == 0
