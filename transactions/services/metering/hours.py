"""Energy by the hour of its consumption; the hours are those of TIME_ZONE."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import NamedTuple

from django.utils.timezone import get_default_timezone

Hours = dict[str, float]

_QUARTER_S = 900
_HOUR_S = 3600
# After a longer pause the time of consumption is unknown: a clock was wrong.
MOST_SPREAD_S = 31 * 24 * _HOUR_S
# A session with more hours loses the detail of the oldest hours, not their energy.
MOST_HOURS = 800
_DIGITS = 6


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


def spread(hours: Hours, since: datetime, at: datetime, wh: float) -> Hours:
    """`hours` with `wh` added, spread evenly over the time between two readings. A negative `wh` is
    subtracted from the latest hours. The sum stays exact to a millionth of a Wh.
    """
    if wh < 0:
        return _taken(dict(hours), -wh)
    if not wh:
        return hours
    changed = dict(hours)
    zone = get_default_timezone()
    recent = _recent[0]
    is_recent = recent.begin <= since < at <= recent.end  # equivalent: only quicker than what follows
    if is_recent and recent.zone is zone:
        changed[recent.key] = round(changed.get(recent.key, 0.0) + wh, _DIGITS)
        return changed
    begin, end = since.timestamp(), at.timestamp()
    quarter = int(end) // _QUARTER_S
    if begin < end == quarter * _QUARTER_S:
        # Energy up to the full hour belongs to the previous hour.
        quarter -= 1
    last = _key(quarter, zone)
    if _key(int(begin) // _QUARTER_S, zone) == last:
        _recent[0] = _hour_at(quarter, zone)
        changed[last] = round(changed.get(last, 0.0) + wh, _DIGITS)
        return changed
    booked = 0.0
    is_later = begin < end  # equivalent: two readings of the same time are in the same hour
    if is_later and end <= begin + MOST_SPREAD_S:
        at_s = begin
        while (name := _key(int(at_s) // _QUARTER_S, zone)) != last:
            at_s = _next_hour(int(at_s) // _QUARTER_S, zone)
            share = round(wh * (at_s - begin) / (end - begin), _DIGITS)
            changed[name] = round(changed.get(name, 0.0) + share - booked, _DIGITS)
            booked = share
    changed[last] = round(changed.get(last, 0.0) + wh - booked, _DIGITS)
    return _limited(changed)


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


def _taken(hours: Hours, wh: float) -> Hours:
    for name in sorted(hours, key=int, reverse=True):
        share = min(hours[name], wh)
        hours[name] = round(hours[name] - share, _DIGITS)
        wh -= share
    return hours


def _limited(hours: Hours) -> Hours:
    names = sorted(hours, key=int)
    if old := names[:-MOST_HOURS]:
        kept = names[-MOST_HOURS]
        hours[kept] = round(hours[kept] + sum(hours.pop(name) for name in old), _DIGITS)
    return hours


# The hour of the previous reading of any session: nearly all readings are in the current hour.
_recent = [_hour_at(0, UTC)]
