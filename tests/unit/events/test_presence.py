"""station.online and station.offline: only for presence that lasts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chargepoints.models import ChargePoint
from events.models import Event, StationStream
from events.services import presence
from events.services.presence import Changes, Watch

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


def test_a_station_that_stays_is_reported_once() -> None:
    watch = Watch([])

    assert watch.compare(["A"], now=0, after=60) == ([], [])
    assert watch.compare(["A"], now=59, after=60) == ([], [])
    found = watch.compare(["A"], now=60, after=60)
    watch.reported(found)

    assert found == (["A"], [])
    assert watch.compare(["A"], now=200, after=60) == ([], [])


def test_a_reconnect_in_time_makes_neither() -> None:
    watch = Watch(["A"])

    watch.compare([], now=0, after=60)
    watch.compare(["A"], now=59, after=60)

    assert watch.compare([], now=60, after=60) == ([], [])
    assert watch.compare([], now=119, after=60) == ([], [])
    assert watch.compare([], now=120, after=60) == ([], ["A"])


@pytest.mark.django_db
def test_the_events_of_presence() -> None:
    ChargePoint.objects.create(
        identity="A", connected_at=NOW, disconnected_at=NOW - timedelta(seconds=90), ocpp_version="ocpp1.6"
    )
    ChargePoint.objects.create(identity="B", disconnected_at=NOW, close_code=1006, connected_at=NOW)

    presence.emit(Changes(["A", "deleted"], ["B"]))

    online, offline = Event.objects.order_by("id")
    assert (online.type, online.content["downSeconds"]) == ("station.online", 90)
    assert offline.content == {"since": "2026-05-04T12:00:00.000Z", "reason": "lost", "closeCode": 1006}
    reported = dict(StationStream.objects.values_list("station", "is_online"))
    assert reported == {"A": True, "deleted": True, "B": False}
    assert presence._reported_online() == {"A", "deleted"}
