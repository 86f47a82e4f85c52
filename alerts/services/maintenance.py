"""The stations in maintenance, asked from the app that keeps the windows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

# Gets the primary keys of stations and a time. Returns those in maintenance.
Query = Callable[[Iterable[int], datetime], set[int]]
_queries: Final[list[Query]] = []


def register(query: Query) -> None:
    """Add a query; for `AppConfig.ready`."""
    _queries.append(query)


def maintained(stations: Iterable[int], at: datetime) -> set[int]:
    """The stations of these that are in maintenance at this time."""
    asked = list(stations)
    found: set[int] = set()
    for query in _queries:
        found |= query(asked, at)
    return found
