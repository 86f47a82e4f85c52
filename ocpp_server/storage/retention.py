"""Retention: how long rows are kept, and how many, in tables that stations can fill without bound."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Count

from ocpp_server.storage import partitions
from ocpp_server.storage.journal import journal

EVENTS_PER_STATION = 10_000
# Few rows a deletion, because messages of stations wait for the same writer thread.
DELETE_AT_ONCE = 2000  # equivalent: any number that takes the writer thread some milliseconds


async def delete_old_rows() -> None:
    """Delete messages and readings that are older than the settings allow."""
    kept = {
        partitions.MESSAGES: settings.OCPP_MESSAGE_RETENTION,
        partitions.READINGS: settings.OCPP_METER_VALUE_RETENTION,
        partitions.METER_VALUES: settings.OCPP_METER_VALUE_RETENTION,
    }
    if partitions.is_divided():
        await asyncio.to_thread(partitions.maintain, kept, datetime.now(UTC))
        return
    for monthly, seconds in kept.items():
        while seconds and await journal.run(delete_some, monthly, seconds):
            await asyncio.sleep(0.05)  # equivalent: any pause in which messages are written


def delete_some(monthly: partitions.Monthly, seconds: float) -> bool:
    """Delete the oldest expired rows, DELETE_AT_ONCE at most. Returns whether there may be more."""
    before = datetime.now(UTC) - timedelta(seconds=seconds)
    # Rows are inserted in the order of the server's time, so the lowest ids are the oldest rows: no index on
    # the time alone is needed.
    rows = monthly.model._default_manager
    oldest = list(rows.order_by("id").values_list("id", monthly.written)[:DELETE_AT_ONCE])
    expired = [pk for pk, at in oldest if at < before]
    if expired:
        rows.filter(pk__in=expired).delete()
    return len(expired) == DELETE_AT_ONCE


def keep_newest(model: type[models.Model]) -> None:
    """Keep the newest EVENTS_PER_STATION rows of each station, and of the rows without a station."""
    rows = model._default_manager
    crowded = (
        rows.order_by()
        .values_list("charge_point")
        .annotate(rows=Count("pk"))
        .filter(rows__gt=EVENTS_PER_STATION)
    )
    for charge_point_pk, _ in crowded:
        of_station = rows.filter(charge_point=charge_point_pk).order_by("-pk")
        oldest_kept = of_station.values_list("pk", flat=True)[EVENTS_PER_STATION - 1]
        of_station.filter(pk__lt=oldest_kept).delete()
