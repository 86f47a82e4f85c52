"""The last hour, in minutes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

BEGIN = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)


def at(minutes: float) -> datetime:
    return BEGIN + timedelta(minutes=minutes)
