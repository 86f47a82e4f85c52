"""Cells of the live pages, which `operator.js` renders: JSON with plain text, no HTML.

The script sets texts of stations by `textContent`, so they can't become markup.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

# Between a number and its unit, so that a narrow column does not break the line there.
NBSP = "\N{NO-BREAK SPACE}"

Cell = dict[str, Any]
Row = list[Cell]


def text(value: object, *, href: str = "", title: str = "", note: str = "") -> Cell:
    """Plain text. `href` is a path on this server, `note` a smaller second line."""
    return _without_empty(text="" if value is None else str(value), href=href, title=title, note=note)


def live(words: str, reading: str, *, is_running: bool) -> Cell:
    """Plain text that the polls between two snapshots replace while the session is running: `4712.power`."""
    return _without_empty(text=words, reading=reading if is_running else "")


def label(value: object, tone: str = "", *, title: str = "", note: str = "") -> Cell:
    """A coloured word."""
    return _without_empty(text=str(value), label=True, tone=tone, title=title, note=note)


def moment(value: datetime | None, *, note: str = "") -> Cell:
    """A time, which the page shows as "12 s ago" and updates by itself."""
    return _without_empty(text="", time=value.isoformat() if value else "never", note=note)


def button(words: str, post: str, *, tone: str = "", fields: dict[str, str] | None = None) -> Cell:
    """A button that sends a POST with the CSRF token of the page."""
    return _without_empty(text=words, post=post, tone=tone, fields=fields or {})


def buttons(cells: Iterable[Cell]) -> Cell:
    return {"buttons": list(cells), "text": ""}


def _without_empty(**members: Any) -> Cell:
    return {name: value for name, value in members.items() if value or name == "text"}


def kilowatt_hours(watt_hours: float | None) -> str:
    return "–" if watt_hours is None else f"{watt_hours / 1000:,.2f}{NBSP}kWh"


def kilowatts(watts: float | None) -> str:
    return "–" if watts is None else f"{watts / 1000:,.1f}{NBSP}kW"


def span(start: datetime | None, end: datetime | None) -> str:
    """A duration in its two largest units."""
    if start is None or end is None:
        return "–"
    seconds = max(0, int((end - start).total_seconds()))
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    if hours:
        return f"{hours}{NBSP}h {minutes:02d}{NBSP}min"
    return f"{minutes}{NBSP}min {seconds % 60:02d}{NBSP}s" if minutes else f"{seconds}{NBSP}s"
