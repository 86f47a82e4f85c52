"""The live station between two messages: its clock, its deviations and its events."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ocpp_server.events import outbox
from ocpp_server.live import extensions, loaded
from ocpp_server.live.station import Station
from ocpp_server.observability import measures
from ocpp_server.storage.unit import Unit

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.fixture
def station() -> Station:
    return received(Station(pk=1, identity="CP-1", version="ocpp1.6"), NOON)


def received(station: Station, at: datetime) -> Station:
    station.begin('[2,"m1","Heartbeat",{}]', at)
    return station


def reports(station: Station, at: datetime, offset_s: float) -> datetime:
    """Let a message arrive whose timestamp is this far from the server's clock."""
    received(station, at)
    return station.moment((at + timedelta(seconds=offset_s)).isoformat())


def skews(station: Station) -> list[str]:
    return [one.detail for (kind, _, _), one in station.deviations.items() if kind == "clock-skew"]


def test_a_new_station_has_no_facts_yet(station: Station) -> None:
    made = Station(pk=7, identity="CP-7", version="ocpp2.0.1")

    assert (made.pk, made.identity, made.version, made.connection_id) == (7, "CP-7", "ocpp2.0.1", "")
    assert abs(datetime.now(UTC) - made.received_at) < timedelta(minutes=1)
    assert made.last_seen_at == made.received_at and made.received_at.tzinfo is UTC
    nothing = (made.mirrored_at, made.clock_skew_s, made.clock_best_s, made.clock_measured_until)
    assert nothing == (None, None, None, None)
    assert (made.frame, made.payload, made.action, made.actor, made.request) == ("", "", "", "", {})
    assert (made.opened, made.claimed, made.changed, made.used_tokens) == ([], [], [], [])
    assert (made.deviations, made.in_doubt, made.is_accepted, bool(made.unit)) == ({}, False, False, False)
    assert made.memory is not station.memory and made.has_only_known_fields
    assert isinstance(made.unit, Unit) and made.unit is not station.unit
    # Until its row is loaded.
    assert (made.registration_status, made.status, made.firmware_version) == ("Pending", "", "")
    assert (made.site_pk, made.zone, made.heartbeat_interval) == (None, None, 0)
    flags = (made.has_booted, made.strict, made.accepts_unknown_tokens, made.refuses_free_vending)
    assert flags == (False, False, False, False)
    assert (made.connectors, made.transactions) == ({}, {}) and made.connectors is not station.connectors


@pytest.mark.parametrize(
    ("status", "is_accepted"), [("Accepted", True), ("Pending", False), ("Rejected", False), ("", False)]
)
def test_only_an_accepted_station_is_accepted(station: Station, status: str, is_accepted: bool) -> None:
    station.registration_status = status

    assert station.is_accepted is is_accepted


def test_a_message_begins_without_anything_of_the_last_one(station: Station) -> None:
    station.payload, station.action, station.actor, station.request = "{}", "A", "ann", {"a": 1}

    station.begin("[3]", NOON + timedelta(hours=1))

    assert (station.frame, station.payload, station.action, station.actor) == ("[3]", "", "", "")
    assert station.request == {}
    assert station.received_at == station.last_seen_at == NOON + timedelta(hours=1)


# -- the clock --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("offset_s", [0, -59.5, 12.3456, 60])
def test_the_offset_of_a_clock_is_measured_to_the_millisecond(station: Station, offset_s: float) -> None:
    reports(station, NOON, offset_s)

    assert station.clock_skew_s == round(offset_s, 3)
    assert station.clock_measured_until == NOON + timedelta(hours=1)


def test_an_older_time_does_not_lower_the_offset_before_the_hour_is_over(station: Station) -> None:
    reports(station, NOON, 5)
    reports(station, NOON + timedelta(minutes=1), -600)
    assert station.clock_skew_s == 5

    reports(station, NOON + timedelta(minutes=2), 7)
    assert station.clock_skew_s == 7
    reports(station, NOON + timedelta(minutes=3), 6)
    assert (station.clock_skew_s, station.clock_best_s) == (7, 7)


