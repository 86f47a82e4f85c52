"""The sessions of a station and the UID of a person, for the tests of personal data."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from chargepoints.models import ChargePoint
from transactions.models import Transaction

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
UID = "04:a2:B3:c4"


def a_session(charger: ChargePoint, **more: Any) -> Transaction:
    number = 1000 + Transaction.objects.count()
    values: dict[str, Any] = {"status": "ended", "started_at": NOON, "start_received_at": NOON}
    return Transaction.objects.create(
        id=number, ocpp_id=str(number), charge_point=charger, last_message_at=NOON, **(values | more)
    )
