"""Costs of running sessions: when they are due, changed, and taken by their station."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from chargepoints.models import ChargePoint, Command
from configuration.models import ReportedKey
from ocpp_server.live.station import Station
from ocpp_server.protocol.versions import V16, V21, V201
from tariffs.live import COSTS
from tariffs.services.tariff import running as service
from tests.unit.chargepoints.in_memory import NOON, a_station
from tests.unit.transactions.transactions.live_station import running

MINUTE = timedelta(minutes=1)


def with_session(version: str = V201, *, status: str = "Accepted") -> Station:
    station = a_station(version=version, registration_status=status)
    station.transactions[1000] = running(1000)
    return station


def due(station: Station, seconds: float) -> list[int]:
    return [one.id for one in service.due(station, NOON + timedelta(seconds=seconds), MINUTE)]


def test_a_session_is_due_once_an_interval() -> None:
    station = with_session()

    assert [due(station, after) for after in (0, 59, 60, 61, 120)] == [[], [], [1000], [], [1000]]
    service.note(station, station.transactions[1000], Decimal(1), NOON + timedelta(seconds=150))
    assert [due(station, after) for after in (180, 209, 210)] == [[], [], [1000]]


def test_an_ended_session_is_forgotten() -> None:
    station = with_session()
    due(station, 0)
    transaction = station.transactions[1000]
    transaction.is_active = False

    assert due(station, 60) == []
    assert COSTS.of(station).sent == {}
    service.note(station, transaction, Decimal(1), NOON)
    assert COSTS.of(station).sent == {}


@pytest.mark.parametrize(
    ("version", "status", "is_uncommitted", "found"),
    [
        (V201, "Accepted", False, [1000]),
        (V21, "Accepted", False, [1000]),
        (V16, "Accepted", False, []),
        (V201, "Pending", False, []),
        (V201, "Accepted", True, []),
    ],
)
def test_only_accepted_stations_between_messages_get_costs(
    version: str, status: str, is_uncommitted: bool, found: list[int]
) -> None:
    station = with_session(version, status=status)
    due(station, 0)
    station.is_uncommitted = is_uncommitted

    assert due(station, 60) == found


def test_a_cost_is_compared_with_the_last_one() -> None:
    station = with_session()
    transaction = station.transactions[1000]
    due(station, 0)

    assert not service.has_changed(station, transaction, Decimal(0))
    assert service.has_changed(station, transaction, Decimal("0.42"))
    service.note(station, transaction, Decimal("0.42"), NOON)
    assert not service.has_changed(station, transaction, Decimal("0.420"))
    assert service.has_changed(station, transaction, Decimal(0))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("command", "reported", "is_taken"),
    [
        (None, "", True),
        (None, "true", True),
        (None, "false", False),
        ({"state": "accepted"}, "", True),
        ({"state": "timeout"}, "", True),
        ({"state": "sent"}, "", False),
        ({"state": "error", "error_code": "NotImplemented"}, "", False),
        ({"state": "error", "error_code": "InternalError"}, "", True),
        ({"state": "error", "error_code": "NotSupported", "created_at": NOON - MINUTE}, "", True),
        ({"state": "sent", "action": "Reset"}, "", True),
    ],
)
def test_a_station_takes_a_cost(command: dict[str, object] | None, reported: str, is_taken: bool) -> None:
    station = ChargePoint.objects.create(identity="CP-1", ocpp_version=V21)
    if reported:
        key = "TariffCostCtrlr.Enabled[Cost]"
        ReportedKey.objects.create(charge_point=station, key=key, value=reported, reported_at=NOON)
    if command is not None:
        columns = {"action": "CostUpdated", "created_at": NOON, "deadline_at": NOON, "payload": {}}
        Command.objects.create(charge_point=station, id="c-1", **(columns | command))

    assert service.receiver(station.pk, NOON) == (station if is_taken else None)


@pytest.mark.django_db
def test_a_station_that_was_removed_takes_no_cost() -> None:
    assert service.receiver(1, NOON) is None
