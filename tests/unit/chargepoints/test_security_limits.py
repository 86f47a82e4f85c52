"""Limits of the security events of a station, of the server and of an address in an hour."""

from __future__ import annotations

from typing import Any

import pytest

from chargepoints.models import ChargePoint, SecurityEvent, Site
from chargepoints.services import clocks, security
from chargepoints.services.security import FLOOD, Hourly
from chargepoints.tables import SECURITY_EVENTS
from events.models import Event
from ocpp_server.events import outbox
from ocpp_server.events.catalogue import stations
from ocpp_server.live.station import Station
from tests.unit.chargepoints.in_memory import NOON, a_station, deviations, events, rows

# Written out: tests that read the constants would not notice another number.
MAX_PER_HOUR, MAX_LOGINS_PER_HOUR = 300, 10


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(security, "time", clock)
    for name in ("_reported", "_noticed", "_logged"):
        monkeypatch.setattr(security, name, Hourly())
    return clock


def test_each_name_is_counted_for_the_hour_of_its_first_event(clock: Clock) -> None:
    hourly = Hourly()
    first = [hourly.count("a"), hourly.count("a"), hourly.count("b")]

    clock.now += 3599
    same_hour = hourly.count("a")
    clock.now += 1
    next_hour = [hourly.count("a"), hourly.count("a")]

    assert (first, same_hour, next_hour) == ([1, 2, 1], 3, [1, 2])


def test_only_the_names_that_were_counted_last_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(security, "_TRACKED", 2)
    hourly = Hourly()
    for name in "abac":
        hourly.count(name)

    assert [hourly.count("a"), hourly.count("c"), hourly.count("b")] == [3, 2, 1]


def test_the_type_of_an_event_is_cut_to_its_column() -> None:
    station = a_station()

    security.report(station=station, type="T" * 256, tech_info="", at=NOON)

    (row,) = rows(station, SECURITY_EVENTS)
    ((_, data),) = events(station)
    assert (row["type"], data["eventType"]) == ("T" * 255, "T" * 255)


def test_a_flood_of_events_is_stored_as_one_and_counted() -> None:
    station = a_station()
    for number in range(MAX_PER_HOUR + 3):
        security.report(station=station, type=f"T{number}", tech_info="", at=NOON)

    stored = rows(station, SECURITY_EVENTS)
    assert len(stored) == MAX_PER_HOUR + 1
    assert stored[MAX_PER_HOUR - 1]["type"] == f"T{MAX_PER_HOUR - 1}"
    flood = stored[-1]
    assert (flood["type"], flood["from_station"], flood["at"]) == (FLOOD, False, NOON)
    assert f"'T{MAX_PER_HOUR}'" in flood["tech_info"]
    assert deviations(station) == [("security-event-flood", "")]
    (counted,) = station.deviations.values()
    assert (counted.count, counted.detail) == (3, f"T{MAX_PER_HOUR}")


def test_what_the_server_notices_has_a_limit_of_its_own() -> None:
    station = a_station()
    for _ in range(MAX_PER_HOUR + 2):
        security.notice(station=station, type="T", tech_info="x")
    security.report(station=station, type="S", tech_info="", at=NOON)

    stored = rows(station, SECURITY_EVENTS)
    assert [row["type"] for row in stored] == ["T"] * MAX_PER_HOUR + ["S"]
    assert (stored[0]["from_station"], stored[0]["at"], stored[0]["tech_info"]) == (False, NOON, "x")


@pytest.mark.django_db
def test_an_event_outside_of_a_message_is_stored_and_published() -> None:
    garage = ChargePoint.objects.create(identity="A", site=Site.objects.create(name="Home"))

    security.record(charge_point=garage, type="T", tech_info="x")
    security.record(charge_point=None, type="U", tech_info="y")

    found = SecurityEvent.objects.order_by("pk")
    assert [(row.charge_point, row.type, row.tech_info, row.from_station) for row in found] == [
        (garage, "T", "x", False),
        (None, "U", "y", False),
    ]
    assert all(row.at == row.received_at for row in found)
    published = [(one.station, one.site_id, one.content) for one in Event.objects.order_by("id")]
    assert [(station, site) for station, site, _ in published] == [("A", garage.site_id), ("", None)]
    data = published[0][2]
    assert (data["eventType"], data["techInfo"], data["fromStation"]) == ("T", "x", False)
    assert data["critical"] is False
    assert data["time"]


@pytest.mark.django_db
def test_an_hour_of_events_about_one_station_is_limited() -> None:
    garage = ChargePoint.objects.create(identity="A")
    for _ in range(MAX_PER_HOUR + 1):
        security.record(charge_point=garage, type="T", tech_info="")
    security.record(charge_point=None, type="U", tech_info="")

    assert SecurityEvent.objects.filter(type="T").count() == MAX_PER_HOUR
    assert SecurityEvent.objects.filter(type="U").count() == 1


@pytest.mark.django_db
def test_failed_logins_of_one_address_are_limited() -> None:
    for _ in range(MAX_LOGINS_PER_HOUR + 1):
        security.failed_login(type="T", address="203.0.113.7", tech_info="Wrong.")
    security.failed_login(type="T", address="", tech_info="Wrong.")

    texts = list(SecurityEvent.objects.order_by("pk").values_list("tech_info", flat=True))
    assert texts == ["Wrong. From 203.0.113.7."] * MAX_LOGINS_PER_HOUR + ["Wrong. From an unknown address."]


# -- clocks ------------------------------------------------------------------------------------------------


@pytest.fixture
def station(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Station:
    monkeypatch.setattr(clocks, "_skewed", set())
    settings.EVENT_TYPES = ["station.clock_skewed"]
    return a_station()


def watched(station: Station, *skews: float | None) -> list[tuple[float, bool]]:
    for skew in skews:
        station.clock_skew_s = skew
        clocks.watch(station, station.unit)
    return [(data["clockSkewS"], data["isSkewed"]) for _, data in events(station)]


@pytest.mark.parametrize(
    ("skews", "found"),
    [
        ([60.0], []),
        ([60.5], [(60.5, True)]),
        ([-60.5], [(-60.5, True)]),
        # Between its two limits a clock keeps what it was.
        ([60.5, 31.0, 59.0], [(60.5, True)]),
        ([60.5, 30.0], [(60.5, True), (30, False)]),
        ([60.5, -30.0, 31.0], [(60.5, True), (-30, False)]),
        ([60.5, 0.0, 61.0], [(60.5, True), (0, False), (61, True)]),
        ([None, 0.0], []),
    ],
)
def test_a_clock_is_wrong_beyond_a_minute_and_right_within_half_a_minute(
    station: Station, skews: list[float | None], found: list[tuple[float, bool]]
) -> None:
    assert watched(station, *skews) == found


def test_the_clock_is_an_event_only_where_it_is_chosen(station: Station, settings: Any) -> None:
    settings.EVENT_TYPES = []
    assert not outbox.is_chosen(stations.CLOCK_SKEWED)

    assert watched(station, 100.0) == []

    settings.EVENT_TYPES = ["station.clock_skewed"]
    assert watched(station, 100.0) == [(100, True)]
