"""An evaluator with a clock of its own, and rows that conditions find."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from alerts.models import Alert, AlertRule
from alerts.services.evaluating import Evaluator
from chargepoints.models import ChargePoint, Connector, Evse, Site
from events.models import Event
from events.services import numbering

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


class Watch:
    """The evaluator, and the time at which it looks."""

    def __init__(self) -> None:
        self.evaluator = Evaluator()
        self.now = NOON
        self.monotonic = 1000.0

    def look(self) -> None:
        """Look once, now."""
        while numbering.number_some():
            pass
        self.evaluator.evaluate(now=self.now, monotonic=self.monotonic)

    def after(self, seconds: float) -> None:
        """Look now, and again when this time has passed."""
        self.look()
        self.monotonic += seconds
        self.now += timedelta(seconds=seconds)
        self.look()

    def restart(self) -> None:
        """Forget everything that is kept in memory."""
        self.evaluator = Evaluator()


@pytest.fixture
def watch(db: None, settings: Settings) -> Iterator[Watch]:
    settings.ALERT_WARMUP = 0
    yield Watch()


def a_station(identity: str = "CP-7", *, site: Site | None = None, **columns: Any) -> ChargePoint:
    """An accepted station online, with one connector."""
    usual = {
        "registration_status": "Accepted",
        "is_online": True,
        "connected_at": NOON - timedelta(hours=1),
        "last_seen_at": NOON,
        # Not silent in a test about something else.
        "heartbeat_interval": 30 * 86_400,
    }
    row = ChargePoint.objects.create(identity=identity, site=site, **(usual | columns))
    evse = Evse.objects.create(charge_point=row, number=1)
    Connector.objects.create(charge_point=row, evse=evse, number=1, status="Available")
    return row


def goes_offline(*rows: ChargePoint, at: datetime = NOON) -> None:
    ChargePoint.objects.filter(pk__in=[row.pk for row in rows]).update(is_online=False, disconnected_at=at)


def comes_online(*rows: ChargePoint) -> None:
    ChargePoint.objects.filter(pk__in=[row.pk for row in rows]).update(is_online=True)


def change_rule(code: str, **fields: Any) -> None:
    AlertRule.objects.filter(code=code, site=None, charge_point=None).update(**fields)


def alerts(code: str = "") -> list[Alert]:
    rows = Alert.objects.order_by("id")
    return list(rows.filter(code=code) if code else rows)


def emitted() -> list[str]:
    return list(Event.objects.filter(type__startswith="alert.").order_by("id").values_list("type", flat=True))
