"""A row of every model of aggregates with the text of `tests.admin.hostile`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from aggregates.models import MaintenanceWindow
from chargepoints.models import ChargePoint
from tests.admin.rows import NOON


def rows(station: ChargePoint, bad: str) -> list[Any]:
    """The rows, with the text `bad` in every text column."""
    return [
        MaintenanceWindow.objects.create(
            charge_point=station,
            begins_at=NOON,
            ends_at=NOON + timedelta(hours=1),
            note=bad[:200],
            author=bad[:150],
        )
    ]
