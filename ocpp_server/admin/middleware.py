"""Middleware of the admin: a Content-Security-Policy, in case a template does not escape a hostile text, and
a message while the database is down.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import get_template
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ocpp_server import sites
from ocpp_server.admin import site_pages
from ocpp_server.storage import database

log = structlog.get_logger(__name__)

# Alpine needs 'unsafe-eval', because unfold's menus and dialogs are expressions in attributes. Inline
# scripts, which an injected text would need, are forbidden. Unfold's theme colours are inline styles.
ADMIN_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)


class ContentSecurityPolicy:
    """Adds the policy to the pages below /admin/; other pages set their own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path.startswith("/admin/"):
            response.headers.setdefault("Content-Security-Policy", ADMIN_POLICY)
        return response


class LimitedToSites:
    """Limits the pages below /admin/ to the sites of the login (`ocpp_server.sites`)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith("/admin/"):
            return self.get_response(request)
        try:
            ids = sites.of(request.user) if request.user.is_authenticated else None
        except DatabaseError as error:
            # At once: the view would read the user again and wait for the database a second time, longer than
            # the scripts of an open page wait.
            away = database_away(request, error)
            if away is None:
                raise
            return away
        with sites.limited_to(ids):
            return self.get_response(request)

    def process_view(self, request: HttpRequest, *view: Any) -> None:
        match = request.resolver_match
        if not sites.is_limited() or match is None or not request.path.startswith("/admin/"):
            return
        is_open = site_pages.is_for_limited(request.path, match)
        if is_open and match.url_name == "autocomplete":
            is_open = site_pages.offers_only_sites(request)
        if not is_open:
            raise PermissionDenied(gettext("Your login is limited to sites, and this belongs to no site."))


DATABASE_AWAY = _(
    "The database does not answer. Stations wait for their answers and are then disconnected; "
    "they send unanswered messages again."
)


def database_away(request: HttpRequest, error: Exception) -> HttpResponse | None:
    """The answer 503 of the admin to an error of a database that is away; None for another error."""
    if not database.is_away(error):
        return None
    log.error("admin.database_away", path=request.path, error=str(error))
    headers = {"Retry-After": "10", "Cache-Control": "no-store"}
    if request.headers.get("Accept") == "application/json":  # the polling scripts of the admin
        sentence = str(DATABASE_AWAY)
        body = {
            "troubles": [sentence],
            "sent": False,
            "sentence": gettext("Not sent: %(reason)s") % {"reason": sentence},
        }
        return JsonResponse(body, status=503, headers=headers)
    # Rendered without the request, because context processors would query the database for the user.
    page = get_template("operator/database_away.html")
    shown = page.render({"sentence": DATABASE_AWAY, "reloads": request.method == "GET"})
    return HttpResponse(shown, status=503, headers=headers)


class DatabaseAway:
    """Answers 503 with a message below /admin/. It needs no login, which can't be checked without the
    database.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return database_away(request, error) if request.path.startswith("/admin/") else None
