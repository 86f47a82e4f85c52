"""Words in titles and details: times, durations, lists of stations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

_SHOWN = 10


def since(at: datetime, now: datetime) -> str:
    """`14:05 UTC`, with the date when it was on another day."""
    at, now = at.astimezone(UTC), now.astimezone(UTC)
    return f"{at:%H:%M} UTC" if at.date() == now.date() else f"{at:%Y-%m-%d %H:%M} UTC"


def duration(seconds: float) -> str:
    """`45 seconds`, `12 minutes`, `3 hours`, `2 days`."""
    seconds = abs(seconds)
    for length, word in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= length:
            return counted(int(seconds // length), word)
    return counted(int(seconds), "second")


def counted(number: int, noun: str) -> str:
    """`1 minute`, `3 minutes`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def listed(names: Sequence[str]) -> str:
    """The first names, and how many there are more."""
    shown = ", ".join(names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN:,} more"


def sized(number: float) -> str:
    """`1.5 GiB`."""
    for length, unit in ((1024**4, "TiB"), (1024**3, "GiB"), (1024**2, "MiB")):
        if number >= length:
            return f"{number / length:.1f} {unit}"
    return f"{number:.0f} bytes"
