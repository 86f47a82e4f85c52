"""The energy of each station by month, for reports over sites.

A session counts in the month it began in, as in the budgets of tokens, and only when it has ended.

A job sums what has changed since its last run. It finds sessions by the time of their change, and sums the
months of their stations from the sessions: one that is corrected or settled later is counted once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import BigIntegerField, Count, F, Min, Q, Sum
from django.db.models.functions import Cast, Round, TruncMonth
from django.utils import timezone

from chargepoints.models import ChargePoint
from ocpp_server.storage.journal import journal
from transactions.models import MonthlyEnergy, MonthlyEnergyProgress, Transaction

# Stations of one step: the messages of stations wait for the same writer thread.
STEP: Final = 100  # equivalent: any number that takes the writer thread some milliseconds
PAUSE_S: Final = 0.05  # equivalent: any pause in which messages are written
# The time of a change is set before its commit, and the clocks of several hosts differ.
_MARGIN: Final = timedelta(minutes=2)


class Changed(NamedTuple):
    """A station with changed sessions, and the earliest start of these; None: sum all of its months."""

    station: int
    since: datetime | None


class _Sum(NamedTuple):
    sessions: int
    suspect_sessions: int
    energy_mwh: int


async def sum_changed() -> None:
    """Sum the months of all stations whose sessions have changed since the last run."""
    now = datetime.now(UTC)
    stations = await journal.run(changed)
    for begin in range(0, len(stations), STEP):
        await journal.run(sum_months, stations[begin : begin + STEP], now)
        await asyncio.sleep(PAUSE_S)
    await journal.run(_complete, now)


def changed() -> list[Changed]:
    """The stations whose sessions have changed since the last complete run; before the first one, all.

    Sessions of the test site are in no bill.
    """
    until, test = summed_until(), ChargePoint.objects.of_test().order_by().values("pk")
    if until is None:
        return [
            Changed(pk, None)
            for pk in ChargePoint.objects.exclude(pk__in=test).order_by("pk").values_list("pk", flat=True)
        ]
    margin = max(_MARGIN, timedelta(seconds=2 * settings.OCPP_JOURNAL_BUDGET))
    rows = Transaction.objects.filter(updated_at__gte=until - margin).order_by("charge_point")
    rows = rows.exclude(charge_point__in=test)
    return [Changed(*row) for row in rows.values_list("charge_point").annotate(Min("started_at"))]


def summed_until() -> datetime | None:
    """The time up to which the sums have all changes; None before the first complete run."""
    return MonthlyEnergyProgress.objects.values_list("summed_until", flat=True).first()


def sum_months(stations: Sequence[Changed], at: datetime) -> None:
    """Sum the months of these stations from the sessions and store what differs.

    A start can only be corrected to an earlier one, so the months before the earliest start are as they were.
    """
    starts = [one.since for one in stations]
    since = None if None in starts else min(_month(one) for one in starts if one is not None)
    with transaction.atomic():
        _store([one.station for one in stations], since, at)


def _store(stations: list[int], since: date | None, at: datetime) -> None:
    rows = MonthlyEnergy.objects.filter(charge_point__in=stations)
    if since is not None:
        rows = rows.filter(month__gte=since)
    sums = _sums(stations, since)
    stored = {(row.charge_point_id, row.month): row for row in rows}
    rows.filter(pk__in=[row.pk for key, row in stored.items() if key not in sums]).delete()
    for key, row in stored.items():
        if key in sums and sums[key] != (row.sessions, row.suspect_sessions, row.energy_mwh):
            # Two processes may believe that they are elected: the older sum does not replace the newer one.
            rows.filter(pk=row.pk, summed_at__lte=at).update(**sums[key]._asdict(), summed_at=at)
    MonthlyEnergy.objects.bulk_create(
        [
            MonthlyEnergy(charge_point_id=key[0], month=key[1], summed_at=at, **found._asdict())
            for key, found in sums.items()
            if key not in stored
        ],
        ignore_conflicts=True,
    )


def _sums(stations: Iterable[int], since: date | None) -> dict[tuple[int, date], _Sum]:
    rows = Transaction.objects.filter(charge_point__in=stations, status=Transaction.Status.ENDED)
    # The charging of a battery in a slot is none for a bill: the driver pays for the swap (2.1 S).
    rows = rows.filter(charges_battery=False)
    if since is not None:
        rows = rows.filter(started_at__gte=begin_of(since))
    month = TruncMonth("started_at", tzinfo=timezone.get_default_timezone())
    # A session that is joined to another one has no energy of its own, and is none for a bill.
    is_own = Q(merged_into=None)
    found = (
        rows.order_by()
        .values("charge_point", month=month)
        .annotate(
            sessions=Count("pk", filter=is_own),
            suspect_sessions=Count("pk", filter=is_own & Q(suspect=True)),
            mwh=Sum(Cast(Round(F("energy_wh") * 1000), BigIntegerField())),
        )
    )
    rows_of_sums = found.values_list("charge_point", "month", "sessions", "suspect_sessions", "mwh")
    return {(station, at.date()): _Sum(*values) for station, at, *values in rows_of_sums}


def begin_of(month: date) -> datetime:
    """The begin of a month in TIME_ZONE."""
    return datetime(month.year, month.month, 1, tzinfo=timezone.get_default_timezone())


def _month(at: datetime) -> date:
    return at.astimezone(timezone.get_default_timezone()).date().replace(day=1)


def _complete(at: datetime) -> None:
    MonthlyEnergyProgress.objects.update_or_create(
        pk=MonthlyEnergyProgress.ONLY, defaults={"summed_until": at}
    )


# -- the report --------------------------------------------------------------------------------------------


def by_site(month: date) -> list[dict[str, Any]]:
    """The sums of a month for each site, by name. The stations without a site are last."""
    by_name = F("charge_point__site__name_key").asc(nulls_last=True)
    rows: Any = MonthlyEnergy.objects.filter(month=month).order_by(by_name)
    site = ("charge_point__site_id", "charge_point__site__name", "charge_point__site__name_key")
    sums = rows.values(*site).annotate(
        stations=Count("pk"),
        sessions=Sum("sessions"),
        suspect_sessions=Sum("suspect_sessions"),
        energy_mwh=Sum("energy_mwh"),
    )
    return list(sums)
