"""Times that operators give in the fields of commands."""

from __future__ import annotations

from datetime import UTC, datetime

from django.utils.dateparse import parse_datetime

from ocpp_server.domain import Invalid


def given_time(text: str, field: str) -> datetime | None:
    """The time in a field, in UTC; None for an empty text. Raises Invalid."""
    if not text:
        return None
    try:
        found = parse_datetime(text.strip())
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise Invalid("Use a time with its zone, such as 2026-11-28T14:00:00Z.", field=field)
    return found.astimezone(UTC)
