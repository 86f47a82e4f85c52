"""Pages of the admin for logins that are limited to sites: those about models that belong to sites.

The managers of the models find only the rows of these sites (`ocpp_server.sites`). Models without
a site, such as tokens, people, certificates and logins, are refused as whole pages, and their menu
entries are hidden.
"""

from __future__ import annotations

from typing import Any, Final

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.http import HttpRequest
from django.urls import ResolverMatch, resolve

from ocpp_server import sites

# Pages that are about no model, and show rows through the managers alone.
OPEN: Final = frozenset(
    {"index", "login", "logout", "password_change", "password_change_done", "jsi18n", "autocomplete"}
    | {"dashboard-live", "changes"}
)
_PREFIX: Final = "/admin/"


def is_for_limited(path: str, match: ResolverMatch) -> bool:
    """Whether a login that is limited to sites may open this page."""
    app, _, rest = path.removeprefix(_PREFIX).partition("/")
    try:
        model = apps.get_model(app, rest.partition("/")[0])
    except (LookupError, ValueError):
        return match.url_name in OPEN
    return sites.has_sites(model)


def leads_to_limited(path: str) -> bool:
    """The same for a link, such as an entry of the menu."""
    return is_for_limited(path, resolve(path))


def offers_only_sites(request: HttpRequest) -> bool:
    """Whether a picker offers rows that belong to sites; its parameters name the field that it fills."""
    asked = request.GET
    try:
        model = apps.get_model(asked.get("app_label", ""), asked.get("model_name", ""))
        target: Any = model._meta.get_field(asked.get("field_name", "")).related_model
    except (LookupError, ValueError, FieldDoesNotExist):
        return True  # the picker itself refuses it
    return not isinstance(target, type) or sites.has_sites(target)
