"""The stored samples of a session, in the order of time.

They are in readings, each with all samples that a message had of one time, and in the rows of one sample that
an earlier release stored and `carrying` has not carried over yet. Samples of the same time come in the order
of their arrival. A sample that a later message repeated at the same time comes once.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from functools import cached_property
from itertools import groupby, islice
from operator import itemgetter
from typing import Any, Final, NamedTuple

from django.db.models import Count, Model, Q, QuerySet, Sum

from transactions.models import MeterValue, Reading
from transactions.services.metering.samples import ALL, Kind, Sampled, Wanted, kind_of, read

Key = tuple[Any, ...]
Row = tuple[Any, ...]
# The time of a sample, its kind, its value, and the station's text.
Value = tuple[datetime, Kind, float, str]

# Rows of the largest query: each query for more rows gets four times as many.
_MOST: Final = 4096  # equivalent: any number finds the same rows
# All begin with the same columns. The first two are the place of a row in the order.
_SHARED: Final = ("measured_at", "id", "evse_number", "connector_number")
_READING: Final = (*_SHARED, "sample_count", "samples")
_SAMPLE: Final = (
    *_SHARED,
    *("measurand", "phase", "location", "context", "unit", "raw_unit"),
    *("value", "raw", "signed_data"),
)
_place = itemgetter(0, 1)
_time = itemgetter(0)


class Place(NamedTuple):
    """Where a sample is in the order: its time, its row, and its number in the row."""

    measured_at: datetime
    row: int
    number: int


class StoredSample(NamedTuple):
    """A sample with the names of the API. `value` is in `unit`; None when `raw` is not a number."""

    measured_at: datetime
    received_at: datetime
    evse_number: int | None
    connector_number: int | None
    row: int
    number: int
    kind: Kind
    value: float | None
    raw: str
    signed_data: str | None

    @property
    def measurand(self) -> str:
        return self.kind.measurand

    @property
    def phase(self) -> str:
        return self.kind.phase

    @property
    def location(self) -> str:
        return self.kind.location

    @property
    def context(self) -> str:
        return self.kind.context

    @property
    def unit(self) -> str:
        return self.kind.unit

    @property
    def raw_unit(self) -> str:
        return self.kind.raw_unit

    @property
    def place(self) -> Place:
        return Place(self.measured_at, self.row, self.number)


def key(at: datetime, evse: int | None, connector: int | None, kind: Kind, raw: str) -> Key:
    """Samples of a session with the same key are the same sample."""
    return (at, evse, connector, kind.measurand, kind.phase, kind.location, kind.context, raw)


class Series:
    """The samples of a session, from `since` until before `until`."""

    def __init__(
        self,
        transaction_id: int,
        *,
        wanted: Wanted = ALL,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> None:
        self._transaction_id = transaction_id
        self._wanted = wanted
        self._since = since
        self._until = until

    def narrowed(self, *, wanted: Wanted, since: datetime | None, until: datetime | None) -> Series:
        """The wanted samples of a period."""
        return Series(self._transaction_id, wanted=wanted, since=since, until=until)

    def __iter__(self) -> Iterator[StoredSample]:
        """All samples, oldest first."""
        return self._samples(_MOST, newest_first=False, after=None, skipped=0)

    def values(
        self, *, at_most: int | None = None, at_times: Collection[datetime] | None = None
    ) -> Iterator[Value]:
        """The samples that are numbers, oldest first: those of the first times, or of the times given."""
        times: Iterable[tuple[datetime, Iterable[Row]]]
        if at_times is not None:
            some = self._rows_of(Reading).filter(measured_at__in=at_times).order_by("measured_at", "id")
            times = groupby(some.values_list(*_READING), key=_time)
        else:
            found = self._times(_MOST, newest_first=False, after=None, has_receipt=False)
            times = islice(found, at_most)
        for at, rows in times:
            for _, (_, kind, value, raw, _) in self._of_time(list(rows)):
                if value is not None:
                    yield at, kind, value, raw

    def page(
        self, size: int, *, newest_first: bool = False, after: Place | None = None, skipped: int = 0
    ) -> list[StoredSample]:
        """The samples after a place, without the first ones of them; at most `size`."""
        # As many rows as may be needed: each has a sample or more, and the next row ends a time.
        rows = min(size + skipped + 1, _MOST)
        found = self._samples(rows, newest_first=newest_first, after=after, skipped=skipped)
        return list(islice(found, size))

    def total(self) -> int:
        """The number of samples. Reads them only for a filter, and where several rows have the same time."""
        if self._wanted != ALL:
            return self._counted()
        samples = self._rows_of(MeterValue).count() if self.has_single_samples else 0
        readings = self._rows_of(Reading).aggregate(
            rows=Count("id"), times=Count("measured_at", distinct=True), samples=Sum("sample_count")
        )
        if not readings["rows"]:
            return samples
        if samples:
            return self._counted()
        total: int = readings["samples"]
        return total if readings["rows"] == readings["times"] else total - self._repetitions()

    @cached_property
    def has_single_samples(self) -> bool:
        """Whether there are rows of an earlier release."""
        return self._rows_of(MeterValue).exists()

    def _counted(self) -> int:
        times = self._times(_MOST, newest_first=False, after=None, has_receipt=False)  # equivalent: a count
        return sum(len(self._of_time(rows)) for _, rows in times)

    def _repetitions(self) -> int:
        """The number of samples that another reading of the same time has too."""
        rows = self._rows_of(Reading)
        shared = rows.values("measured_at").annotate(rows=Count("id")).filter(rows__gt=1)
        several = rows.filter(measured_at__in=shared.values("measured_at")).order_by("measured_at", "id")
        repetitions = 0
        for _, found in groupby(several.values_list(*_READING), key=_time):
            of_time = list(found)
            repetitions += sum(map(_count, of_time)) - len(self._of_time(of_time))
        return repetitions

    def _samples(
        self, size: int, *, newest_first: bool, after: Place | None, skipped: int
    ) -> Iterator[StoredSample]:
        is_whole = self._wanted == ALL
        for at, rows in self._times(size, newest_first=newest_first, after=after, has_receipt=True):
            is_new = after is None or at != after.measured_at
            if is_new and is_whole and len(rows) == 1 and _count(rows[0]) <= skipped:
                skipped -= _count(rows[0])
                continue
            found = self._of_time(rows)
            if newest_first:
                found.reverse()
            for row, (number, kind, value, raw, signed_data) in found:
                place = Place(at, row[1], number)
                if after is not None and (place >= after if newest_first else place <= after):
                    continue
                if skipped:
                    skipped -= 1
                    continue
                _, pk, evse, connector, *_, received_at = row
                yield StoredSample(
                    at, received_at, evse, connector, pk, number, kind, value, raw, signed_data
                )

    def _of_time(self, rows: list[Row]) -> list[tuple[Row, Sampled]]:
        """The samples of the rows of one time, in the order of arrival, each once."""
        found = [(row, sample) for row in rows for sample in _of_row(row, self._wanted)]
        if len(rows) == 1:
            return found
        known: dict[Key, tuple[Row, Sampled]] = {}
        for row, sample in found:
            known.setdefault(key(row[0], row[2], row[3], sample[1], sample[3]), (row, sample))
        return list(known.values())

    def _times(
        self, size: int, *, newest_first: bool, after: Place | None, has_receipt: bool
    ) -> Iterator[tuple[datetime, list[Row]]]:
        """The rows of each time, in the order of arrival; `has_receipt`: with the time of receipt."""
        receipt = ("received_at",) if has_receipt else ()
        readings = self._rows(Reading, _READING + receipt, size, newest_first, after)
        rows = readings
        if self.has_single_samples:
            samples = self._rows(MeterValue, _SAMPLE + receipt, size, newest_first, after)
            # The samples first: what is carried over meanwhile is read twice then, and merged.
            rows = heapq.merge(samples, readings, key=_place, reverse=newest_first)
        for at, of_time in groupby(rows, key=_time):
            found = list(of_time)
            if newest_first:
                found.reverse()
            yield at, found

    def _rows(
        self, model: type[Model], columns: tuple[str, ...], size: int, newest_first: bool, after: Place | None
    ) -> Iterator[Row]:
        """The rows in order, read in pieces. All rows of the time of `after`: they decide what repeats."""
        than, sign = ("lt", "-") if newest_first else ("gt", "")
        rows = self._rows_of(model).order_by(f"{sign}measured_at", f"{sign}id")
        rest = rows if after is None else rows.filter(**{f"measured_at__{than}e": after.measured_at})
        while True:
            piece = list(rest.values_list(*columns)[:size])
            yield from piece
            if len(piece) < size:
                return
            at, pk = _place(piece[-1])
            beyond = Q(**{f"measured_at__{than}": at}) | Q(**{f"id__{than}": pk})
            rest = rows.filter(beyond, **{f"measured_at__{than}e": at})
            size = min(4 * size, _MOST)

    def _rows_of(self, model: type[Model]) -> QuerySet[Any]:
        rows = model._default_manager.filter(transaction=self._transaction_id).order_by()
        if self._since is not None:
            rows = rows.filter(measured_at__gte=self._since)
        if self._until is not None:
            rows = rows.filter(measured_at__lt=self._until)
        return rows


def _is_reading(row: Row) -> bool:
    return len(row) <= len(_READING) + 1


def _count(row: Row) -> int:
    """The number of samples in a row."""
    return int(row[4]) if _is_reading(row) else 1


def _of_row(row: Row, wanted: Wanted) -> list[Sampled]:
    """The wanted samples of a row of either table."""
    if _is_reading(row):
        return read(row[5], wanted)
    kind = kind_of(*row[4:10])
    value, raw, signed_data = row[10:13]
    return [(0, kind, value, raw, signed_data)] if wanted.fits(kind) else []
