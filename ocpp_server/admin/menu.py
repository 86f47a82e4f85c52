"""The menu of the admin. Each app registers its entries; the sections and their order are here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest
from django.urls import reverse, reverse_lazy
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ocpp_server import sites
from ocpp_server.admin import site_pages

Words = str | Promise

# An import path: unfold imports the function when it renders the menu.
ADMINISTRATORS: Final = "ocpp_server.admin.access.request_may_see_logins"

OVERVIEW, CHARGING, INBOXES, LOGS, DETAILS, ACCESS, DEVELOPER = (
    "overview",
    "charging",
    "inboxes",
    "logs",
    "details",
    "access",
    "developer",
)
_SECTIONS: Final[dict[str, dict[str, Any]]] = {
    OVERVIEW: {},
    CHARGING: {"title": _("Who may charge"), "separator": True},
    INBOXES: {"title": _("Inboxes"), "separator": True},
    LOGS: {"title": _("Logs"), "separator": True},
    DETAILS: {"title": _("Details"), "separator": True, "collapsible": True},
    ACCESS: {"title": _("Access"), "separator": True},
    DEVELOPER: {"title": _("Developer"), "separator": True, "collapsible": True},
}


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the menu. `position` is its place in the section."""

    section: str
    position: int
    title: Words
    icon: str
    url_name: str
    permission: str = ""

    def is_open(self) -> bool:
        """Whether the present login may open the page, as far as its sites decide."""
        return not sites.is_limited() or site_pages.leads_to_limited(reverse(self.url_name))

    def shown(self) -> dict[str, Any]:
        """The entry in the format of unfold."""
        line: dict[str, Any] = {
            "title": self.title,
            "icon": self.icon,
            "link": reverse_lazy(self.url_name),
        }
        return line | ({"permission": self.permission} if self.permission else {})


_entries: dict[tuple[str, int], Entry] = {}


def page(
    section: str, position: int, title: Words, icon: str, url_name: str, *, permission: str = ""
) -> None:
    """Register an entry for a page. Raises ValueError if another entry has the position."""
    entry = Entry(section, position, title, icon, url_name, permission)
    known = _entries.setdefault((section, position), entry)
    if known.url_name != url_name:
        raise ValueError(f"the menu has {known.url_name} at {section} {position} already, not {url_name}")


def model(section: str, position: int, title: Words, icon: str, label: str, *, permission: str = "") -> None:
    """Register an entry for the list of a model. `label` is app and model, such as accounts_token."""
    page(section, position, title, icon, f"admin:{label}_changelist", permission=permission)


def title_of(label: str) -> Words | None:
    """The title of the entry for the list of a model; None if there is no entry."""
    url = f"admin:{label}_changelist"
    return next((entry.title for entry in _entries.values() if entry.url_name == url), None)


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Unfold's SIDEBAR navigation: the registered entries, section by section."""
    ordered = [entry for _place, entry in sorted(_entries.items(), key=lambda item: item[0][1])]
    groups = []
    for section, head in _SECTIONS.items():
        items = [entry.shown() for entry in ordered if entry.section == section and entry.is_open()]
        if items:
            groups.append({**head, "items": items})
    return groups
