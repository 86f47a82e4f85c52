"""Middleware of the admin: an entry of the audit log for each request that changes something."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.http import HttpRequest, HttpResponse

from ocpp_server import audit
from ocpp_server.observability import tracing

# Views without an account, or that change nothing but the session.
_NOT_AUDITED: Final = frozenset({"login", "logout", "view_on_site"})
# Fields of forms that are not values: Django's own, and the counts of rows in formsets.
_OWN: Final = frozenset({"csrfmiddlewaretoken", "next", "select_across", "index", "_selected_action"})


class Auditing:
    """Notes the POSTs of signed-in callers below /admin/, and the reads of views with `is_audited`.

    It stands below the middleware that knows the caller. A form that was shown again with its errors has
    status 200, a change 302.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith("/admin/"):
            return self.get_response(request)
        response = self.get_response(request)
        match = request.resolver_match
        if match is None or match.url_name in _NOT_AUDITED:
            return response
        if request.method == "POST" or getattr(match.func, "is_audited", False):
            self._note(request, match, response)
        return response

    def _note(self, request: HttpRequest, match: Any, response: HttpResponse) -> None:
        # Not `request.user`: it would ask a database that is away once more. The view has loaded the user.
        user = request.__dict__.get("_cached_user")
        if user is None or not user.is_authenticated:
            return
        # The form as the view has read it, and empty if it could not: reading it here could fail again.
        form = request.__dict__.get("_post", {})
        action = str(match.url_name or match.view_name)
        if chosen := form.get("action"):  # an action on the selected rows of a list
            action = f"{action}:{chosen}"
        audit.note(
            audit.Entry(
                actor=user.get_username(),
                door=audit.Door.ADMIN,
                action=audit.clean(action),
                path=audit.clean(request.path),
                fields=audit.names(name for name in form if _is_value(name)),
                status=response.status_code,
                address=request.META.get("REMOTE_ADDR", ""),
                request_id=tracing.request_id(),
            )
        )


def _is_value(name: str) -> bool:
    return name not in _OWN and not name.startswith("_") and not name.endswith("_FORMS")
