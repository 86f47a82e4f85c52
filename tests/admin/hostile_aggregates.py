"""A row of every model of aggregates with the text of `tests.admin.hostile`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from accounts.models import Contract
from aggregates.models import ConnectorHour, ContractHour, MaintenanceWindow, Outage
from chargepoints.models import ChargePoint
from tests.admin.rows import NOON


def rows(station: ChargePoint, contract: Contract, bad: str) -> list[Any]:
    """The rows, with the text `bad` in every text column."""
    return [
        MaintenanceWindow.objects.create(
            charge_point=station,
            begins_at=NOON,
            ends_at=NOON + timedelta(hours=1),
            note=bad[:200],
            author=bad[:150],
        ),
        Outage.objects.create(
            charge_point=station,
            evse_number=1,
            connector_number=1,
            cause=bad[:16],
            error_code=bad[:255],
            began_at=NOON,
        ),
        ConnectorHour.objects.create(charge_point=station, evse_number=1, connector_number=1, hour=NOON),
        ContractHour.objects.create(charge_point=station, contract=contract, hour=NOON),
    ]
