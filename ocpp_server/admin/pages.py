"""Pages with content of several apps. The app that may import the others registers them for a model, whose
admin serves them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.admin import AdminSite
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse

from ocpp_server.admin.access import has_role
from ocpp_server.command_fields import Label
from ocpp_server.credentials import Role


def _no_urls(site: AdminSite) -> list[Any]:
    return []


@dataclass(frozen=True, slots=True)
class Action:
    """An action on the selected rows of a model's list, for a role. `run` may return a page."""

    name: str
    title: Label
    role: Role
    run: Callable[[HttpRequest, QuerySet[Any]], HttpResponse | None]

    def offered(self, user: Any) -> dict[str, Any]:
        """The entry for Django's `get_actions`; none if the role of the user is too low."""

        def run(model_admin: Any, request: HttpRequest, rows: QuerySet[Any]) -> HttpResponse | None:
            return self.run(request, rows)

        return {self.name: (run, self.name, str(self.title))} if has_role(user, self.role) else {}


@dataclass(frozen=True, slots=True)
class Pages:
    """The registered pages of a model. `urls`: additional URLs below those of the model. `actions`: actions
    of its list. `change`: a page that replaces the change form. `below_form`: the template context of the
    part below the change form.
    """

    urls: Callable[[AdminSite], list[Any]] = _no_urls
    actions: tuple[Action, ...] = ()
    change: Callable[[HttpRequest, str], HttpResponse] | None = None
    below_form: Callable[[HttpRequest, str], dict[str, Any]] | None = None


_NONE = Pages()
_pages: dict[str, Pages] = {}


def register(label: str, pages: Pages) -> None:
    """Register the pages of a model, such as "chargepoints.ChargePoint". Raises ValueError for a second
    registration.
    """
    if _pages.setdefault(label.lower(), pages) is not pages:
        raise ValueError(f"{label} has pages already")


def of(model: type[Model]) -> Pages:
    """The registered pages of a model; an empty `Pages` if there are none."""
    return _pages.get(model._meta.label_lower, _NONE)
