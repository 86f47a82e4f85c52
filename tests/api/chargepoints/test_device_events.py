"""The events of a station's components over REST."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chargepoints.models import ChargePoint, DeviceEvent
from tests.api.conftest import NOON, Caller

EVENTS = "/api/v1/chargepoints/GARAGE%201/device-events"


@pytest.fixture
def events(garage: ChargePoint) -> list[DeviceEvent]:
    found = []
    for number, trigger in enumerate(("Alerting", "Delta", "Periodic"), 1):
        at = NOON + timedelta(hours=number)
        columns = {"severity": number, "monitor_id": 10 + number, "is_cleared": number == 1}
        found.append(
            DeviceEvent.objects.create(
                charge_point=garage,
                event_id=number,
                component="EVSE",
                variable=f"V{number}",
                trigger=trigger,
                at=at,
                received_at=at,
                **columns,
            )
        )
    return found


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("", [3, 2, 1]),
        ("ordering=receivedAt", [1, 2, 3]),
        ("trigger=Delta", [2]),
        ("component=evse&variable=v1", [1]),
        ("cleared=true", [1]),
        ("monitorId=13", [3]),
        ("severity=2", [2]),
        ("eventId=1", [1]),
        ("from=2026-05-04T14:00:00Z&to=2026-05-04T15:00:00Z", [2]),
    ],
)
@pytest.mark.usefixtures("events")
def test_a_viewer_reads_events_with_filters(viewer: Caller, query: str, numbers: list[int]) -> None:
    answer = viewer.get(f"{EVENTS}?{query}")

    assert [one["eventId"] for one in answer.info["deviceEvents"]] == numbers


def test_an_event_names_what_it_belongs_to(viewer: Caller, events: list[DeviceEvent]) -> None:
    shown = viewer.get(f"{EVENTS}/{events[0].pk}").info

    assert (shown["monitorId"], shown["severity"], shown["cause"], shown["cleared"]) == (11, 1, None, True)
    other = ChargePoint.objects.create(identity="OTHER")
    DeviceEvent.objects.filter(pk=events[0].pk).update(charge_point=other)
    assert viewer.get(f"{EVENTS}/{events[0].pk}").status_code == 404
