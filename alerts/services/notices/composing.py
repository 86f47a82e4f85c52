"""The words of a mail about alerts: pure. Titles and details hold texts of stations: they are escaped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from alerts.models import Notification, Severity

Kind = Notification.Kind
# The alerts that one mail describes; it counts the others.
MOST_DESCRIBED: Final = 50
# The titles that a subject may have before it becomes unreadable.
MOST_OF_A_TITLE: Final = 120

# The order and the headings of the parts of a mail.
_HEADINGS: Final[dict[str, str]] = {
    Kind.ESCALATED: "Not acknowledged, and escalated to you",
    Kind.OPENED: "Opened",
    Kind.CHANGED: "Open again, or more severe",
    Kind.REPEATED: "Still open",
    Kind.RESOLVED: "Resolved",
}
_CAME_AND_WENT: Final = "Came and went"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One notice in a mail. The links are empty where the server's own address is not known."""

    kind: str
    severity: Severity
    title: str
    detail: str = ""
    what_to_do: str = ""
    note: str = ""
    site: str = ""
    opened_at: datetime
    resolved_at: datetime | None = None
    acknowledged_by: str = ""
    count: int = 1
    link: str = ""
    acknowledge: str = ""

    @property
    def heading(self) -> str:
        if self.kind != Kind.RESOLVED and self.resolved_at is not None:
            return _CAME_AND_WENT
        return _HEADINGS[self.kind]


class Words(NamedTuple):
    subject: str
    text: str
    html: str


def compose(items: Sequence[Item], zone: ZoneInfo, *, is_digest: bool, settings_link: str) -> Words:
    """The mail about these notices, the most severe first. Times are in the recipient's zone."""
    order = [*_HEADINGS.values(), _CAME_AND_WENT]
    # An older notice of the same alert adds nothing: its items show the same state.
    ordered = sorted(items, key=lambda one: (order.index(one.heading), -one.severity.rank, one.opened_at))
    parts: dict[str, list[Item]] = {}
    for item in ordered[:MOST_DESCRIBED]:
        parts.setdefault(item.heading, []).append(item)
    rest = len(ordered) - MOST_DESCRIBED
    lines: list[str] = []
    html: list[str] = []
    for heading, described in parts.items():
        if len(parts) > 1 or is_digest:
            lines += [heading.upper(), ""]
            html.append(f"<h3>{escape(heading)}</h3>")
        for item in described:
            facts = _facts(item, zone)
            lines += [f"{item.severity.label}: {item.title}", *facts, *_links(item), ""]
            html.append(_paragraph(item, facts))
    if rest > 0:
        lines += [f"... and {rest} more.", ""]
        html.append(f"<p>... and {rest} more.</p>")
    if settings_link:
        lines += ["-- ", f"Your notices and quiet hours: {settings_link}"]
        html.append(f'<p><a href="{escape(settings_link)}">Your notices and quiet hours</a></p>')
    page = "\n".join(html)
    return Words(
        _subject(ordered, is_digest),
        "\n".join(lines).rstrip() + "\n",
        f"<!doctype html><html><body>\n{page}\n</body></html>\n",
    )


def test(name: str) -> Words:
    """The mail of *Send test*."""
    text = f"This is a test. Notices about alerts for {name} arrive at this address.\n"
    html = f"<!doctype html><html><body><p>{escape(text.strip())}</p></body></html>\n"
    return Words("Test of alert notices", text, html)


def _subject(items: Sequence[Item], is_digest: bool) -> str:
    first = items[0]
    places = {item.site for item in items}
    at = f" at {first.site}" if len(places) == 1 and first.site else ""
    if is_digest:
        still_open = sum(1 for item in items if item.resolved_at is None)
        return f"Alerts{at}: {still_open} open, {len(items) - still_open} over"
    title = first.title if len(first.title) <= MOST_OF_A_TITLE else f"{first.title[: MOST_OF_A_TITLE - 1]}…"
    if len(items) > 1:
        others = f"and {len(items) - 1} more"
        return f"{_label(first)}: {title} {others}{at}"
    return f"{_label(first)}: {title}"


def _label(item: Item) -> str:
    """The first word of a subject: the severity, or what has become of the alert."""
    if item.kind == Kind.RESOLVED:
        return "Resolved"
    if item.kind == Kind.REPEATED:
        return f"{item.severity.label}, still open"
    return f"{item.severity.label}, escalated" if item.kind == Kind.ESCALATED else str(item.severity.label)


def _facts(item: Item, zone: ZoneInfo) -> list[str]:
    facts = []
    if item.site:
        facts.append(f"Site: {item.site}")
    facts.append(f"Since: {_local(item.opened_at, zone)}")
    if item.resolved_at is not None:
        lasted = _lasted((item.resolved_at - item.opened_at).total_seconds())
        facts.append(f"Until: {_local(item.resolved_at, zone)} ({lasted})")
    if item.count > 1:
        facts.append(f"Noticed {item.count} times")
    if item.acknowledged_by and item.resolved_at is None:
        facts.append(f"Acknowledged by {item.acknowledged_by}")
    facts += [line for line in item.detail.splitlines() if line.strip()]
    if item.resolved_at is None:
        facts += [f"To do: {line}" for line in (item.what_to_do, item.note) if line.strip()]
    return facts


def _links(item: Item) -> list[str]:
    links = [f"Open: {item.link}"] if item.link else []
    return [*links, f"Acknowledge: {item.acknowledge}"] if item.acknowledge else links


def _paragraph(item: Item, facts: Sequence[str]) -> str:
    title = escape(item.title)
    if item.link:
        title = f'<a href="{escape(item.link)}">{title}</a>'
    lines = [f"<strong>{escape(str(item.severity.label))}: {title}</strong>", *map(escape, facts)]
    if item.acknowledge:
        lines.append(f'<a href="{escape(item.acknowledge)}">Acknowledge</a>')
    return f"<p>{'<br>'.join(lines)}</p>"


def _local(moment: datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M %Z")


def _lasted(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return "less than a minute"
    if minutes < 120:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"
