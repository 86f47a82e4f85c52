"""station.online and station.offline: only for presence that lasts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import ChargePoint, Site
from events.models import Event, StationStream
from events.services import presence
from events.services.presence import Changes, Watch
from ocpp_server import live
from ocpp_server.storage.journal import JournalUnavailable, journal

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
    [(0, None, None), (0, -90.5, 90.5), (0, -90.1237, 90.124), (0, 0, 0), (0, 5, None)],
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


# -- the watch of the elected process ------------------------------------------------------------------------


class Elected:
    """The live state of the housekeeper, and what the database has stored; a clock in seconds."""

    is_housekeeper = True

    def __init__(self) -> None:
        self.now = 0.0
        self.present: list[str] = []
        self.stored: set[str] = set()
        self.emitted: list[Changes] = []
        self.fails = False

    def connected(self) -> list[str]:
        return self.present

    def monotonic(self) -> float:
        return self.now

    async def run(self, function: Any, *arguments: Any) -> Any:
        if function != presence.emit:  # what the last events said
            return set(self.stored)
        if self.fails:
            raise JournalUnavailable("The database is away.")
        self.emitted.extend(arguments)
        return None


@pytest.fixture
async def elected(monkeypatch: pytest.MonkeyPatch, settings: Any) -> AsyncIterator[Elected]:
    made = Elected()
    settings.EVENT_OFFLINE_AFTER = 60
    monkeypatch.setattr(live, "state", lambda: made)
    monkeypatch.setattr(presence, "time", made)
    monkeypatch.setattr(journal, "run", made.run)
    yield made
    made.is_housekeeper = False
    await presence.forget_if_not_elected()


async def at(elected: Elected, now: float, *present: str) -> list[Changes]:
    """Watch at a time with these stations connected; the changes that were emitted."""
    elected.now, elected.present, elected.emitted = now, list(present), []
    await presence.watch()
    return elected.emitted


async def test_a_change_is_emitted_once_after_it_has_lasted_for_the_setting(elected: Elected) -> None:
    elected.stored = {"B"}

    assert await at(elected, 0, "A") == []
    assert await at(elected, 59, "A") == []
    assert await at(elected, 60, "A") == [(["A"], ["B"])]
    assert await at(elected, 300, "A") == []


async def test_many_changes_are_emitted_in_parts(elected: Elected, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "_AT_ONCE", 2)
    elected.stored = {"V", "W", "X", "Y", "Z"}
    await at(elected, 0, "A", "B", "C")

    assert await at(elected, 60, "A", "B", "C") == [
        (["A", "B"], ["V", "W"]),
        (["C"], ["X", "Y"]),
        ([], ["Z"]),
    ]


async def test_a_change_that_could_not_be_stored_is_emitted_later(elected: Elected) -> None:
    await at(elected, 0, "A")
    elected.fails = True
    with pytest.raises(JournalUnavailable):
        await at(elected, 60, "A")

    elected.fails = False

    assert await at(elected, 61, "A") == [(["A"], [])]


async def test_a_process_that_is_elected_again_begins_with_what_was_stored_meanwhile(
    elected: Elected,
) -> None:
    await at(elected, 0, "A")
    await presence.forget_if_not_elected()
    assert await at(elected, 60, "A") == [(["A"], [])]

    elected.is_housekeeper = False
    await presence.forget_if_not_elected()
    elected.stored = {"A", "B"}

    assert await at(elected, 100, "A") == []
    assert await at(elected, 159, "A") == []
    assert await at(elected, 160, "A") == [([], ["B"])]
