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


def count(number: int) -> Cell:
    """A number of things."""
    return text(f"{number:,}")


def share(number: int, of: int) -> Cell:
    """A part of a whole, for a progress bar. A whole of nothing is complete."""
    return {"text": "", "share": number, "of": of} if of else {"text": "", "share": 1, "of": 1}


def live(words: str, reading: str, *, is_running: bool, title: str = "") -> Cell:
    """Plain text that the polls between two snapshots replace while the session is running: `4712.power`."""
    return _without_empty(text=words, reading=reading if is_running else "", title=title)


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


def short_energy(watt_hours: float) -> str:
    """An energy for a tile: in kWh below a thousand of them, else with few digits, such as 15.1 MWh."""
    return _short(watt_hours, "Wh") or kilowatt_hours(watt_hours)


def short_power(watts: float) -> str:
    """A power for a tile: in kW below a thousand of them, else with few digits, such as 15.1 MW."""
    return _short(watts, "W") or kilowatts(watts)


def _short(value: float, unit: str) -> str:
    """The value in millions or billions of the unit; empty if it is smaller."""
    for scale, prefix in ((1e9, "G"), (1e6, "M")):
        scaled = value / scale
        if abs(scaled) >= 0.99995:  # noqa: PLR2004 - the smaller prefix would be written as 1,000.0
            decimals = 1 if abs(scaled) >= 9.995 else 2  # noqa: PLR2004 - two decimals would make 10.00
            return f"{scaled:,.{decimals}f}{NBSP}{prefix}{unit}"
    return ""


def span(start: datetime | None, end: datetime | None) -> str:
    """A duration in its two largest units."""
    if start is None or end is None:
        return "–"
    seconds = max(0, int((end - start).total_seconds()))
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    if hours:
        return f"{hours}{NBSP}h {minutes:02d}{NBSP}min"
    return f"{minutes}{NBSP}min {seconds % 60:02d}{NBSP}s" if minutes else f"{seconds}{NBSP}s"
