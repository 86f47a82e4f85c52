"""Virtual stations are deleted with all their rows, in small transactions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.db.models import QuerySet
from django.utils import timezone
from pytest_django.fixtures import Settings

from chargepoints.models import ChargePoint, Command, Message
from chargepoints.services.provisioning import stations as provisioning
from sandbox.models import VirtualStation
from sandbox.services import stations
from tests.unit.aggregates.stored import HOUR, NOON, session
from transactions.models import Transaction

pytestmark = pytest.mark.django_db


@pytest.fixture
def virtual(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> VirtualStation:
    settings.SANDBOX_STATIONS = 5
    monkeypatch.setattr(stations, "DELETE_AT_ONCE", 2)
    made = VirtualStation.objects.create(
        charge_point=ChargePoint.objects.create(identity="TEST-1"),
        ocpp_version="1.6",
        last_used_at=timezone.now(),
    )
    for number in range(5):
        one = session(made.charge_point, NOON, NOON + HOUR)
        Transaction.objects.filter(pk=one.pk - 1).update(merged_into=one)
        Command.objects.create(
            id=str(number),
            charge_point=made.charge_point,
            action="Reset",
            payload={},
            created_at=NOON,
            deadline_at=NOON,
        )
    return made


def test_all_rows_are_deleted_in_parts(virtual: VirtualStation, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    delete_some = stations._delete_some

    def counted(rows: QuerySet[Any]) -> bool:
        before = rows.count()
        answer = delete_some(rows)
        sizes.append(before - rows.count())
        return answer

    monkeypatch.setattr(stations, "_delete_some", counted)

    stations.delete(virtual.pk)

    assert not ChargePoint.objects.exists()
    assert not Transaction.objects.exists() and not Command.objects.exists() and not Message.objects.exists()
    assert max(sizes) == 2 and sum(sizes) == 10


def test_a_process_that_stops_ends_the_deletion_half_way(virtual: VirtualStation) -> None:
    left = iter([True, False])

    stations.delete(virtual.pk, goes_on=lambda: next(left, False))

    assert ChargePoint.objects.exists() and Transaction.objects.exists()
    stations.delete(virtual.pk)
    assert not ChargePoint.objects.exists()


def test_an_error_of_the_database_is_shown(virtual: VirtualStation, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: object, **kwargs: object) -> None:
        raise OperationalError("canceling statement due to statement timeout")

    monkeypatch.setattr(provisioning, "delete", fails)

    with pytest.raises(OperationalError):
        stations.delete(virtual.pk)

    virtual.refresh_from_db()
    assert virtual.problem == "It can't be deleted yet."


def test_idle_stations_end_without_a_sandbox_too(virtual: VirtualStation, settings: Settings) -> None:
    settings.SANDBOX_STATIONS = 0
    stations.end_idle()
    stations.delete_ended()
    assert VirtualStation.objects.filter(is_ending=False).exists()

    VirtualStation.objects.update(last_used_at=timezone.now() - timedelta(seconds=settings.SANDBOX_IDLE + 1))
    stations.end_idle()
    stations.delete_ended()

    assert not VirtualStation.objects.exists() and not ChargePoint.objects.exists()
