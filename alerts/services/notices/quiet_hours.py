"""Quiet hours of a recipient: pure, in the recipient's time zone.

    [{"days": "mon-fri", "from": "22:00", "to": "06:30"}, {"days": "sat,sun", "from": "20:00", "to": "09:00"}]

A time over midnight belongs to the day on which it begins. In the hour that is repeated in autumn a time ends
at its second occurrence; times in the hour that is left out in spring are counted from before the change.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from ocpp_server.domain import Invalid

FIELD: Final = "quietHours"
MOST: Final = 20
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LIKE: Final = 'Each is like {"days": "mon-fri", "from": "22:00", "to": "06:30"}; days may be left out.'
_TIME: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
# Quiet hours without a gap would hold notices back without end.
_LONGEST: Final = timedelta(days=7)


class Window(NamedTuple):
    """Quiet from `begin` to `end` on these days, Monday being 0; over midnight if `end` is not later."""

    days: frozenset[int]
    begin: time
    end: time

    def on(self, day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Its begin and end on a day, in UTC."""
        last = day if self.end > self.begin else day + timedelta(days=1)
        end = datetime.combine(last, self.end, zone)
        return (
            datetime.combine(day, self.begin, zone).astimezone(UTC),
            max(end.astimezone(UTC), end.replace(fold=1).astimezone(UTC)),
        )


def parse(value: Any) -> tuple[Window, ...]:
    """Raises Invalid, with the field."""
    if not isinstance(value, list) or len(value) > MOST:
        raise Invalid(f"Must be a list of at most {MOST} times. {_LIKE}", field=FIELD)
    return tuple(_window(one) for one in value)


def _window(value: Any) -> Window:
    if not isinstance(value, dict) or not {"from", "to"} <= value.keys() <= {"days", "from", "to"}:
        raise Invalid(_LIKE, field=FIELD)
    begin, end = (_time(value[name]) for name in ("from", "to"))
    if begin == end:
        raise Invalid("From and to must differ.", field=FIELD)
    return Window(_days(value.get("days", "mon-sun")), begin, end)


def _time(value: Any) -> time:
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise Invalid("Times are 00:00 to 23:59.", field=FIELD)
    return time.fromisoformat(value)


def _days(value: Any) -> frozenset[int]:
    if not isinstance(value, str):
        raise Invalid(f"Days are {', '.join(DAYS)}, such as mon-fri or sat,sun.", field=FIELD)
    found: set[int] = set()
    for part in value.lower().replace(" ", "").split(","):
        first, _, last = part.partition("-")
        if first not in DAYS or (last or first) not in DAYS:
            raise Invalid(f"Days are {', '.join(DAYS)}, such as mon-fri or sat,sun.", field=FIELD)
        begin, end = DAYS.index(first), DAYS.index(last or first)
        found |= {number % 7 for number in range(begin, (end if end >= begin else end + 7) + 1)}
    return frozenset(found)


def quiet_until(windows: Sequence[Window], zone: ZoneInfo, at: datetime) -> datetime | None:
    """The end of the quiet time that `at` is in, in UTC; None outside of quiet hours."""
    until = at
    while until - at < _LONGEST:
        ends = [end for begin, end in _around(windows, zone, until) if begin <= until < end]
        if not ends:
            break
        until = max(ends)
    return until if until > at else None


def _around(windows: Sequence[Window], zone: ZoneInfo, at: datetime) -> list[tuple[datetime, datetime]]:
    """The windows of this day and of the day before, which may last until now."""
    today = at.astimezone(zone).date()
    days = (today - timedelta(days=1), today)
    return [window.on(day, zone) for window in windows for day in days if day.weekday() in window.days]


def from_lines(text: str) -> list[dict[str, str]]:
    """The stored form of lines such as `mon-fri 22:00-06:30` or `22:00-06:30`. Raises Invalid."""
    found = []
    for line in text.splitlines():
        words = line.split()
        if not words:
            continue
        begin, _, end = words[-1].partition("-")
        one = {"days": "".join(words[:-1]) or "mon-sun", "from": begin, "to": end}
        parse([one])
        found.append(one)
    parse(found)
    return found


def lines(stored: Sequence[dict[str, str]]) -> str:
    """The lines of a stored value, for a form."""
    return "\n".join(f"{one.get('days', 'mon-sun')} {one['from']}-{one['to']}" for one in stored)
