"""Rows of the lists of aggregates."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from aggregates.models import MaintenanceWindow, ObservedConnector, Outage
from chargepoints.models import Evse
from tests.api.conftest import NOON


def a_window(parents: Any, number: int) -> MaintenanceWindow:
    at = NOON + timedelta(seconds=number // 3)
    return MaintenanceWindow.objects.create(
        site=parents.site, begins_at=at, ends_at=at + timedelta(hours=1), author="A"
    )


def an_outage(parents: Any, number: int) -> Outage:
    at = NOON + timedelta(seconds=number // 3)
    return Outage.objects.create(
        charge_point=parents.station,
        evse_number=number,
        connector_number=1,
        cause=Outage.Cause.FAULTED,
        began_at=at,
        ended_at=at,
    )


def a_connector(parents: Any, number: int) -> ObservedConnector:
    return ObservedConnector.objects.create(
        charge_point=parents.station, evse_number=number, connector_number=1, since=NOON
    )


def an_evse(parents: Any, number: int) -> Evse:
    return Evse.objects.create(charge_point=parents.station, number=number)
