"""Stored reservations."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from chargepoints.models import ChargePoint
from transactions.models import Reservation

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
UID = "04:a2:B3:c4"


def a_reservation(charger: ChargePoint, number: int = 815, **more: Any) -> Reservation:
    """A reservation that has expired, unless `more` says otherwise; all its times are noon."""
    values: dict[str, Any] = {
        "id_token": UID,
        "state": "expired",
        "requested_at": NOON,
        "expires_at": NOON,
        "updated_at": NOON,
    }
    return Reservation.objects.create(charge_point=charger, number=number, **(values | more))
