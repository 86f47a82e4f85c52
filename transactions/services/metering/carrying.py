"""Carries the samples that earlier releases stored, a row each, over to readings; and back, for the way to an
earlier release.

Housekeeping carries a few rows at a time, beside a server that writes messages. A step that is repeated, or
that two processes take at once, stores nothing twice: a reading is recognised by its digest. Rows that a
process of the earlier release writes during an upgrade are carried over too.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import groupby
from typing import Any, Final
from zlib import crc32

from django.db import transaction
from django.db.models import Model

from ocpp_server.storage.journal import journal
from transactions.models import MeterValue, Reading
from transactions.services.metering.measured import Measured
from transactions.services.metering.samples import kind_of, read

# Samples of one step: the messages of stations wait for the same writer thread.
STEP: Final = 300  # equivalent: any number that takes the writer thread some milliseconds
PAUSE_S: Final = 0.1  # equivalent: any pause in which messages are written
# Then the job ends and comes again: another process may have become the housekeeper.
TURN_S: Final = 30.0  # equivalent: any time
_SHARED: Final = (
    "charge_point_id",
    "transaction_id",
    "evse_number",
    "connector_number",
    "received_at",
)
_KIND: Final = ("measurand", "phase", "location", "context", "unit", "raw_unit")
_COLUMNS: Final = ("id", "measured_at", *_SHARED, *_KIND, "value", "raw", "signed_data")


async def carry_over() -> None:
    """Carry samples over until none is left, or the turn is over."""
    until = time.monotonic() + TURN_S
    while await journal.run(step) and time.monotonic() < until:
        await asyncio.sleep(PAUSE_S)


def step(size: int = STEP) -> bool:
    """Carry samples over, `size` at most; returns whether there may be more."""
    with transaction.atomic():
        # In the order of the two keys, which have the samples of a session or station one after the other.
        return any(_step(parent, size) for parent in ("transaction_id", "charge_point_id"))


def _step(parent: str, size: int) -> bool:
    rows = MeterValue.objects.filter(transaction__isnull=parent != "transaction_id")
    found = list(rows.order_by(parent, "measured_at", "id").values_list(parent, *_COLUMNS)[:size])
    if len(found) == size:
        # The samples of the last reading may go on after the limit. If all samples have the same time, it is
        # carried over in parts, which are merged when they are read.
        found = [row for row in found if _moment(row) != _moment(found[-1])] or found
    if not found:
        return False
    times = [row[2] for row in found]
    # The times limit the search to their months on PostgreSQL.
    period = {"measured_at__gte": min(times), "measured_at__lte": max(times)}
    readings = _readings(found)
    # A repetition may have come first: what arrived first stays.
    stored = Reading.objects.filter(**{f"{parent}__in": {row[0] for row in found}}, **period)
    receipts = {_key(one): one.received_at for one in readings}
    repeated = [one.pk for one in stored.defer("samples") if _is_later(one, receipts)]
    stored.filter(pk__in=repeated).delete()
    Reading.objects.bulk_create(readings, ignore_conflicts=True)
    MeterValue.objects.filter(**period, pk__in=[row[1] for row in found]).delete()
    return True


def _key(one: Reading) -> tuple[Any, ...]:
    return one.charge_point_id, one.transaction_id, one.measured_at, one.digest


def _is_later(one: Reading, receipts: Mapping[tuple[Any, ...], datetime]) -> bool:
    """Whether a stored reading repeats one that is carried over now."""
    first = receipts.get(_key(one))
    return first is not None and first < one.received_at


def _moment(row: tuple[Any, ...]) -> tuple[int, datetime]:
    return row[0], row[2]


def _of_message(row: tuple[Any, ...]) -> tuple[str, ...]:
    """The values that all samples of one reading share. As text, because a number may be missing."""
    return tuple(map(str, row[2 : 3 + len(_SHARED)]))


def _readings(rows: Iterable[tuple[Any, ...]]) -> list[Reading]:
    readings = []
    for _, samples in groupby(sorted(rows, key=_of_message), key=_of_message):
        of_message = sorted(samples, key=lambda row: int(row[1]))
        first, last = of_message[0], of_message[-1]
        shared = dict(zip(_SHARED, first[3:], strict=False))
        measured = Measured(first[2])
        for row in of_message:
            kind = row[3 + len(_SHARED) :][: len(_KIND)]
            measured.take(kind_of(*kind), *row[-3:])
        columns = measured.columns(shared["evse_number"], shared["connector_number"])
        # The number of its last sample: numbers stay in the order of receipt, and a client that reads pages
        # meanwhile reads the reading again rather than not at all.
        readings.append(Reading(pk=last[1], **shared, **columns))
    return readings


def carry_back(readings: type[Model], samples: type[Model], *, at_most: int) -> bool:
    """Carry readings back to rows of one sample; returns whether there may be more. The models are those of a
    migration. Readings of deleted stations and sessions are dropped.
    """
    with transaction.atomic():
        found: list[Any] = list(readings._default_manager.order_by("id")[:at_most])
        stations, sessions = (
            set(
                samples._meta.get_field(name)
                .related_model._default_manager.filter(pk__in={getattr(one, f"{name}_id") for one in found})  # type: ignore[union-attr]
                .values_list("pk", flat=True)
            )
            for name in ("charge_point", "transaction")
        )
        rows = [
            samples(**row)
            for one in found
            if one.charge_point_id in stations and one.transaction_id in {*sessions, None}
            for row in _samples_of(one)
        ]
        samples._default_manager.bulk_create(rows, ignore_conflicts=True)
        readings._default_manager.filter(pk__in=[one.pk for one in found]).delete()
    return len(found) == at_most


def _samples_of(reading: Any) -> Iterable[dict[str, Any]]:
    place = f"{reading.evse_number}|{reading.connector_number}"
    shared = {name: getattr(reading, name) for name in (*_SHARED, "measured_at")}
    for _, kind, value, raw, signed_data in read(reading.samples):
        key = "|".join((place, kind.measurand, kind.phase, kind.location, kind.context, raw))
        yield shared | {
            **{name: getattr(kind, name) for name in _KIND},
            "value": value,
            "raw": raw,
            "signed_data": signed_data,
            "sample_key": crc32(key.encode()),
        }
