"""Stored sessions of one station, for rules about rows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from chargepoints.models import ChargePoint
from tests.unit.transactions.transactions.live_station import NOON, minutes
from transactions.models import Transaction


def a_row(number: int = 1000, **more: Any) -> Transaction:
    """An ended suspect session of an hour that drew 4 kWh."""
    values: dict[str, Any] = {
        "ocpp_id": str(number),
        "charge_point_id": 1,
        "evse_number": 1,
        "connector_number": 1,
        "id_token": "CARD",
        "status": "ended",
        "ended_by": "superseded",
        "meter_start_wh": 1000,
        "meter_last_wh": 5000,
        "meter_stop_wh": 5000,
        "energy_wh": 4000,
        "energy_by_hour": {"1": 1000.0, "2": 3000.0},
        "suspect": True,
        "suspect_reasons": ["superseded"],
        "started_at": NOON,
        "start_received_at": NOON,
        "stopped_at": minutes(60),
        "last_message_at": minutes(60),
    }
    row = Transaction(id=number, **(values | more))
    row.save(force_insert=True)
    return row


@pytest.fixture
def garage(db: None) -> ChargePoint:
    return ChargePoint.objects.create(pk=1, identity="CP-1")


def charging(charge_point: ChargePoint, **more: Any) -> Transaction:
    charge_point.is_online = True
    charge_point.save()
    now = datetime.now(UTC)
    values = {"status": "active", "ended_by": "", "stopped_at": None, "meter_stop_wh": None}
    return a_row(**(values | {"last_message_at": now, "suspect_reasons": ["connector-available"]} | more))
