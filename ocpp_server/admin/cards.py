"""The cards of the dashboard. Each app registers a function that returns its cards; the dashboard merges
them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ocpp_server.admin.cells import Cell, Row


@dataclass(frozen=True, slots=True)
class Cards:
    """The cards of one app: values, tables and charts, by the names that the page uses."""

    values: dict[str, Cell] = field(default_factory=dict)
    tables: dict[str, list[Row]] = field(default_factory=dict)
    charts: dict[str, Any] = field(default_factory=dict)


# The arguments are the current time in the time zone of the pages, and the user, whose role decides which
# buttons are shown.
Draw = Callable[[datetime, Any], Cards]

_drawn: dict[str, Draw] = {}


def register(name: str, draw: Draw) -> None:
    """Register an app's cards. Raises ValueError for a name that is taken."""
    if _drawn.setdefault(name, draw) is not draw:
        raise ValueError(f"the dashboard has cards named {name} already")


def draw(now: datetime, *, user: Any) -> Cards:
    """The merged cards of all apps."""
    together = Cards()
    for one in _drawn.values():
        cards = one(now, user)
        together.values.update(cards.values)
        together.tables.update(cards.tables)
        together.charts.update(cards.charts)
    return together
