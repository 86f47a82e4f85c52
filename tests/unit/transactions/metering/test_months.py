"""The energy of stations by month is the sum of their ended sessions, whatever changed and in which order."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from django.utils import timezone

from chargepoints.models import ChargePoint, Site
from ocpp_server.storage.journal import journal
from tests.direct import process
from transactions.models import MonthlyEnergy, MonthlyEnergyProgress, Transaction
from transactions.services.metering import months

NOVEMBER, DECEMBER = date(2026, 11, 1), date(2026, 12, 1)
NOON = datetime(2026, 11, 12, 12, tzinfo=UTC)
_numbers = count(1000)


pytestmark = pytest.mark.django_db


@pytest.fixture
def station() -> ChargePoint:
    return ChargePoint.objects.create(identity="CP-1", identity_key="cp-1")


def session(station: ChargePoint, at: datetime = NOON, wh: float = 1000.0, **columns: Any) -> Transaction:
    number = next(_numbers)
    columns = {"status": "ended", "updated_at": NOON, **columns}
    return Transaction.objects.create(
        id=number,
        ocpp_id=str(number),
        charge_point=station,
        started_at=at,
        start_received_at=at,
        last_message_at=at,
        energy_wh=wh,
        **columns,
    )


def complete(at: datetime = NOON) -> None:
    """A run that finds all changes until `at`."""
    months.sum_months(months.changed(), at)
    months._complete(at)


def sums() -> list[tuple[Any, ...]]:
    rows = MonthlyEnergy.objects.order_by("charge_point", "month")
    return list(
        rows.values_list("charge_point__identity", "month", "sessions", "suspect_sessions", "energy_mwh")
    )


def test_the_first_run_sums_every_month_of_every_station(station: ChargePoint) -> None:
    other = ChargePoint.objects.create(identity="CP-2", identity_key="cp-2")
    session(station, wh=1000.001)
    session(station, wh=0.25, suspect=True)
    session(station, NOON + timedelta(days=30), wh=5.0)
    session(other, wh=7.0)
    assert months.summed_until() is None

    complete()

    assert months.summed_until() == NOON
    assert sums() == [
        ("CP-1", NOVEMBER, 2, 1, 1_000_251),
        ("CP-1", DECEMBER, 1, 0, 5000),
        ("CP-2", NOVEMBER, 1, 0, 7000),
    ]


def test_a_running_session_counts_when_it_has_ended(station: ChargePoint) -> None:
    running = session(station, status="active")
    complete()
    assert sums() == []

    Transaction.objects.filter(pk=running.pk).update(status="ended", updated_at=NOON)
    complete()

    assert sums() == [("CP-1", NOVEMBER, 1, 0, 1_000_000)]


def test_a_session_that_is_joined_to_another_is_not_counted_twice(station: ChargePoint) -> None:
    kept = session(station, wh=30.0)
    session(station, wh=0.0, merged_into=kept, suspect=True)

    complete()

    assert sums() == [("CP-1", NOVEMBER, 1, 0, 30_000)]


def test_the_charging_of_a_battery_in_a_slot_is_none_for_a_bill(station: ChargePoint) -> None:
    session(station, wh=900.0, charges_battery=True)
    session(station, wh=1000.0)
    complete()

    assert sums() == [("CP-1", NOVEMBER, 1, 0, 1_000_000)]


@pytest.mark.parametrize(
    ("at", "month"),
    [
        ("2026-11-01T00:00:00+01:00", NOVEMBER),
        ("2026-10-31T23:59:59.999+01:00", date(2026, 10, 1)),
        ("2026-12-01T00:00:00+01:00", DECEMBER),
    ],
)
def test_the_months_are_those_of_the_time_zone(
    station: ChargePoint, settings: Any, at: str, month: date
) -> None:
    settings.TIME_ZONE = "Europe/Vienna"
    timezone.get_default_timezone.cache_clear()
    try:
        session(station, datetime.fromisoformat(at))
        complete()
        # A change later sums from the beginning of this month.
        Transaction.objects.update(energy_wh=2.0)
        complete()
    finally:
        timezone.get_default_timezone.cache_clear()

    assert sums() == [("CP-1", month, 1, 0, 2000)]


def test_a_start_that_is_corrected_to_an_earlier_month_leaves_the_later_one(station: ChargePoint) -> None:
    moved = session(station, datetime(2026, 12, 1, 1, tzinfo=UTC))
    session(station, datetime(2026, 10, 3, tzinfo=UTC), wh=3.0)
    complete()

    Transaction.objects.filter(pk=moved.pk).update(started_at=datetime(2026, 11, 30, 22, tzinfo=UTC))
    complete()

    assert sums() == [("CP-1", date(2026, 10, 1), 1, 0, 3000), ("CP-1", NOVEMBER, 1, 0, 1_000_000)]


@pytest.mark.parametrize(("before", "is_found"), [(120, True), (121, False)])
def test_a_change_that_was_committed_late_is_found_within_the_margin(
    station: ChargePoint, settings: Any, before: int, is_found: bool
) -> None:
    settings.OCPP_JOURNAL_BUDGET = 60.0
    complete()
    session(station, updated_at=NOON - timedelta(seconds=before))

    assert bool(months.changed()) is is_found


def test_the_margin_is_longer_where_a_commit_may_take_longer(station: ChargePoint, settings: Any) -> None:
    settings.OCPP_JOURNAL_BUDGET = 61.0
    complete()
    session(station, updated_at=NOON - timedelta(seconds=122))

    assert months.changed() == [months.Changed(station.pk, NOON)]


def test_only_the_stations_that_changed_are_summed(station: ChargePoint) -> None:
    other = ChargePoint.objects.create(identity="CP-2", identity_key="cp-2")
    session(other, updated_at=NOON - timedelta(hours=1))
    session(station)
    session(station, NOON - timedelta(days=40))
    complete(NOON + timedelta(seconds=60))

    assert months.changed() == [months.Changed(station.pk, NOON - timedelta(days=40))]


def test_an_older_sum_does_not_replace_a_newer_one(station: ChargePoint) -> None:
    session(station)
    complete(NOON)
    session(station)

    complete(NOON - timedelta(seconds=1))
    assert sums() == [("CP-1", NOVEMBER, 1, 0, 1_000_000)]

    complete(NOON)
    assert sums() == [("CP-1", NOVEMBER, 2, 0, 2_000_000)]


def test_what_has_not_changed_is_not_written(station: ChargePoint) -> None:
    session(station)
    complete(NOON)

    complete(NOON + timedelta(seconds=5))

    assert MonthlyEnergy.objects.get().summed_at == NOON
    assert MonthlyEnergyProgress.objects.get().summed_until == NOON + timedelta(seconds=5)


def test_sites_come_by_name_and_stations_without_one_last(station: ChargePoint) -> None:
    for name in ("beta", "Alpha"):
        site = Site.objects.create(name=name)
        for number in range(2):
            one = ChargePoint.objects.create(
                identity=f"{name}{number}", identity_key=f"{name}{number}", site=site
            )
            session(one, wh=0.001, suspect=bool(number))
    session(station, wh=2.0)
    session(station, datetime(2026, 12, 2, tzinfo=UTC))
    complete()

    rows = months.by_site(NOVEMBER)

    shown = [
        (
            row["charge_point__site__name"],
            row["stations"],
            row["sessions"],
            row["suspect_sessions"],
            row["energy_mwh"],
        )
        for row in rows
    ]
    assert shown == [("Alpha", 2, 2, 1, 2), ("beta", 2, 2, 1, 2), (None, 1, 1, 0, 2000)]


@pytest.mark.django_db(transaction=True)
async def test_the_job_sums_all_stations_in_steps_and_notes_its_begin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(months, "STEP", 1)
    before = datetime.now(UTC)

    async with process.running():
        for name in ("CP-1", "CP-2", "CP-3"):
            station = await journal.run(ChargePoint.objects.create, identity=name, identity_key=name)
            await journal.run(session, station, wh=4.0)
        await months.sum_changed()
        found = await journal.run(sums)
        until = await journal.run(months.summed_until)

    assert found == [(name, NOVEMBER, 1, 0, 4000) for name in ("CP-1", "CP-2", "CP-3")]
    assert before <= until <= datetime.now(UTC)