def test_an_hour_of_older_times_lowers_the_offset_to_the_best_of_them(station: Station) -> None:
    reports(station, NOON, 5)
    reports(station, NOON + timedelta(hours=1), 4)
    # The first hour had a five; the second begins.
    assert (station.clock_skew_s, station.clock_best_s) == (5, None)
    assert station.clock_measured_until == NOON + timedelta(hours=2)

    reports(station, NOON + timedelta(hours=1, minutes=1), -50)
    reports(station, NOON + timedelta(hours=1, minutes=59, seconds=59), -40)
    assert station.clock_skew_s == 5
    reports(station, NOON + timedelta(hours=2), -45)
    assert station.clock_skew_s == -40


@pytest.mark.parametrize(
    ("offset_s", "details"),
    [(60, []), (60.5, ["60 s"]), (-60, []), (-61, ["-61 s"]), (3600, ["3600 s"])],
)
def test_a_clock_that_is_more_than_a_minute_off_for_an_hour_is_a_deviation(
    station: Station, offset_s: float, details: list[str]
) -> None:
    # The first time may be that of a message that waited.
    reports(station, NOON, offset_s)
    assert skews(station) == []

    reports(station, NOON + timedelta(hours=1), offset_s)
    assert skews(station) == details
    assert all(path == "timestamp" for kind, _, path in station.deviations if kind == "clock-skew")


