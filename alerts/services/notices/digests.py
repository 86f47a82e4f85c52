"""The times of digests: pure, in the recipient's time zone."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

# The time of the daily digest.
MORNING: Final = time(7)
HOUR: Final = timedelta(hours=1)


def next_hour(zone: ZoneInfo, at: datetime) -> datetime:
    """The next full hour on the recipient's clock, in UTC."""
    local = at.astimezone(zone)
    into = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    # Calculated in UTC: on the recipient's clock an hour may be missing or come twice.
    return at.astimezone(UTC) - into + HOUR


def next_morning(zone: ZoneInfo, at: datetime) -> datetime:
    """The next 07:00 on the recipient's clock, in UTC."""
    today = at.astimezone(zone).date()
    for day in (today, today + timedelta(days=1)):
        morning = datetime.combine(day, MORNING, zone).astimezone(UTC)
        if morning > at:
            return morning
    raise AssertionError("07:00 of tomorrow is later than now")
