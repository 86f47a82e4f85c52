"""Connections as the database shows them: online, offline, and the stations of a dead process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import transaction

from chargepoints.models import ChargePoint, Command, SecurityEvent
from chargepoints.services import connections
from chargepoints.tables import CHARGE_POINTS
from events.models import Event
from ocpp_server.storage.unit import Unit
from tests.logged import captured_logs

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def columns(unit: Unit) -> dict[str, Any]:
    """The columns that a unit of work sets of station 7."""
    ((table, key, values),) = unit.updates
    assert (table, key) == (CHARGE_POINTS, 7)
    return values


def test_a_connected_station_is_online_over_its_connection() -> None:
    unit = Unit()

    connections.show_connected(unit, 7, version="ocpp2.0.1", connection_id="c1", address="a" * 65, at=NOON)

    assert columns(unit) == {
        "is_online": True,
        "ocpp_version": "ocpp2.0.1",
        "connection_id": "c1",
        "remote_address": "a" * 64,
        "connected_at": NOON,
        "last_seen_at": NOON,
    }


def test_a_station_that_was_shown_as_offline_is_online_over_the_same_connection() -> None:
    unit = Unit()

    connections.show_connected_again(unit, 7, connection_id="c1")

    assert columns(unit) == {"is_online": True, "connection_id": "c1"}


def test_a_station_that_has_left_is_offline_with_the_columns_of_its_end() -> None:
    unit = Unit()

    connections.show_disconnected(unit, 7, close_code=1000)

    assert columns(unit) == {"is_online": False, "close_code": 1000}


def station(identity: str, connection_id: str, *, is_online: bool = True) -> ChargePoint:
    return ChargePoint.objects.create(
        identity=identity, connection_id=connection_id, is_online=is_online, close_code=1000
    )


@pytest.mark.django_db
def test_a_station_that_has_connected_elsewhere_stays_online() -> None:
    gone, moved, other = station("A", "c1"), station("B", "c2"), station("C", "c1")

    connections.show_disconnected_if_current(
        [(gone.pk, "c1", {"close_code": 1006}), (moved.pk, "c1", {"close_code": 1006})]
    )

    rows = ChargePoint.objects.order_by("pk").values_list("is_online", "close_code")
    assert list(rows) == [(False, 1006), (True, 1000), (True, 1000)]
    assert other.is_online


@pytest.mark.django_db
def test_a_station_is_loaded_by_its_key_and_online_stations_are_listed_with_their_connections() -> None:
    station("A", "c1")
    offline = station("B", "c2", is_online=False)

    assert connections.connection_ids() == {"A": "c1"}
    assert connections.load(offline.pk) == offline


@pytest.mark.django_db
def test_the_stations_of_a_dead_process_are_offline_and_their_commands_end() -> None:
    gone, returned = station("A", "c1"), station("B", "c3")
    left = station("C", "c2", is_online=False)
    before = datetime.now(UTC)
    for number, row in enumerate((gone, returned, left)):
        for state, age in (("queued", 1), ("sent", 1), ("accepted", 1), ("queued", -600)):
            Command.objects.create(
                id=f"{number}-{state}-{age}",
                charge_point=row,
                action="Reset",
                payload={},
                state=state,
                created_at=before - timedelta(seconds=age),
                deadline_at=before,
            )

    with captured_logs() as lines:
        connections.end_connections({"c1": None, "c2": None})

    gone.refresh_from_db()
    assert (gone.is_online, gone.close_code) == (False, None)
    assert gone.disconnected_at is not None
    assert gone.disconnected_at >= before
    online = ChargePoint.objects.filter(is_online=True)
    assert list(online) == [returned]
    left.refresh_from_db()
    assert left.disconnected_at is None

    ended = Command.objects.filter(state="disconnected")
    assert sorted(ended.values_list("id", flat=True)) == ["0-queued-1", "0-sent-1"]
    assert set(ended.values_list("finished_at", "error_description")) == {
        (gone.disconnected_at, "The server's process has died.")
    }
    assert Event.objects.filter(type="command.finished").count() == 2
    gone_lines = [line for line in lines if line["event"] == "station.disconnected"]
    assert [(line["station"], line["reason"]) for line in gone_lines] == [("A", "its process has died")]


@pytest.mark.django_db
def test_only_the_commands_to_the_old_connection_of_a_station_that_has_connected_again_end() -> None:
    """Its next processor has not loaded it yet, and sends the commands to the new connection."""
    row = station("A", "c1")
    again = datetime.now(UTC) - timedelta(seconds=10)
    for name, moment in (
        ("old", again - timedelta(seconds=1)),
        ("at once", again),
        ("new", datetime.now(UTC)),
    ):
        Command.objects.create(
            id=name,
            charge_point=row,
            action="Reset",
            payload={},
            state="queued",
            created_at=moment,
            deadline_at=again + timedelta(minutes=1),
        )

    with captured_logs() as lines:
        connections.end_connections({"c1": again})

    states = dict(Command.objects.values_list("id", "state"))
    assert states == {"old": "disconnected", "at once": "queued", "new": "queued"}
    row.refresh_from_db()
    assert (row.is_online, row.disconnected_at, row.connection_id) == (True, None, "c1")
    assert [line for line in lines if line["event"] == "station.disconnected"] == []


@pytest.mark.django_db
def test_of_two_processes_one_reports_that_two_devices_use_an_identity(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = station("A", "c1")

    @contextmanager
    def atomic() -> Iterator[None]:
        ChargePoint.objects.update(duplicate_at=NOON)  # by the other process
        with transaction.atomic():
            yield

    monkeypatch.setattr(connections, "transaction", SimpleNamespace(atomic=atomic))

    assert connections.show_duplicate(row.pk, ("192.0.2.1", "192.0.2.2"), NOON) is False
    assert not SecurityEvent.objects.exists()


@pytest.mark.django_db
def test_the_addresses_of_two_devices_are_cut_to_their_columns() -> None:
    row = station("A", "c1")

    assert connections.show_duplicate(row.pk, ("a" * 65, "b" * 65), NOON) is True

    row.refresh_from_db()
    assert row.duplicate_addresses == ["a" * 64, "b" * 64]
    assert (row.duplicate_since, row.duplicate_at) == (NOON, NOON)
