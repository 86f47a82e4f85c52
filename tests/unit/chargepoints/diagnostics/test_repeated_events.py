"""Events that a station repeats, because it got no answer: stored and announced once (2.0.1 N07)."""

from __future__ import annotations

from typing import Any

import pytest

from chargepoints.handlers.diagnostics import notify_event
from chargepoints.models import ChargePoint
from chargepoints.tables import DEVICE_EVENTS
from ocpp_server.live.station import Station
from ocpp_server.protocol.versions import V201
from tests.unit.chargepoints.in_memory import a_station, events, handled, rows
from tests.unit.transactions.at_once import at_once, run_at_once

pytestmark = pytest.mark.django_db
ALARM: dict[str, Any] = {
    "eventId": 7,
    "timestamp": "2026-05-04T11:59:00.25Z",
    "trigger": "Alerting",
    "actualValue": "91",
    "eventNotificationType": "CustomMonitor",
    "component": {"name": "Cabinet"},
    "variable": {"name": "Temperature"},
}
OTHER = {"component": {"name": "Connector"}}


@pytest.fixture
def station(monkeypatch: pytest.MonkeyPatch) -> Station:
    run_at_once(monkeypatch)
    row = ChargePoint.objects.create(identity="CP-1", ocpp_version=V201)
    return a_station(version=V201, pk=row.pk)


async def announced(station: Station, **more: Any) -> list[str]:
    """Handle and store an alarm; returns the types of its events."""
    station.unit.clear()
    assert await handled(notify_event, station, "NotifyEvent", {"eventData": [ALARM | more]}) == {}
    DEVICE_EVENTS.insert([row for table, row in station.unit.inserts if table is DEVICE_EVENTS])
    return [type for type, _ in events(station)]


@at_once
async def test_a_repeated_alarm_is_announced_once(station: Station) -> None:
    assert await announced(station) == ["monitor.triggered"]

    assert await announced(station) == []
    assert rows(station, DEVICE_EVENTS) == []


@pytest.mark.parametrize("other", [{"timestamp": "2026-05-04T11:59:00.251Z"}, {"eventId": 8}, OTHER])
@at_once
async def test_an_alarm_at_another_time_with_another_id_or_of_another_component_is_no_repetition(
    station: Station, other: dict[str, Any]
) -> None:
    await announced(station)

    # Event ids begin again after a boot, and a station may send the later one first.
    assert await announced(station, **other) == ["monitor.triggered"]
    assert await announced(station) == []


@at_once
async def test_an_alarm_without_a_time_is_announced_once_too(station: Station) -> None:
    assert await announced(station, timestamp="yesterday") == ["monitor.triggered"]

    assert await announced(station, timestamp="yesterday") == []
