"""What the live pages poll: a mark of events and presence, and the readings of running sessions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from chargepoints.models import ChargePoint
from events.services import numbering
from ocpp_server import live
from ocpp_server.events import outbox
from ocpp_server.events.catalogue import stations
from ocpp_server.live.records import Connection
from operations.changes import mark
from tests.admin.rows import NOON, a_session, a_station


def changes(client: Client, **query: str) -> dict[str, Any]:
    answer: dict[str, Any] = client.get("/admin/changes/", query).json()
    return answer


def snapshot(client: Client, station: ChargePoint) -> dict[str, Any]:
    answer: dict[str, Any] = client.get(reverse("admin:station-live", args=[station.pk])).json()
    return answer


def live_cells(part: Any) -> dict[str, str]:
    """The cells of a snapshot that polls replace: their names and texts."""
    if isinstance(part, dict) and "reading" in part:
        return {part["reading"]: part["text"]}
    inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    return {name: text for one in inner for name, text in live_cells(one).items()}


def happens(station: str) -> None:
    """Store and number an event."""
    outbox.emit(stations.FIRMWARE, station=station, status="Downloading")
    numbering.number_some()


@pytest.fixture
def live_state() -> Iterator[live.LiveState]:
    live.reset()
    yield live.state()
    live.reset()


def test_a_poll_without_a_change_has_the_mark_of_the_snapshot_and_reads_one_row(
    viewer: Client, station: ChargePoint
) -> None:
    happens(station.identity)
    shown = snapshot(viewer, station)

    with CaptureQueriesContext(connection) as queries:
        answer = changes(viewer, station=station.identity)

    assert answer == {"mark": shown["mark"], "troubles": [], "readings": {}}
    read = [row["sql"] for row in queries if "django_session" not in row["sql"]]
    assert len(read) == 2 and "api_event_stations" in read[1], read  # the first reads the operator


def test_an_event_changes_the_mark_of_its_station_and_of_the_dashboard_alone(
    viewer: Client, station: ChargePoint
) -> None:
    a_station("CP-2")
    before = [changes(viewer, station=name)["mark"] for name in ("CP-1", "CP-2", "")]

    happens("CP-1")

    first, second, every = (changes(viewer, station=name)["mark"] for name in ("CP-1", "CP-2", ""))
    assert (first != before[0], second == before[1], every != before[2]) == (True, True, True)
    assert snapshot(viewer, station)["mark"] == first
    assert viewer.get("/admin/live/").json()["mark"] == every


@pytest.mark.django_db
def test_presence_changes_the_mark_before_its_event(live_state: live.LiveState) -> None:
    before = mark("CP-1"), mark()

    connection = Connection("1", "CP-1", "ocpp1.6", "channel", "203.0.113.7", NOON)
    async_to_sync(live_state.connect)(connection)

    assert (mark("CP-1") == before[0], mark() == before[1], mark("CP-2") == before[0]) == (False, False, True)


def test_readings_are_those_of_running_sessions(viewer: Client, station: ChargePoint) -> None:
    begun = timezone.now() - timedelta(minutes=61)
    a_session(station, 1000, power_w=7400.0, energy_wh=1500.0, started_at=begun)
    a_session(station, 1001, power_w=600.0, energy_wh=20.0, started_at=begun)
    a_session(station, 1002, status="ended", stopped_at=NOON)

    readings = changes(viewer, station="CP-1", sessions=f"all,1000,1001,1002,1003,x,{'9' * 30}")["readings"]

    assert readings == {
        "all.power": "8.0\xa0kW",
        "1000.energy": "1.50\xa0kWh",
        "1000.power": "7.4\xa0kW",
        "1000.duration": "1\xa0h 01\xa0min",
        "1001.energy": "0.02\xa0kWh",
        "1001.power": "0.6\xa0kW",
        "1001.duration": "1\xa0h 01\xa0min",
    }
    assert live_cells(snapshot(viewer, station)) | live_cells(viewer.get("/admin/live/").json()) == readings


def test_odd_stations_have_a_mark(viewer: Client) -> None:
    assert changes(viewer, station="\0")["mark"] == changes(viewer, station="nowhere")["mark"]
