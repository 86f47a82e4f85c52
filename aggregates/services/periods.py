"""Periods of a report: hours of UTC, and days and months in the time zone of a site.

A day has 23 or 25 hours when the clocks change. An hour of UTC belongs to the day in which it begins, also in
a zone whose midnight is at a half hour of UTC.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import accumulate
from typing import Final, NamedTuple

from aggregates.services.spans import HOUR_S, moment, second

HOUR, DAY, MONTH = "hour", "day", "month"
UNITS: Final = (HOUR, DAY, MONTH)
# The most periods of a report.
MOST: Final = {HOUR: 31 * 25, DAY: 366, MONTH: 120}


class Period(NamedTuple):
    """A period from `begin` to before `end`. `key` is its hour (seconds since 1970), or its first day."""

    begin: datetime
    end: datetime
    key: int | date


def midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def following(day: date, unit: str) -> date:
    """The first day of the next period. Raises OverflowError after the year 9999."""
    if unit == MONTH:
        return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    return day + timedelta(days=1)


def between(first: date, last: date, unit: str, zone: tzinfo) -> list[Period]:
    """The periods from one day to another one, both included; of months, those that the days are in."""
    if unit == HOUR:
        begin = -(-second(midnight(first, zone)) // HOUR_S) * HOUR_S
        end = second(midnight(following(last, DAY), zone))
        return [Period(moment(at), moment(at + HOUR_S), at) for at in range(begin, end, HOUR_S)]
    found, day = [], first.replace(day=1) if unit == MONTH else first
    while day <= last:
        after = following(day, unit)
        found.append(Period(midnight(day, zone), midnight(after, zone), day))
        day = after
    return found


def count(first: date, last: date, unit: str) -> int:
    """How many periods these are at most."""
    if unit == MONTH:
        return (last.year - first.year) * 12 + last.month - first.month + 1
    days = (last - first).days + 1
    return days * 25 if unit == HOUR else days


class Known:
    """The seconds in which connectors were known to the server, summed over them."""

    def __init__(self, since: Iterable[datetime]) -> None:
        self._since = sorted(map(second, since))
        self._sums = [0, *accumulate(self._since)]

    def seconds(self, begin: datetime, end: datetime, now: datetime) -> int:
        """The seconds of all connectors in a period, as far as it is in the past."""
        first, last = second(begin), min(second(end), second(now))
        if last <= first:
            return 0
        before, until = bisect_left(self._since, first), bisect_left(self._since, last)
        return before * (last - first) + (until - before) * last - (self._sums[until] - self._sums[before])
