"""The events that the account services emit."""

from __future__ import annotations

from typing import Any

import orjson

from events.models import Event


def events() -> list[tuple[str, dict[str, Any]]]:
    """The events since the last call."""
    found = [(row.type, orjson.loads(row.data)) for row in Event.objects.order_by("pk")]
    Event.objects.all().delete()
    return found
