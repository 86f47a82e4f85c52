"""Ending sessions without their station, and settling suspect sessions, over REST."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.api.conftest import NOON, Caller
from tests.direct.readings import stored
from transactions.models import Reading, Settlement, Transaction

LIST = "/api/v1/transactions"
END, SETTLE, SETTLE_MANY = f"{LIST}/1000/end", f"{LIST}/1000/settle", f"{LIST}/settle"
WHY = {"reason": "The vehicle has left."}


def suspect(session: Transaction, *reasons: str, **more: Any) -> Transaction:
    Transaction.objects.filter(pk=session.pk).update(suspect=True, suspect_reasons=list(reasons), **more)
    session.refresh_from_db()
    return session


def ended(number: int, like: Transaction, **more: Any) -> Transaction:
    values: dict[str, Any] = {
        "ocpp_id": str(number),
        "evse_number": like.evse_number,
        "connector_number": like.connector_number,
        "id_token": like.id_token,
        "status": "ended",
        "ended_by": "station",
        "stop_reason": "Local",
        "meter_start_wh": 1000.0,
        "meter_last_wh": 3000.0,
        "meter_stop_wh": 3000.0,
        "energy_wh": 2000.0,
        "started_at": NOON + timedelta(hours=2),
        "stopped_at": NOON + timedelta(hours=3),
        "start_received_at": NOON,
        "last_message_at": NOON + timedelta(hours=3),
    }
    return Transaction.objects.create(id=number, charge_point=like.charge_point, **values | more)


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (END, {}, "reason"),
        (END, {"reason": ""}, "reason"),
        (END, {"reason": "   "}, "reason"),
        (END, {"reason": "x" * 301}, "reason"),
        (END, {**WHY, "force": "perhaps"}, "force"),
        (END, {**WHY, "at": "now"}, "at"),
        (SETTLE, {**WHY}, "fix"),
        (SETTLE, {**WHY, "fix": "end"}, "fix"),
        (SETTLE, {**WHY, "fix": "ignore", "energyWh": 1}, "energyWh"),
        (SETTLE, {**WHY, "fix": "ignore", "into": 1001}, "into"),
        (SETTLE, {**WHY, "fix": "correct-energy", "energyWh": -1}, "energyWh"),
        (SETTLE, {**WHY, "fix": "correct-energy", "energyWh": "12"}, "energyWh"),
        (SETTLE, {**WHY, "fix": "correct-energy", "energyWh": True}, "energyWh"),
        (SETTLE, {**WHY, "fix": "correct-energy", "energyWh": 1e8}, "energyWh"),
        (SETTLE, {**WHY, "fix": "correct-energy"}, "energyWh"),
        (SETTLE, {**WHY, "fix": "merge"}, "into"),
        (SETTLE, {**WHY, "fix": "merge", "into": 0}, "into"),
        (SETTLE, {**WHY, "fix": "merge", "into": 1000}, "into"),
        (SETTLE, {**WHY, "fix": "merge", "into": 9999}, "into"),
        (SETTLE_MANY, {**WHY, "fix": "proposed", "transactionIds": []}, "transactionIds"),
        (SETTLE_MANY, {**WHY, "fix": "proposed", "transactionIds": ["x"]}, "transactionIds.0"),
        (SETTLE_MANY, {**WHY, "fix": "proposed", "transactionIds": [*range(1, 202)]}, "transactionIds"),
        (SETTLE_MANY, {**WHY, "fix": "merge", "transactionIds": [1000]}, "fix"),
    ],
)
def test_bad_input_names_the_field(
    administrator: Caller, session: Transaction, path: str, body: Any, field: str
) -> None:
    suspect(session, "odd", status="ended")

    response = administrator.post(path, body)

    assert response.status_code == 400, response.answer
    assert [error["field"] for error in response.info["errors"]][0].startswith(field)
    assert Settlement.objects.count() == 0


@pytest.mark.parametrize("path", [END, SETTLE, SETTLE_MANY])
def test_viewers_settle_nothing(viewer: Caller, anonymous: Caller, session: Transaction, path: str) -> None:
    body = {**WHY} if path == END else {**WHY, "fix": "ignore"}

    assert viewer.post(path, body).status_code == 403
    assert anonymous.post(path, body).status_code == 401


@pytest.mark.parametrize("path", [f"{LIST}/9999/end", f"{LIST}/9999/settle"])
def test_an_unknown_session_is_404(operator: Caller, session: Transaction, path: str) -> None:
    assert (
        operator.post(path, {**WHY} if path.endswith("end") else {**WHY, "fix": "ignore"}).status_code == 404
    )


# -- settling ------------------------------------------------------------------------------------------------


def suspects(caller: Caller) -> list[int]:
    return [row["transactionId"] for row in caller.get(f"{LIST}?suspect=true").info["transactions"]]


def test_the_proposed_fix_closes_a_session_at_a_free_connector(
    operator: Caller, session: Transaction
) -> None:
    suspect(session, "connector-available")
    proposal = operator.get(f"{LIST}/1000").info["proposedFix"]

    response = operator.post(SETTLE, {**WHY, "fix": "proposed"})

    assert (proposal["fix"], proposal["energyWh"]) == ("close", 900)
    assert response.status_code == 200
    shown = response.info
    assert (shown["status"], shown["endedBy"], shown["suspect"]) == ("ended", "operator", False)
    assert (shown["suspectReasons"], shown["proposedFix"]) == ([], None)
    assert shown["settlements"][0]["before"]["suspectReasons"] == ["connector-available"]
    assert suspects(operator) == []


def test_the_proposed_energy_is_that_of_the_readings(operator: Caller, session: Transaction) -> None:
    Reading.objects.all().delete()
    suspect(
        session,
        "meter-jump: 1000 to 9e6 Wh",
        status="ended",
        stopped_at=NOON + timedelta(hours=1),
        meter_start_wh=1000,
        meter_last_wh=9_001_000,
        meter_stop_wh=9_001_000,
        energy_wh=9_000_000,
        energy_by_hour={"1777885200": 6_000_000, "1777888800": 3_000_000},
    )
    for minute, wh in ((10, 2000), (20, 9_000_000)):
        at = NOON + timedelta(minutes=minute)
        stored(
            charge_point=session.charge_point,
            transaction=session,
            measurand="Energy.Active.Import.Register",
            value=wh,
            raw=str(wh),
            unit="Wh",
            measured_at=at,
            received_at=at,
        )

    response = operator.post(SETTLE, {**WHY, "fix": "correct-energy"})

    assert response.info["energyWh"] == 2000
    row = Transaction.objects.get(pk=1000)
    assert sum(row.energy_by_hour.values()) == pytest.approx(2000, abs=0.01)
    assert (row.meter_start_wh, row.meter_stop_wh) == (1000, 9_001_000)
    export = operator.get(f"{LIST}/export?format=json")
    rows = json.loads(b"".join(export.streaming_content))
    assert json.dumps(rows).count('"energyWh": 2000') == 1


def test_a_custom_energy_needs_an_administrator(
    operator: Caller, administrator: Caller, session: Transaction
) -> None:
    suspect(session, "meter-reset", status="ended", meter_stop_wh=1000)
    body = {**WHY, "fix": "correct-energy", "energyWh": 123.5}

    refused, done = operator.post(SETTLE, body), administrator.post(SETTLE, body)

    assert refused.status_code == 403
    assert "administrator" in refused.answer["message"]
    assert (done.status_code, done.info["energyWh"]) == (200, 123.5)


def test_two_sessions_of_one_charging_are_merged(operator: Caller, session: Transaction) -> None:
    suspect(
        session,
        "superseded",
        status="ended",
        ended_by="superseded",
        stopped_at=NOON + timedelta(hours=2),
        meter_start_wh=100,
        meter_last_wh=1000,
        meter_stop_wh=1000,
        energy_wh=900,
    )
    ended(1001, session, meter_start_wh=1050, energy_wh=1950)
    before = sum(Transaction.objects.values_list("energy_wh", flat=True))

    proposal = operator.get(f"{LIST}/1000").info["proposedFix"]
    response = operator.post(SETTLE, {**WHY, "fix": "merge"})

    assert (proposal["fix"], proposal["into"], proposal["energyWh"]) == ("merge", 1001, 2900)
    first, second = response.info, operator.get(f"{LIST}/1001").info
    assert (first["energyWh"], first["meterStop"], first["endedBy"]) == (2900, 3000, "station")
    assert (first["stopTime"], first["mergedInto"]) == (second["stopTime"], None)
    assert (second["energyWh"], second["mergedInto"], second["meterStart"]) == (0, 1000, 1050)
    assert (first["suspect"], second["suspect"]) == (False, False)
    assert [shown["settlements"][0]["mergedWith"] for shown in (first, second)] == [1001, 1000]
    assert sum(Transaction.objects.values_list("energy_wh", flat=True)) == before + 50


def test_a_merge_keeps_the_reasons_that_question_the_energy(operator: Caller, session: Transaction) -> None:
    suspect(session, "superseded", status="ended", stopped_at=NOON + timedelta(hours=2), meter_last_wh=1000)
    suspect(ended(1001, session), "meter-reset", "clock-implausible")

    operator.post(SETTLE, {**WHY, "fix": "merge", "into": 1001})

    assert suspects(operator) == [1000]
    assert Transaction.objects.get(pk=1000).suspect_reasons == ["meter-reset"]


@pytest.mark.parametrize(
    "other",
    [
        {"id_token": "SOMEBODY"},
        {"evse_number": 2},
        {"status": "active"},
        {"merged_into_id": 1000},
    ],
)
def test_an_impossible_merge_is_409(
    administrator: Caller, session: Transaction, other: dict[str, Any]
) -> None:
    suspect(session, "superseded", status="ended")
    ended(1001, session, **other)

    response = administrator.post(SETTLE, {**WHY, "fix": "merge", "into": 1001})

    assert response.status_code == 409, response.answer
    assert Transaction.objects.get(pk=1000).suspect


def test_a_merge_that_is_not_proposed_needs_an_administrator(
    operator: Caller, administrator: Caller, session: Transaction
) -> None:
    suspect(session, "superseded", status="ended", stopped_at=NOON, meter_last_wh=1000, meter_stop_wh=1000)
    ended(1001, session, meter_start_wh=50_000, meter_last_wh=52_000, meter_stop_wh=52_000)
    body = {**WHY, "fix": "merge", "into": 1001}

    refused, done = operator.post(SETTLE, body), administrator.post(SETTLE, body)

    assert (refused.status_code, done.status_code) == (403, 200)
    assert done.info["energyWh"] == 2900


def test_ignoring_changes_nothing_else(operator: Caller, session: Transaction) -> None:
    suspect(session, "clock-implausible")
    before = operator.get(f"{LIST}/1000").info

    after = operator.post(SETTLE, {**WHY, "fix": "ignore"}).info

    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"suspect", "suspectReasons", "proposedFix", "settlements"}


@pytest.mark.parametrize("code", ["connector-available", "meter-jump: 1 to 2 Wh", "meter-reset"])
def test_a_reason_that_would_be_detected_again_is_not_ignored(
    operator: Caller, session: Transaction, code: str
) -> None:
    suspect(session, code)

    response = operator.post(SETTLE, {**WHY, "fix": "ignore"})

    assert response.status_code == 409
    assert "report the same problem again" in response.answer["message"]


@pytest.mark.parametrize(
    ("fix", "state", "words", "code"),
    [
        ("correct-energy", {"status": "active"}, "End it first", "transaction-running"),
        ("close", {"status": "ended"}, "has ended already", "transaction-ended"),
        (
            "proposed",
            {"status": "active", "suspect_reasons": ["meter-jump"]},
            "Settle it after its end",
            "state-conflict",
        ),
    ],
)
def test_a_fix_that_does_not_fit_the_state_is_409(
    administrator: Caller, session: Transaction, *, fix: str, state: dict[str, Any], words: str, code: str
) -> None:
    suspect(session, "odd")
    Transaction.objects.update(**state)
    energy = {"energyWh": 5} if fix == "correct-energy" else {}

    response = administrator.post(SETTLE, {**WHY, "fix": fix, **energy})

    assert (response.status_code, response.info["code"]) == (409, code)
    assert words in response.answer["message"]


def test_closing_as_a_fix_does_not_end_the_session_of_a_charging_vehicle(
    operator: Caller, charging: Transaction
) -> None:
    suspect(charging, "clock-implausible")

    assert operator.post(SETTLE, {**WHY, "fix": "close"}).status_code == 409


def test_only_suspect_sessions_are_settled(operator: Caller, session: Transaction) -> None:
    response = operator.post(SETTLE, {**WHY, "fix": "ignore"})

    assert (response.status_code, response.answer["message"]) == (409, "Session 1000 is not suspect.")


def test_several_are_settled_each_by_itself(operator: Caller, session: Transaction) -> None:
    suspect(session, "connector-available")
    for number in (1001, 1002, 1003):
        suspect(ended(number, session), "clock-implausible")
    Transaction.objects.filter(pk=1002).update(suspect=False)

    body = {**WHY, "fix": "proposed", "transactionIds": [1000, 1001, 1002, 9999, 1003, 1001]}
    response = operator.post(SETTLE_MANY, body)

    assert response.status_code == 200
    assert response.answer["success"] is False
    assert [(row["transactionId"], row["settled"], row["fix"]) for row in response.info["results"]] == [
        (1000, True, "close"),
        (1001, True, "ignore"),
        (1002, False, None),
        (9999, False, None),
        (1003, True, "ignore"),
    ]
    assert (response.info["settled"], response.info["failed"]) == (3, 2)
    assert response.info["results"][2]["message"] == "Session 1002 is not suspect."
    assert suspects(operator) == []
    assert operator.post(SETTLE_MANY, {**body, "transactionIds": [1000]}).info["failed"] == 1


def test_a_settlement_is_never_changed(operator: Caller, session: Transaction) -> None:
    operator.post(END, WHY)
    settlement = Settlement.objects.get()
    settlement.reason = "Another"

    with pytest.raises(TypeError):
        settlement.save()


def test_settlements_of_all_sessions_are_listed(
    operator: Caller, viewer: Caller, session: Transaction
) -> None:
    suspect(ended(1001, session), "odd")
    operator.post(END, WHY)
    operator.post(f"{LIST}/1001/settle", {"reason": "It is fine.", "fix": "ignore"})

    found = viewer.get("/api/v1/settlements").info["settlements"]

    assert [(row["transactionId"], row["fix"], row["reason"]) for row in found] == [
        (1001, "ignore", "It is fine."),
        (1000, "end", WHY["reason"]),
    ]
    assert found[1]["clientId"] == session.charge_point.identity
    assert (found[1]["before"]["status"], found[1]["after"]["status"]) == ("active", "ended")
    only = [viewer.get(f"/api/v1/settlements?{query}").info for query in ("fix=end", "transactionId=1001")]
    assert [[row["transactionId"] for row in one["settlements"]] for one in only] == [[1000], [1001]]
    assert viewer.get(f"/api/v1/settlements/{found[0]['id']}").info == found[0]
