"""Tariffs of stations that calculate costs themselves (2.1 I07-I12)."""

from __future__ import annotations

import json

import pytest

from tests.conformance.messages import event, new_transaction, token
from tests.conformance.peer import V21, fresh, station
from tests.conformance.profiles import asked

TAX = [{"type": "VAT", "tax": 20}]
MORNING = {"startTimeOfDay": "08:00", "endTimeOfDay": "12:00"}


def tariff(name="", *, valid_from="2026-01-01T00:00:00Z", prices=None, **more):
    """A tariff that no other test uses."""
    found = {
        "tariffId": name or fresh("T"),
        "currency": "EUR",
        "energy": {"prices": prices or [{"priceKwh": 0.4, "conditions": MORNING}], "taxRates": TAX},
    }
    return found | ({"validFrom": valid_from} if valid_from else {}) | more


def whole(name="", **more):
    """A tariff with every price (TC_I_106)."""
    minutes = {"prices": [{"priceMinute": 0.1}], "taxRates": TAX}
    fee = {"prices": [{"priceFixed": 0.5}], "taxRates": TAX}
    found = tariff(name, chargingTime=minutes, idleTime=minutes, fixedFee=fee)
    costs = {"minCost": {"exclTax": 1.0}, "maxCost": {"inclTax": 50.0}, "reservationTime": minutes}
    return found | (more or costs)


async def listed(operator, identity, query=""):
    path = f"/api/v1/chargepoints/{identity}/tariffs{query}"
    status, answer = await operator.request("GET", path)
    assert status == 200, answer
    return answer["data"]["tariffs"]


def states(records, identity):
    rows = records.of("tariffs_stationtariff", identity, order="t.set_at, t.tariff_id")
    return {(row["tariff_id"], row["evse_number"]): row["state"] for row in rows}


async def test_TC_I_101_a_default_tariff_with_a_time_of_day(server, operator, records):
    one = tariff()
    async with station(server, V21) as peer:
        code, answer, call = await asked(operator, peer, "set-default-tariff", {"tariff": one})
        assert (code, answer["success"]) == (200, True)
        assert call[2:] == ["SetDefaultTariff", {"evseId": 0, "tariff": one}]
        (shown,) = await listed(operator, peer.identity)

    assert (shown["state"], shown["status"], shown["tariff"]) == ("accepted", "Accepted", one)
    assert (shown["requestId"], shown["evseIds"]) == (call[1], [])
    assert states(records, peer.identity) == {(one["tariffId"], 0): "accepted"}


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("TooManyElements", "The tariff has more prices than the station can take."),
        ("ConditionNotSupported", "The tariff has conditions that the station does not support."),
        ("DuplicateTariffId", "The station has a tariff with this ID. A changed tariff needs another ID."),
        ("Rejected", "The station refused the tariff."),
    ],
)
async def test_TC_I_102_TC_I_105_a_refused_tariff_is_explained(server, operator, records, word, sentence):
    noon = {"startTimeOfDay": "12:00", "endTimeOfDay": "18:00"}
    one = tariff(prices=[{"priceKwh": 0.4, "conditions": MORNING}, {"priceKwh": 0.5, "conditions": noon}])
    answer = {"status": word, "statusInfo": {"reasonCode": "Why", "additionalInfo": "because"}}
    async with station(server, V21) as peer:
        code, said, call = await asked(operator, peer, "set-default-tariff", {"tariff": one}, answer)
        (shown,) = await listed(operator, peer.identity)

    assert (code, said["success"], len(call[3]["tariff"]["energy"]["prices"])) == (200, False, 2)
    assert (shown["state"], shown["explanation"], shown["reason"]) == ("refused", sentence, "Why: because")
    assert states(records, peer.identity) == {(one["tariffId"], 0): "refused"}


