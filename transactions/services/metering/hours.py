"""Energy by the hour of its consumption, in whole thousandths of a Wh; the hours are those of TIME_ZONE.

The hours of a session add up to its energy exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import NamedTuple

from django.utils.timezone import get_default_timezone

from ocpp_server.protocol.translate.energy import mwh_of

Hours = dict[str, int]

_QUARTER_S = 900
_HOUR_S = 3600
# After a longer pause the time of consumption is unknown: a clock was wrong.
MOST_SPREAD_S = 31 * 24 * _HOUR_S
# A session with more hours loses the detail of the oldest hours, not their energy.
MOST_HOURS = 800
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@lru_cache(maxsize=4096)
def _hour_of(quarter: int, zone: tzinfo) -> int:
    """Seconds since 1970 of the hour's start. Offsets of time zones are whole quarters of an hour."""
    at = datetime.fromtimestamp(quarter * _QUARTER_S, UTC).astimezone(zone)
    return quarter * _QUARTER_S - at.minute * 60


@lru_cache(maxsize=4096)
def _key(quarter: int, zone: tzinfo) -> str:
    return str(_hour_of(quarter, zone))


def key(at: datetime) -> str:
    """The hour of a moment, as a key of Transaction.energy_by_hour."""
    return _key(int(at.timestamp()) // _QUARTER_S, get_default_timezone())


def column(hours: Hours | None) -> dict[str, float] | None:
    """The hours in Wh, as the database has them."""
    # `wh_of` without a call for each hour: every reading writes this column.
    return None if hours is None else {name: mwh / 1000 for name, mwh in hours.items()}


def loaded(hours: Mapping[str, float] | None) -> Hours | None:
    """The hours of a column in Wh. Those of the release before had six decimals: rounding their running sum
    keeps the whole.
    """
    if hours is None:
        return None
    found: Hours = {}
    sum_wh, booked = 0.0, 0
    for name, wh in hours.items():
        sum_wh += wh
        booked, before = mwh_of(sum_wh), booked
        found[name] = booked - before
    return found


def spread(hours: Hours, since: datetime, at: datetime, mwh: int) -> Hours:
    """`hours` with `mwh` added, spread evenly over the time between two readings. A negative `mwh` is
    subtracted from the latest hours. The running sum of the shares is rounded, so that they add up to it.
    """
    if mwh < 0:
        return _taken(dict(hours), -mwh)
    if not mwh:
        return hours
    changed = dict(hours)
    zone = get_default_timezone()
    recent = _recent[0]
    is_recent = recent.begin <= since < at <= recent.end  # equivalent: only quicker than what follows
    if is_recent and recent.zone is zone:
        changed[recent.key] = changed.get(recent.key, 0) + mwh
        return changed
    begin, end = since.timestamp(), at.timestamp()
    quarter = int(end) // _QUARTER_S
    if begin < end == quarter * _QUARTER_S:
        # Energy up to the full hour belongs to the previous hour.
        quarter -= 1
    last = _key(quarter, zone)
    if _key(int(begin) // _QUARTER_S, zone) == last:
        _recent[0] = _hour_at(quarter, zone)
        changed[last] = changed.get(last, 0) + mwh
        return changed
    booked = 0
    is_later = begin < end  # equivalent: two readings of the same time are in the same hour
    if is_later and end <= begin + MOST_SPREAD_S:
        begin_us, duration_us = (since - _EPOCH) // _MICROSECOND, (at - since) // _MICROSECOND
        at_s = int(begin)
        while (name := _key(at_s // _QUARTER_S, zone)) != last:
            at_s = _next_hour(at_s // _QUARTER_S, zone)
            booked, before = _part(mwh, at_s * 1_000_000 - begin_us, duration_us), booked
            changed[name] = changed.get(name, 0) + booked - before
    changed[last] = changed.get(last, 0) + mwh - booked
    return _limited(changed)


def scaled(hours: Hours, wanted_mwh: int) -> Hours:
    """The hours in the same proportions, with another sum. The present sum is above 0."""
    known_mwh = sum(hours.values())
    changed: Hours = {}
    so_far = booked = 0
    for name, mwh in hours.items():
        so_far += mwh
        booked, before = _part(wanted_mwh, so_far, known_mwh), booked
        changed[name] = booked - before
    return changed


def _part(mwh: int, part: int, whole: int) -> int:
    """`part` of `whole` of an energy, rounded half up."""
    return (2 * mwh * part + whole) // (2 * whole)


class _Hour(NamedTuple):
    begin: datetime
    end: datetime
    key: str
    zone: tzinfo


def _hour_at(quarter: int, zone: tzinfo) -> _Hour:
    begin, end = _hour_of(quarter, zone), _next_hour(quarter, zone)
    return _Hour(datetime.fromtimestamp(begin, UTC), datetime.fromtimestamp(end, UTC), str(begin), zone)


def _next_hour(quarter: int, zone: tzinfo) -> int:
    """The start of the next hour: earlier than usual where clocks change by half an hour."""
    hour, following = _hour_of(quarter, zone), quarter + 1
    while _hour_of(following, zone) == hour:
        following += 1
    return following * _QUARTER_S


def _taken(hours: Hours, mwh: int) -> Hours:
    for name in sorted(hours, key=int, reverse=True):
        share = min(hours[name], mwh)
        hours[name] -= share
        mwh -= share
    return hours


def _limited(hours: Hours) -> Hours:
    names = sorted(hours, key=int)
    if old := names[:-MOST_HOURS]:
        kept = names[-MOST_HOURS]
        hours[kept] += sum(hours.pop(name) for name in old)
    return hours


# The hour of the previous reading of any session: nearly all readings are in the current hour.
_recent = [_hour_at(0, UTC)]
