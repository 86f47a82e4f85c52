"""Quarantined messages over REST."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from accounts.services import api_keys
from chargepoints.models import ChargePoint
from tests.api.conftest import NOON, Caller
from transactions.models import QuarantinedMessage

URL = "/api/v1/quarantine"
Reason = QuarantinedMessage.Reason


@pytest.fixture
def rows(garage: ChargePoint) -> list[QuarantinedMessage]:
    other = ChargePoint.objects.create(identity="CP-2")
    payload = '{"transactionId":4711,"idTag":"ALICE","customData":{"vendorId":"A","password":"hunter2"}}'
    return [
        QuarantinedMessage.objects.create(
            charge_point=station,
            action="StopTransaction",
            reason=reason,
            detail="Not known here.",
            payload=payload,
            received_at=NOON + timedelta(hours=number),
            resolved_at=NOON if number == 1 else None,
        )
        for number, (station, reason) in enumerate(
            [
                (garage, Reason.UNKNOWN_TRANSACTION),
                (garage, Reason.CONFLICTING_STOP),
                (other, Reason.UNKNOWN_TRANSACTION),
            ]
        )
    ]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [2, 1, 0]),
        ("ordering=receivedAt", [0, 1, 2]),
        ("isResolved=false", [2, 0]),
        ("isResolved=true", [1]),
        ("clientId=garage%201", [1, 0]),
        ("clientId=nobody", []),
        ("reason=unknown-transaction", [2, 0]),
        ("transactionId=4711", []),
        ("from=2026-05-04T13:00:00Z&to=2026-05-04T14:00:00Z", [1]),
    ],
)
def test_messages_are_filtered(
    viewer: Caller, rows: list[QuarantinedMessage], query: str, found: list[int]
) -> None:
    response = viewer.get(f"{URL}?{query}")

    shown = [row["id"] for row in response.info["quarantinedMessages"]]
    assert shown == [rows[number].pk for number in found]


def test_a_message_is_shown_with_its_payload_and_without_secrets(viewer: Caller, rows: Any) -> None:
    shown = viewer.get(f"{URL}/{rows[0].pk}").info

    assert (shown["clientId"], shown["reason"], shown["resolvedAt"]) == (
        "GARAGE 1",
        "unknown-transaction",
        None,
    )
    assert shown["payload"]["idTag"] == "ALICE"
    assert "hunter2" not in str(shown)


def test_a_key_without_personal_data_sees_no_token(rows: Any) -> None:
    _, plain = api_keys.create(name="anonymous", role="viewer", shows_personal_data=False)

    assert "ALICE" not in str(Caller(plain).get(URL).answer)


def test_an_operator_resolves_a_message_once(operator: Caller, rows: list[QuarantinedMessage]) -> None:
    answer = operator.post(f"{URL}/{rows[0].pk}/resolve")

    assert answer.status_code == 200 and answer.info["resolvedAt"] is not None
    again = operator.post(f"{URL}/{rows[0].pk}/resolve")
    assert again.info["resolvedAt"] == answer.info["resolvedAt"]
    assert operator.get(f"{URL}?isResolved=false").info["total"] == 1


def test_a_viewer_resolves_nothing(viewer: Caller, rows: list[QuarantinedMessage]) -> None:
    assert viewer.post(f"{URL}/{rows[0].pk}/resolve").status_code == 403
    rows[0].refresh_from_db()
    assert rows[0].resolved_at is None
