"""Slots: the states that apps keep on a live station, and what a reload of the station replaces."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from chargepoints.models import ChargePoint, Connector, Evse, Site
from ocpp_server import live
from ocpp_server.live import extensions, loaded
from ocpp_server.live.extensions import ByKey, Extension, Slot, load_station
from ocpp_server.live.loaded import LOADED, Loaded
from ocpp_server.live.station import Station
from ocpp_server.protocol.versions import V16

# Two new stations differ in these. The process measures the clock; the stored offset is only its first value.
OF_THE_PROCESS = {
    "memory",
    "unit",
    "received_at",
    "connected_at",
    "asked_at",
    "last_seen_at",
    "_last_time",
    "clock_skew_s",
}


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Extensions that a test registers end with it."""
    monkeypatch.setattr(extensions, "_extensions", dict(extensions._extensions))
    monkeypatch.setattr(loaded, "_empty_states", list(loaded._empty_states))


def new_station(pk: int = 1) -> Station:
    return Station(pk=pk, identity=f"CP-{pk}", version=V16)


@pytest.mark.usefixtures("registry")
def test_each_station_has_its_own_state_in_each_slot() -> None:
    numbers, names = Slot(name="numbers", empty=list[int]), Slot(name="names", empty=set[str])
    extensions.register(numbers)
    extensions.register(names)
    one, twin = new_station(), new_station()

    numbers.of(one).append(1)
    names.of(twin).add("a")

    assert (numbers.of(one), numbers.of(twin)) == ([1], [])
    assert (names.of(one), names.of(twin)) == (set(), {"a"})


@pytest.mark.usefixtures("registry")
def test_a_slot_that_is_registered_twice_keeps_its_number_and_its_name_is_taken() -> None:
    numbers = Slot(name="numbers", empty=list[int])
    extensions.register(numbers)
    station = new_station()
    numbers.of(station).append(1)

    extensions.register(numbers)

    assert numbers.of(station) == [1]
    assert len(new_station().slots) == len(station.slots)
    with pytest.raises(ImproperlyConfigured, match="Two apps register the station extension 'numbers'"):
        extensions.register(Slot(name="numbers", empty=list[int]))


def test_a_slot_that_no_app_registered_cannot_be_read() -> None:
    forgotten = Slot(name="forgotten", empty=list[int])

    with pytest.raises(AttributeError, match="number"):
        forgotten.of(new_station())


def test_a_process_does_not_start_without_a_part_of_the_station(registry: None) -> None:
    extensions.require()
    del extensions._extensions["connectors"]  # type: ignore[attr-defined]

    with pytest.raises(ImproperlyConfigured, match="registers the station extension connectors"):
        extensions.require()


@pytest.mark.usefixtures("registry")
def test_an_app_forgets_a_removed_station_and_all_stations_after_missed_news() -> None:
    forgotten: list[str | None] = []
    extensions.register(Slot(name="names", empty=set[str], forget=forgotten.append))
    extensions.register(Extension(name="silent"))

    live.state().station_removed("CP-1")
    extensions.forget()

    assert forgotten == ["CP-1", None]


def test_a_reload_replaces_exactly_the_attributes_that_are_declared_as_loaded() -> None:
    names = [name for name in (*LOADED, *Station.__slots__) if name != "__weakref__"]
    station, fresh = new_station(), new_station()
    for name in names:
        setattr(station, name, f"old {name}")
        setattr(fresh, name, f"new {name}")
    station.in_doubt = False

    station.take_over(fresh)

    replaced = {name for name in names if getattr(station, name) == f"new {name}"}
    assert replaced == set(LOADED) == set(Loaded.__slots__)
    assert station.in_doubt
    kept = set(names) - replaced - {"in_doubt"}
    assert all(getattr(station, name) == f"old {name}" for name in kept)


@pytest.mark.django_db
@pytest.mark.usefixtures("registry")
def test_whatever_a_load_changes_on_a_station_is_declared_as_loaded() -> None:
    def load(by_pk: ByKey) -> None:
        for pk, stations in by_pk.items():
            for station in stations:
                numbers.of(station).append(pk)

    numbers = Slot(name="numbers", empty=list[int], load=load)
    extensions.register(numbers)
    row = add_unusual_station()
    new = Station(pk=row.pk, identity=row.identity, version=V16)

    station = load_station(row.pk, V16)

    changed = {
        name
        for name in (*LOADED, *Station.__slots__)
        if name != "__weakref__" and getattr(station, name) != getattr(new, name)
    }
    assert changed - OF_THE_PROCESS == set(LOADED) - {"transactions", "accepts_unknown_tokens"}


def add_unusual_station() -> ChargePoint:
    """A row in which each setting differs from that of a new live station."""
    row = ChargePoint.objects.create(
        identity="UNUSUAL",
        site=Site.objects.create(name="Yard", is_test=True),
        registration_status="Accepted",
        validation="strict",
        unknown_tokens="refuse",
        assumed_timezone="Asia/Tokyo",
        status="Available",
        heartbeat_interval=60,
        firmware_version="1.0",
        clock_skew_s=4.0,
        last_boot_at=timezone.now(),
    )
    evse = Evse.objects.create(charge_point=row, number=1)
    Connector.objects.create(charge_point=row, evse=evse, number=1)
    return row
