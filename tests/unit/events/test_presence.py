"""station.online and station.offline: only for presence that lasts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chargepoints.models import ChargePoint, Site
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


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("connected", "disconnected", "down"),
    [(0, None, None), (0, -90.5, 90.5), (0, 0, 0), (0, 5, None)],
)
def test_a_station_was_down_between_its_connections(
    connected: float, disconnected: float | None, down: float | None
) -> None:
    site = Site.objects.create(name="Home")
    ChargePoint.objects.create(
        identity="A",
        site=site,
        ocpp_version="ocpp1.6",
        connected_at=NOW + timedelta(seconds=connected),
        disconnected_at=None if disconnected is None else NOW + timedelta(seconds=disconnected),
    )

    presence.emit(Changes(["a"], []))

    event = Event.objects.get()
    assert (event.station, event.site_id) == ("A", site.pk)
    assert event.content == {
        "since": "2026-05-04T12:00:00.000Z",
        "ocppVersion": "ocpp1.6",
        "downSeconds": down,
    }


@pytest.mark.django_db
def test_a_station_is_offline_since_its_end_or_its_last_message() -> None:
    site = Site.objects.create(name="Home")
    ended, seen = NOW - timedelta(hours=1), NOW - timedelta(hours=2)
    ChargePoint.objects.create(
        identity="A", site=site, disconnected_at=ended, last_seen_at=seen, close_code=1000
    )
    ChargePoint.objects.create(identity="B", site=site, last_seen_at=seen)
    ChargePoint.objects.create(identity="C", site=site)

    presence.emit(Changes(["C"], ["A", "b", "C", "deleted"]))

    rows = Event.objects.order_by("id")
    assert [(row.type, row.station, row.site_id) for row in rows] == [
        ("station.offline", "A", site.pk),
        ("station.offline", "B", site.pk),
    ]
    assert [row.content for row in rows] == [
        {"since": "2026-05-04T11:00:00.000Z", "reason": "closed", "closeCode": 1000},
        {"since": "2026-05-04T10:00:00.000Z", "reason": "lost", "closeCode": None},
    ]


@pytest.mark.parametrize(
    ("code", "reason"), [(None, "lost"), (1006, "lost"), (1000, "closed"), (1005, "closed"), (1007, "closed")]
)
def test_a_connection_without_a_close_frame_was_lost(code: int | None, reason: str) -> None:
    assert presence.reason(code) == reason


def test_the_time_of_a_change_begins_with_the_first_comparison() -> None:
    watch = Watch(["B"])

    watch.compare(["A", "C"], now=10, after=60)
    found = watch.compare(["A", "C"], now=70, after=60)

    assert found == (["A", "C"], ["B"])
    watch.reported(found)
    assert watch.reported_online == {"A", "C"}
