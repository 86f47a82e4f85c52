"""Times: a station's timestamps as aware UTC, and the server's own as text."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo

# No station was connected before OCPP 1.6; an earlier date comes from a clock that was never set.
EARLIEST = datetime(2015, 1, 1, tzinfo=UTC)
FUTURE = timedelta(days=1)
# The problems with a time that the time of receipt replaces.
TIME_MISSING = "time-missing"
REPLACED = frozenset({TIME_MISSING, "time-unreadable", "time-implausible"})

_LEAP_SECOND = re.compile(r":60(?=[.Z+\-]|$)")


def moment(text: object, *, received_at: datetime, zone: tzinfo | None = None) -> tuple[datetime, str]:
    """A station's time as aware UTC, and the problem with it ("" without one).

    The time of receipt replaces a time that can't be read, is before 2015 or more than a day ahead: the clock
    was never set, and a bill needs a time. A time without zone is read in `zone`, by default UTC.
    """
    if not isinstance(text, str) or not text:
        return received_at, TIME_MISSING
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        try:
            at = datetime.fromisoformat(_LEAP_SECOND.sub(":59", text.strip().upper()))
        except ValueError:
            return received_at, "time-unreadable"
    problem = ""
    if at.tzinfo is None:
        problem = "" if zone else "time-without-zone"
        at = at.replace(tzinfo=zone or UTC)
    try:
        at = at.astimezone(UTC)
    except (OverflowError, ValueError):
        return received_at, "time-implausible"
    if at < EARLIEST or at > received_at + FUTURE:
        return received_at, "time-implausible"
    return at, problem


def time(at: datetime) -> str:
    """A time as the server writes it: UTC, `Z`, milliseconds."""
    return at.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def sent_time(text: str) -> datetime:
    """A time in a request of the server, checked by its schema, as aware UTC; UTC without a zone."""
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).astimezone(UTC)


def plain_time(text: str | None) -> datetime | None:
    """A time that has nothing to do with now, as UTC; None for none, and for one that can't be read."""
    if text is None:
        return None
    try:
        return sent_time(text)
    except (ValueError, OverflowError):
        return None
