"""What holds for every page of the admin: headers that keep a hostile text harmless even where a template
would let it through, and words instead of a fault while the database is away.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import get_template

from ocpp_server.storage import database

log = structlog.get_logger(__name__)

# 'unsafe-eval' is Alpine's: unfold's menus and dialogs are expressions in attributes. Inline scripts stay
# forbidden, which is what an injected text would need. Inline styles are unfold's theme colours.
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
    """Adds the policy to the pages below /admin/; others set their own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path.startswith("/admin/"):
            response.headers.setdefault("Content-Security-Policy", ADMIN_POLICY)
        return response


class DatabaseAway:
    """503 and a sentence for pages below /admin/. It is no secret, and who signed in can't be looked up."""

    sentence = (
        "The database does not answer. Stations wait for their answers and are then disconnected; "
        "what was not answered they send again."
    )

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not request.path.startswith("/admin/") or not database.is_away(error):
            return None
        log.error("admin.database_away", path=request.path, error=str(error))
        headers = {"Retry-After": "10", "Cache-Control": "no-store"}
        if request.headers.get("Accept") == "application/json":  # what our own scripts ask for
            said = {"troubles": [self.sentence], "sent": False, "sentence": f"Not sent: {self.sentence}"}
            return JsonResponse(said, status=503, headers=headers)
        # Without the request: context processors would ask the database who is signed in.
        page = get_template("operator/database_away.html")
        shown = page.render({"sentence": self.sentence, "comes_again": request.method == "GET"})
        return HttpResponse(shown, status=503, headers=headers)
