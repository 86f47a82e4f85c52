"""Reads numbered events in the order of their positions, without missing one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.db.models import Min

from events.models import Event, Stream

# The most positions that one page passes: a filter that seldom matches must not read the whole stream.
WINDOW = 10_000


class Page(NamedTuple):
    """Events, and the position after which the next page begins.

    `gap`: events after the given position were deleted before they were read here, or the position is not of
    this stream. `more`: there are later events. `start`: the position after which the page really begins.
    """

    events: list[Event]
    next: int
    gap: bool
    more: bool
    start: int


def last_position() -> int:
    """The position of the last numbered event; 0 before the first."""
    return Stream.objects.filter(pk=Stream.ALL).values_list("position", flat=True).first() or 0


def read(after: int | None, *, limit: int, conditions: Mapping[str, Any]) -> Page:
    """The events after a position that match, at most `limit`; by default from the oldest.

    A caller that is limited to sites gets those of its sites.
    """
    last = last_position()
    oldest = Event.objects.numbered().order_by().aggregate(Min("position"))["position__min"]
    first = last + 1 if oldest is None else oldest
    start = first - 1 if after is None else after
    gap = after is not None and not first - 1 <= after <= last
    if gap:
        start = min(max(start, first - 1), last)
    end = min(start + WINDOW, last)
    matching = Event.objects.numbered().filter(position__gt=start, position__lte=end, **conditions)
    found = list(matching.of_caller()[:limit])
    if len(found) == limit and found[-1].position is not None:
        end = found[-1].position
    return Page(found, end, gap, end < last, start)