def test_a_time_that_appears_twice_in_a_message_is_read_once(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ocpp_server.live import station as module

    read: list[Any] = []
    real = module.translate.moment

    def moment(text: object, **more: Any) -> Any:
        read.append(text)
        return real(text, **more)

    monkeypatch.setattr(module.translate, "moment", moment)
    text, other = NOON.isoformat(), (NOON - timedelta(seconds=1)).isoformat()

    assert [station.moment(each) for each in (text, text, other)] == [NOON, NOON, NOON - timedelta(seconds=1)]
    assert read == [text, other]
    received(station, NOON + timedelta(minutes=1))
    assert station.moment_or_problem(other) == (NOON - timedelta(seconds=1), "")
    assert read == [text, other, other]


def test_a_time_without_a_zone_is_in_that_of_the_station(station: Station) -> None:
    station.zone = ZoneInfo("Europe/Berlin")

    assert station.moment("2026-05-04T14:00:00") == NOON


def test_an_unreadable_time_is_that_of_receipt_and_a_deviation_with_the_text(station: Station) -> None:
    text = "x" * 200

    assert station.moment_or_problem(text) == (NOON, "time-unreadable")
    assert station.moment(text) == NOON
    ((kind, path, counted),) = [(kind, path, one) for (kind, _, path), one in station.deviations.items()]
    assert (kind, path, counted.count) == ("time-unreadable", "timestamp", 2)
    assert counted.detail == repr(text)[:100]
    assert station.clock_skew_s is None


# -- deviations -------------------------------------------------------------------------------------------


def test_deviations_are_counted_by_kind_action_and_path(station: Station) -> None:
    before = measures.deviations.counts().get(("late-answer",), 0)
    station.action = "a" * 70

    station.deviation("late-answer", "d" * 600, path="p" * 300)
    station.deviation("late-answer", "other", path="p" * 300)
    station.action = "B"
    station.deviation("late-answer")

    first, second = station.deviations.items()
    assert (first[0], first[1].count) == (("late-answer", "a" * 64, "p" * 255), 2)
    assert (len(first[1].detail), first[1].example) == (500, station.frame)
    assert (second[0], second[1].count, second[1].detail) == (("late-answer", "B", ""), 1, "")
    assert measures.deviations.counts()[("late-answer",)] == before + 3


def test_beyond_a_hundred_kinds_deviations_are_counted_as_one(station: Station) -> None:
    for number in range(102):
        station.deviation("number-for-text", path=f"p{number}")
    station.deviation("number-for-text", path="p0")

    assert len(station.deviations) == 101
    assert station.deviations["more-kinds", "", ""].count == 2
    assert station.deviations["number-for-text", "", "p99"].count == 1
    assert station.deviations["number-for-text", "", "p0"].count == 2


def test_the_example_of_a_deviation_has_2000_characters(station: Station) -> None:
    station.frame = '[2,"m1","Heartbeat",{"a":"' + "x" * 3_000 + '"}]'

    station.deviation("number-for-text", path="a")

    (one,) = station.deviations.values()
    assert len(one.example) == 2_000


# -- events and reloads -----------------------------------------------------------------------------------


def test_an_event_belongs_to_the_unit_of_the_message_and_names_station_and_site(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    added: list[Any] = []
    monkeypatch.setattr(outbox, "add", lambda *arguments, **more: added.append((*arguments, more)))
    station.site_pk = 5

    station.emit("a-type", energy=1)  # type: ignore[arg-type]

    assert added == [(station.unit, "a-type", {"energy": 1}, {"station": "CP-1", "site": 5})]


def test_a_reloaded_station_is_in_doubt_and_keeps_what_belongs_to_its_process(station: Station) -> None:
    fresh = Station(pk=1, identity="OTHER", version="ocpp2.1")
    fresh.registration_status, fresh.status = "Accepted", "Faulted"
    memory, unit = station.memory, station.unit

    station.take_over(fresh)

    assert station.is_accepted and station.status == "Faulted" and station.in_doubt
    assert (station.identity, station.version, station.received_at) == ("CP-1", "ocpp1.6", NOON)
    assert station.memory is memory and station.unit is unit


# -- how apps load it -------------------------------------------------------------------------------------


def test_stations_are_loaded_by_five_hundred_with_every_extension_of_those_that_load(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []
    parts: list[dict[int, int]] = []

    class Rows:
        def load_stations(self, wanted: list[tuple[int, str]]) -> list[Station]:
            asked.append(len(wanted))
            return [Station(pk=pk, identity=str(pk), version=version) for pk, version in wanted]

    def load(by_pk: extensions.ByKey) -> None:
        parts.append({pk: len(same) for pk, same in by_pk.items()})

    monkeypatch.setattr(extensions.rows, "app", Rows())
    some = {"one": extensions.Extension(name="one", load=load), "two": extensions.Extension(name="two")}
    monkeypatch.setattr(extensions, "_extensions", some)
    assert extensions.registered() == some

    found = extensions.load_stations([(number, "ocpp1.6") for number in range(1_001)])
    assert (asked, [station.pk for station in found]) == ([500, 500, 1], list(range(1_001)))
    assert [len(part) for part in parts] == [500, 500, 1]

    parts.clear()
    assert len(extensions.load_stations([(1, "ocpp1.6"), (1, "ocpp1.6"), (2, "ocpp1.6")])) == 3
    assert parts == [{1: 2, 2: 1}]
    assert extensions.load_station(9, "ocpp2.1").version == "ocpp2.1"
    assert extensions.load_stations([]) == []


def test_each_station_gets_a_state_of_its_own_in_each_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loaded, "_empty_states", [])

    assert (loaded.add_slot(list), loaded.add_slot(dict)) == (0, 1)
    first, second = loaded.empty_slots(), loaded.empty_slots()

    assert first == ([], {}) and first[0] is not second[0]


def test_a_row_has_the_same_key_when_its_message_runs_once_more(station: Station) -> None:
    key = station.row_key("profile", 7)

    assert station.row_key("profile", 7) == key
    assert len(key) == 36
    others = [station.row_key("profile", 8), station.row_key("profile", "7", "")]
    others.append(received(station, NOON + timedelta(microseconds=1)).row_key("profile", 7))
    others.append(received(Station(pk=2, identity="CP-2", version="ocpp1.6"), NOON).row_key("profile", 7))
    assert len({key, *others}) == 5
