"""Pages with content of several apps. The app that may import the others registers them for a model, whose
admin serves them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.admin import AdminSite
from django.db.models import Model
from django.http import HttpRequest, HttpResponse


def _no_urls(site: AdminSite) -> list[Any]:
    return []


@dataclass(frozen=True, slots=True)
class Pages:
    """The registered pages of a model. `urls`: additional URLs below those of the model. `change`: a page
    that replaces the change form. `below_form`: the template context of the part below the change form.
    """

    urls: Callable[[AdminSite], list[Any]] = _no_urls
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