async def test_TC_I_106_TC_I_110_tariffs_are_set_compared_and_cleared(server, operator, records):
    first, second = whole(), whole(minCost={"exclTax": 1.0, "inclTax": 1.2})
    a, b = first["tariffId"], second["tariffId"]
    kinds = {"tariffKind": "DefaultTariff", "validFrom": first["validFrom"]}
    both = [
        {"tariffId": a, **kinds, "evseIds": [2]},
        {"tariffId": b, **kinds, "evseIds": [1]},
        {"tariffId": "other", **kinds, "evseIds": [3]},
        {"tariffId": "driver", "tariffKind": "DriverTariff", "idTokens": ["ABCD"]},
    ]
    async with station(server, V21) as peer:
        for evse, one in ((0, first), (1, second)):
            code, answer, call = await asked(
                operator, peer, "set-default-tariff", {"evseId": evse, "tariff": one}
            )
            assert (code, answer["success"]) == (200, True)
            assert call[3] == {"evseId": evse, "tariff": one}
        report = {"status": "Accepted", "tariffAssignments": both}
        code, answer, call = await asked(operator, peer, "get-tariffs", {}, report)
        assert (code, answer["success"], call[2:]) == (200, True, ["GetTariffs", {"evseId": 0}])
        known = {(a, 0): "confirmed", (b, 1): "confirmed", ("other", 3): "foreign"}
        assert states(records, peer.identity) == known
        shown = await listed(operator, peer.identity, f"?tariffId={a}")
        assert [one["evseIds"] for one in shown] == [[2]]

        report = {"status": "Accepted", "tariffAssignments": both[:1]}
        await asked(operator, peer, "get-tariffs", {"evseId": 1}, report)
        known |= {(b, 1): "missing"}
        assert states(records, peer.identity) == known

        cleared = {"clearTariffsResult": [{"tariffId": a, "status": "Accepted"}]}
        code, answer, call = await asked(operator, peer, "clear-tariffs", {"tariffIds": [a]}, cleared)
        assert (code, answer["success"]) == (200, True)
        assert call[2:] == ["ClearTariffs", {"tariffIds": [a]}]
        assert states(records, peer.identity) == known | {(a, 0): "cleared"}
        rejected = {"clearTariffsResult": [{"tariffId": b, "status": "Rejected"}]}
        await asked(operator, peer, "clear-tariffs", {"evseId": 1}, rejected)
        assert states(records, peer.identity) == known | {(a, 0): "cleared"}
        nothing = {"clearTariffsResult": [{"status": "NoTariff"}]}
        code, answer, call = await asked(operator, peer, "clear-tariffs", {}, nothing)

    assert call[2:] == ["ClearTariffs", {}]
    assert set(states(records, peer.identity).values()) == {"cleared"}


async def test_TC_I_106_no_tariffs_at_the_station(server, operator, records):
    one = tariff(valid_from=None)
    async with station(server, V21) as peer:
        await asked(operator, peer, "set-default-tariff", {"tariff": one})
        await asked(operator, peer, "get-tariffs", {}, {"status": "Rejected"})
        assert states(records, peer.identity) == {(one["tariffId"], 0): "accepted"}
        code, answer, _ = await asked(operator, peer, "get-tariffs", {}, {"status": "NoTariff"})
        assert states(records, peer.identity) == {(one["tariffId"], 0): "missing"}
        (shown,) = await listed(operator, peer.identity, "?isCurrent=true&state=missing")
        await asked(operator, peer, "set-default-tariff", {"tariff": one})

    assert (code, answer["success"], shown["isCurrent"]) == (200, True, True)
    found = await listed(operator, peer.identity)
    assert [(row["state"], row["tariffId"]) for row in found] == [
        ("accepted", one["tariffId"]),
        ("replaced", one["tariffId"]),
    ]


async def test_TC_I_101_wrong_tariffs_are_refused_before_they_are_sent(server, operator):
    wrong = {"startTimeOfDay": "8:00", "validFromDate": "2026-02-30"}
    bad = tariff(currency="euro", prices=[{"priceKwh": 1, "conditions": wrong}])
    one = tariff()
    async with station(server, V21) as peer:
        code, answer, call = await asked(operator, peer, "set-default-tariff", {"tariff": bad})
        assert (code, call) == (400, None)
        assert {error["field"] for error in answer["data"]["errors"]} == {
            "tariff.currency",
            "tariff.energy.prices[0].conditions.startTimeOfDay",
            "tariff.energy.prices[0].conditions.validFromDate",
        }
        text = {**one, "energy": {"prices": [{"priceKwh": "0.4"}]}}
        code, answer, call = await asked(operator, peer, "set-default-tariff", {"tariff": text})
        assert (code, call) == (400, None), answer
        await asked(operator, peer, "set-default-tariff", {"tariff": one})
        changed = {**one, "energy": {"prices": [{"priceKwh": 0.5}]}}
        code, answer, call = await asked(operator, peer, "set-default-tariff", {"tariff": changed})

    assert (code, call) == (409, None)
    assert one["tariffId"] in answer["message"]


