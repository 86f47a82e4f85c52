"""Metrics of the stations whose hours wait to be counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from aggregates import metrics
from aggregates.models import Recount
from chargepoints.models import ChargePoint

pytestmark = pytest.mark.django_db


def test_no_station_waits_and_then_two() -> None:
    assert metrics.figures() == {"recounts": [((), 0)], "recount_lag": [((), 0.0)]}

    now = datetime.now(UTC)
    for number, minutes in enumerate((3, 1)):
        station = ChargePoint.objects.create(identity=f"CP-{number}")
        marked_at = now - timedelta(minutes=minutes)
        Recount.objects.create(charge_point=station, since=now, marked_at=marked_at)

    found = metrics.figures()
    ((_, lag),) = found["recount_lag"]
    assert found["recounts"] == [((), 2)]
    assert 180 <= lag < 240
