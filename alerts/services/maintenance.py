"""The stations in maintenance: their alerts are silent, and do not count for their site."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from aggregates.services.maintenance import in_maintenance


def maintained(stations: Iterable[int], at: datetime) -> set[int]:
    """The stations of these, by their keys, that are in maintenance at this time."""
    asked = set(stations)
    return in_maintenance(at) & asked if asked else set()