async def test_TC_I_113_TC_I_114_TC_I_115_the_tariff_of_a_session(server, operator, records):
    transaction, one, other = new_transaction(), tariff(), tariff()
    async with station(server, V21) as peer:
        await peer.call("TransactionEvent", event("Started", transaction, 0, idToken=token()))
        number = records.transaction(peer.identity)["id"]
        for word, sentence in (
            ("TooManyElements", "The tariff has more prices than the station can take."),
            ("ConditionNotSupported", "The tariff has conditions that the station does not support."),
            ("NoCurrencyChange", "The session's tariff has another currency."),
            ("TxNotFound", "The station does not know the session, or it has ended."),
        ):
            body = {"transactionId": number, "tariff": one}
            code, said, call = await asked(
                operator, peer, "change-transaction-tariff", body, {"status": word}
            )
            assert (code, said["success"]) == (200, False)
            assert call[2:] == [
                "ChangeTransactionTariff", {"transactionId": transaction, "tariff": one}
            ]  # fmt: skip
            new = (await cost(operator, number))["newTariff"]
            assert (new["status"], new["explanation"], new["isInUse"]) == (word, sentence, None)
            (row,) = records.of("tariffs_sessioncost", peer.identity, order="t.transaction_id")
            assert (row["new_tariff_id"], row["new_tariff_status"]) == (one["tariffId"], word)

        body = {"transactionId": transaction, "tariff": other}
        code, said, call = await asked(operator, peer, "change-transaction-tariff", body)
        assert (code, call[3]["tariff"]) == (200, other), said
        before = (await cost(operator, number))["newTariff"]
        info = {"tariffId": other["tariffId"]}
        changed = event("Updated", transaction, 1, trigger="TariffChanged", info=info)
        assert await peer.call("TransactionEvent", changed) == {}
        after = await cost(operator, number)
        await peer.call("TransactionEvent", event("Ended", transaction, 2))
        late, why, none = await asked(operator, peer, "change-transaction-tariff", body)

    (row,) = records.of("tariffs_sessioncost", peer.identity, order="t.transaction_id")
    assert (row["transaction_id"], row["new_tariff_status"]) == (number, "Accepted")
    assert row["tariff_id"] == row["new_tariff_id"] == other["tariffId"]
    assert json.loads(row["new_tariff"]) == other
    assert (before["isInUse"], after["newTariff"]["isInUse"]) == (False, True)
    assert (after["tariffId"], after["newTariff"]["explanation"]) == (other["tariffId"], "")
    assert (late, why["data"]["code"], none) == (409, "transaction-ended", None)


async def cost(operator, number):
    status, answer = await operator.request("GET", f"/api/v1/session-costs/{number}")
    assert status == 200, answer
    return answer["data"]


def details(total, *, periods=(), **more):
    found = {
        "totalCost": {"currency": "EUR", "typeOfCost": "NormalCost", "total": total},
        "totalUsage": {"energy": 5000, "chargingTime": 600, "idleTime": 0},
        **more,
    }
    return found | ({"chargingPeriods": list(periods)} if periods else {})


async def test_TC_I_122_costs_of_the_station_are_stored(server, operator, records):
    transaction, one = new_transaction(), whole()
    info = {"tariffId": one["tariffId"]}
    first, last = details({"exclTax": 1.25, "inclTax": 1.5}), details({"exclTax": 15.125, "inclTax": 18.15})
    period = {"startPeriod": "2026-11-30T08:00:00Z", "dimensions": [{"type": "Energy", "volume": 5000}]}
    final = details({"inclTax": 18.15}, periods=[period])
    async with station(server, V21) as peer:
        code, answer, _ = await asked(operator, peer, "set-default-tariff", {"tariff": one})
        assert code == 200, answer
        await peer.call("TransactionEvent", event("Started", transaction, 0, idToken=token(), info=info))
        number = records.transaction(peer.identity)["id"]
        for seq, content in ((1, first), (3, last), (2, first)):
            running = event("Updated", transaction, seq, trigger="RunningCost", costDetails=content)
            assert await peer.call("TransactionEvent", running) == {}
        shown = await cost(operator, number)
        assert (shown["totalExclTax"], shown["totalInclTax"], shown["isFinal"]) == ("15.125", "18.15", False)
        assert (shown["currency"], shown["tariffId"]) == ("EUR", one["tariffId"])
        await peer.call("TransactionEvent", event("Ended", transaction, 4, costDetails=final))
        late = event("Updated", transaction, 1, trigger="RunningCost", costDetails=first)
        await peer.call("TransactionEvent", late)

    (row,) = records.of("tariffs_sessioncost", peer.identity, order="t.transaction_id")
    assert (row["transaction_id"], row["is_final"], json.loads(row["details"])) == (number, 1, final)
    shown = await cost(operator, number)
    assert (shown["totalExclTax"], shown["totalInclTax"], shown["costDetails"]) == (None, "18.15", final)


async def test_TC_I_122_a_station_that_could_not_calculate_says_why(server, operator, records):
    transaction = new_transaction()
    failed = details({}, failureToCalculate=True, failureReason="clock not set")
    async with station(server, V21) as peer:
        await peer.call("TransactionEvent", event("Started", transaction, 0, idToken=token()))
        await peer.call("TransactionEvent", event("Ended", transaction, 1, costDetails=failed))

    shown = await cost(operator, records.transaction(peer.identity)["id"])
    assert (shown["failure"], shown["totalInclTax"], shown["isFinal"]) == ("clock not set", None, True)
