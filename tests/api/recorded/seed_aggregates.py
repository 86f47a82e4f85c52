"""The outage and the known connectors of the offline station, as the server would find them."""

from __future__ import annotations

from datetime import timedelta

from aggregates.models import ObservedConnector, Outage
from chargepoints.models import ChargePoint
from tests.api.conftest import NOON


def plant(alias: str, garage: ChargePoint) -> None:
    for number in (1, 2):
        ObservedConnector.objects.using(alias).create(
            charge_point=garage, evse_number=number, connector_number=number, since=NOON
        )
    Outage.objects.using(alias).create(
        charge_point=garage,
        evse_number=1,
        connector_number=1,
        cause=Outage.Cause.FAULTED,
        error_code="GroundFailure",
        began_at=NOON,
        ended_at=NOON + timedelta(minutes=20),
    )
