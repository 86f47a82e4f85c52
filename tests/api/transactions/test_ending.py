"""Ending a session over REST without its station."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from chargepoints.models import ChargePoint, Connector
from tests.api.conftest import Caller
from transactions.models import Settlement, Transaction

END = "/api/v1/transactions/1000/end"
WHY = {"reason": "The vehicle has left."}


def test_a_session_is_ended_at_its_last_reading_and_its_last_message(
    operator: Caller, session: Transaction
) -> None:
    response = operator.post(END, WHY)

    assert response.status_code == 200
    assert response.answer["message"] == "Session 1000 ended. Its token can charge again."
    shown = response.info
    assert (shown["status"], shown["endedBy"], shown["stopReason"]) == ("ended", "operator", "Operator")
    assert (shown["meterStop"], shown["energyWh"], shown["powerW"]) == (shown["meterLast"], 900, None)
    assert shown["stopTime"] == shown["lastMessageAt"]
    (settlement,) = shown["settlements"]
    assert (settlement["fix"], settlement["actor"], settlement["reason"]) == (
        "end",
        Settlement.objects.get().actor,
        WHY["reason"],
    )
    assert (settlement["before"]["status"], settlement["after"]["status"]) == ("active", "ended")
    assert settlement["after"]["stopTime"] == shown["stopTime"]


def test_an_ended_session_is_not_ended_again(operator: Caller, session: Transaction) -> None:
    operator.post(END, WHY)

    response = operator.post(END, WHY)

    assert response.status_code == 409
    assert response.answer["message"] == "Session 1000 has ended already (ended by: Operator)."
    assert Settlement.objects.count() == 1


def test_an_idempotency_key_ends_a_session_once(operator: Caller, session: Transaction) -> None:
    first, again = (operator.post(END, WHY, Idempotency_Key="once") for _ in range(2))

    assert (first.status_code, again.status_code) == (200, 200)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert Settlement.objects.count() == 1


def test_the_session_of_a_charging_vehicle_is_not_ended_without_confirmation(
    operator: Caller, charging: Transaction
) -> None:
    refused = operator.post(END, WHY)
    forced = operator.post(END, {**WHY, "force": True})

    assert refused.status_code == 409
    assert refused.answer["message"].endswith("use remote-stop, or send force=true to end it here anyway.")
    assert forced.status_code == 200


@pytest.mark.parametrize("since", ["offline", "silence", "boot", "free"])
def test_the_session_ends_if_the_vehicle_is_no_longer_charging(
    operator: Caller, charging: Transaction, since: str
) -> None:
    now = timezone.now()
    station = ChargePoint.objects.filter(pk=charging.charge_point_id)
    match since:
        case "offline":
            station.update(is_online=False)
        case "silence":
            Transaction.objects.update(last_message_at=now - timedelta(minutes=6))
        case "boot":
            station.update(last_boot_at=now)
        case "free":
            Connector.objects.filter(charge_point=charging.charge_point_id, number=1).update(
                status="Available", status_received_at=now
            )

    assert operator.post(END, WHY).status_code == 200


def test_a_free_connector_of_the_same_evse_does_not_count(operator: Caller, charging: Transaction) -> None:
    Connector.objects.filter(charge_point=charging.charge_point_id).exclude(number=1).update(
        status="Available", status_received_at=timezone.now()
    )

    assert operator.post(END, WHY).status_code == 409


def test_several_sessions_are_ended_and_each_has_its_result(
    operator: Caller, viewer: Caller, session: Transaction
) -> None:
    url, body = "/api/v1/transactions/end", {**WHY, "transactionIds": [1000, 4711, 1000]}
    assert viewer.post(url, body).status_code == 403

    response = operator.post(url, body)

    results = [(row["transactionId"], row["settled"], row["fix"]) for row in response.info["results"]]
    assert results == [(1000, True, "end"), (4711, False, None)]
    assert response.answer["message"] == "1 of 2 sessions ended."
    assert response.answer["success"] is False
    session.refresh_from_db()
    assert session.status == "ended"
    assert operator.post(url, {**body, "transactionIds": []}).status_code == 400
    assert operator.post(url, {**body, "force": True}).status_code == 400
