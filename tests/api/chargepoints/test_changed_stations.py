"""Stations that changed since a time: each writer of the row moves `updatedAt`, except for each message."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import ChargePoint
from chargepoints.models.charge_point import UNSTAMPED
from chargepoints.services.provisioning import stations
from chargepoints.tables import CHARGE_POINTS
from ocpp_server.storage.unit import Rows, Unit
from tests.api.conftest import Caller

LIST = "/api/v1/chargepoints"
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
QUIET: dict[str, Any] = {"last_seen_at": LONG_AGO, "clock_skew_s": 1.5}


@pytest.fixture
def station(db: None) -> ChargePoint:
    """A station that has not changed for long."""
    station = ChargePoint.objects.create(identity="CP-1")
    ChargePoint.objects.update(updated_at=LONG_AGO)
    station.refresh_from_db()
    return station


def is_changed(station: ChargePoint) -> bool:
    at = ChargePoint.objects.get(pk=station.pk).updated_at
    assert at == LONG_AGO or datetime.now(UTC) - at < timedelta(minutes=1)
    return at != LONG_AGO


def by_journal(station: ChargePoint, **columns: Any) -> None:
    unit, rows = Unit(), Rows()
    unit.update(CHARGE_POINTS, station.pk, **columns)
    rows.add(unit)
    rows.write()


@pytest.mark.parametrize(
    ("columns", "is_stamped"),
    [
        ({"is_online": True}, True),
        ({"firmware_status": "Installed", **QUIET}, True),
        ({"updated_at": LONG_AGO + timedelta(days=1)}, True),
        (QUIET, False),
    ],
)
def test_the_journal_stamps_a_change(station: ChargePoint, columns: dict[str, Any], is_stamped: bool) -> None:
    by_journal(station, **columns)

    assert is_changed(station) is is_stamped


@pytest.mark.parametrize(("columns", "is_stamped"), [({"is_online": True}, True), (QUIET, False)])
def test_an_update_stamps_a_change(station: ChargePoint, columns: dict[str, Any], is_stamped: bool) -> None:
    ChargePoint.objects.filter(pk=station.pk).update(**columns)

    assert is_changed(station) is is_stamped


@pytest.mark.parametrize(
    ("fields", "is_stamped"), [(None, True), (["name"], True), (["clock_skew_s"], False)]
)
def test_a_save_stamps_a_change(station: ChargePoint, fields: list[str] | None, is_stamped: bool) -> None:
    station.save(update_fields=fields)

    assert is_changed(station) is is_stamped


def test_other_tags_are_a_change(station: ChargePoint) -> None:
    stations.update(station, tags=["fast"])
    assert is_changed(station)

    ChargePoint.objects.update(updated_at=LONG_AGO)
    stations.update(station, tags=["fast"])
    assert not is_changed(station)


def test_the_columns_that_do_not_count_exist() -> None:
    assert {field.name for field in ChargePoint._meta.concrete_fields} >= UNSTAMPED


def test_the_list_has_the_changed_stations(viewer: Caller, station: ChargePoint) -> None:
    since = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    other = stations.create(identity="CP-2")

    changed = viewer.get(f"{LIST}?updated_from={since}&ordering=updatedAt").info
    assert [row["clientId"] for row in changed["chargePoints"]] == [other.identity]
    assert changed["chargePoints"][0]["updatedAt"] >= since[:-1]
    unchanged = viewer.get(f"{LIST}?updated_to={since}&ordering=-updatedAt").info
    assert [row["clientId"] for row in unchanged["chargePoints"]] == ["CP-1"]
