"""The job that counts hours, with its connection of its own."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError

from aggregates import jobs
from aggregates.models import ConnectorHour, Progress, Recount
from aggregates.services import counting, following
from chargepoints.models import ChargePoint
from tests.unit.aggregates.stored import HOUR, NOON, session

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def stations() -> list[ChargePoint]:
    found = [ChargePoint.objects.create(identity=f"CP-{number}") for number in range(3)]
    for station in found:
        session(station, NOON, NOON + HOUR)
    return found


@sync_to_async
def counted() -> set[str]:
    return set(ConnectorHour.objects.values_list("charge_point__identity", flat=True))


@sync_to_async
def waiting() -> list[str]:
    return list(Recount.objects.order_by("marked_at").values_list("charge_point__identity", flat=True))


@pytest.mark.usefixtures("stations")
async def test_the_first_run_counts_all_stations() -> None:
    await jobs.count_hours()

    assert await counted() == {"CP-0", "CP-1", "CP-2"}
    assert await waiting() == []
    progress = await Progress.objects.aget()
    assert None not in (progress.sessions_until, progress.running_until, progress.compared_at)
    assert await sync_to_async(following.counted_until)() == progress.sessions_until


async def test_a_station_that_fails_is_counted_after_the_others(
    stations: list[ChargePoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    count = counting.count

    def failing(station: int, now: Any) -> bool:
        if station == stations[0].pk:
            raise ValueError("a fault")
        return count(station, now)

    monkeypatch.setattr(counting, "count", failing)
    await jobs.count_hours()

    assert (await counted(), await waiting()) == ({"CP-1", "CP-2"}, ["CP-0"])


async def test_a_locked_table_ends_the_run_without_an_error(
    stations: list[ChargePoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    count, locked = counting.count, {stations[0].pk}

    def waits(station: int, now: Any) -> bool:
        if station in locked:
            raise OperationalError("the table is locked")
        return count(station, now)

    monkeypatch.setattr(counting, "count", waits)
    await jobs.count_hours()
    assert (await counted(), await waiting()) == (set(), ["CP-1", "CP-2", "CP-0"])

    locked.clear()
    await jobs.count_hours()
    assert await counted() == {"CP-0", "CP-1", "CP-2"}
