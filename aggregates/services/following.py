"""Finds the stations whose hours have to be counted again: those with changed and with running sessions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Min

from aggregates.models import Outage, Progress, Recount
from aggregates.services.marks import mark
from chargepoints.models import ChargePoint
from transactions.models import Transaction

# The time of a change is set before its commit, and the clocks of several hosts differ.
_MARGIN: Final = timedelta(minutes=2)
# Energy of running sessions, and outages that last, are in their hours after this time at the latest.
RUNNING_EVERY: Final = timedelta(minutes=15)
_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)


def progress() -> Progress:
    """The one row."""
    found = Progress.objects.filter(pk=Progress.ONLY).first()
    if found is None:
        Progress.objects.bulk_create([Progress()], ignore_conflicts=True)
        found = Progress.objects.get(pk=Progress.ONLY)
    return found


def advance(**columns: tuple[Any, Any]) -> bool:
    """Change columns from one value to another one, and lock the row. False if another process was first."""
    rows = Progress.objects.filter(pk=Progress.ONLY)
    for name, (before, _) in columns.items():
        rows = rows.filter(**({f"{name}__isnull": True} if before is None else {name: before}))
    return bool(rows.update(**{name: after for name, (_, after) in columns.items()}))


def counted_until() -> datetime | None:
    """Changes of before this time are in the hours; None while the first count runs."""
    known = Progress.objects.filter(pk=Progress.ONLY).first()
    if known is None or known.sessions_until is None:
        return None
    waiting = Recount.objects.aggregate(oldest=Min("marked_at"))["oldest"]
    return known.sessions_until if waiting is None else min(known.sessions_until, waiting)


def mark_changed(now: datetime) -> None:
    """Mark the stations whose sessions have changed since the last time; at the first time, all of them."""
    until = progress().sessions_until
    if until is None:
        # The first step of each station finds the first session.
        stations = ChargePoint.objects.order_by("pk").values_list("pk", flat=True)
        since = dict.fromkeys(stations, _EARLIEST)
    else:
        margin = max(_MARGIN, timedelta(seconds=2 * settings.OCPP_JOURNAL_BUDGET))
        rows = Transaction.objects.filter(updated_at__gte=until - margin).order_by()
        found = rows.values_list("charge_point").annotate(Min("started_at"), Min("stopped_at"))
        since = {station: min(first, end or first) for station, first, end in found}
    with transaction.atomic():
        if advance(sessions_until=(until, now)):
            mark(since)


def mark_running(now: datetime) -> None:
    """Mark the stations with running sessions and lasting outages, from the last time on."""
    until = progress().running_until
    if until is not None and now - until < RUNNING_EVERY:
        return
    running = set(Transaction.objects.active().order_by().values_list("charge_point", flat=True))
    lasting = Outage.objects.filter(ended_at__isnull=True).order_by()
    running.update(lasting.values_list("charge_point", flat=True))
    with transaction.atomic():
        if advance(running_until=(until, now)):
            mark(dict.fromkeys(running, (until or now) - timedelta(hours=1)))
