"""The pages of errors below /admin/ and of unknown addresses: what happened, and what to do about it.

A login gets them with the menu, everyone else in the design of the sign-in page. While the database is away
they are the plain page, which needs neither a session nor a static file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import structlog
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib import admin
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import get_template, render_to_string
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from ocpp_server import rights
from ocpp_server.admin import access
from ocpp_server.credentials import Role, role_of

Words = str | Promise
_ROLES: Final = {
    Role.VIEWER: _("Viewer"),
    Role.OPERATOR: _("Operator"),
    Role.ADMINISTRATOR: _("Administrator"),
}
_JSON: Final = "application/json"


@dataclass(frozen=True)
class Refusal:
    """The words of a page: an error, the way out, and a detail for the administrator of the server."""

    status: int
    title: Words
    sentence: Words
    advice: Words = ""
    detail: str = ""
    retry_after_s: int = 0
    # Whether the same address may work later; else the page offers the way back.
    may_retry: bool = False


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    user: Any = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        sentence: Words = gettext("This page needs a login.")
        return respond(request, Refusal(403, _("Not allowed"), sentence, _("Sign in and try again.")))
    yours = _ROLES.get(Role(role_of(user)), role_of(user))
    needed = _needed(request, exception)
    sentence = gettext("You are signed in as %(user)s, with the role %(role)s.") % {
        "user": user.get_username(),
        "role": yours,
    }
    if needed is None:
        advice: Words = gettext("No role may do this here. Nothing was changed.")
    else:
        advice = gettext(
            "This needs the role %(role)s. Ask an administrator to do it, or to give you that role. "
            "Nothing was changed."
        ) % {"role": _ROLES[needed]}
    return respond(request, Refusal(403, _("Your role does not allow this"), sentence, advice))


def _needed(request: HttpRequest, exception: Exception | None) -> Role | None:
    """The role that may do what was refused; None if there is none, or the user has it."""
    if isinstance(exception, access.RoleNeeded):
        return exception.role
    name = getattr(request.resolver_match, "url_name", "") or ""
    for model, page in admin.site._registry.items():
        label = f"{model._meta.app_label}_{model._meta.model_name}_"
        right = getattr(page, "right", None)
        if name.startswith(label) and right is not None and not access.may(request.user, right):
            return rights.role_for(right)
    return None


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    sentence = gettext("There is nothing at this address.")
    advice = gettext("It may have been deleted, or the link is incomplete.")
    return respond(request, Refusal(404, _("Page not found"), sentence, advice))


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Also for a host name that is not allowed, so this page never asks for the user."""
    sentence = gettext("The server could not read this request. Nothing was changed.")
    advice = gettext(
        "Open the page again. If it happens at every address, the host name may be missing in ALLOWED_HOSTS."
    )
    return plain(request, Refusal(400, _("Request not valid"), sentence, advice))


def fault(request: HttpRequest) -> HttpResponse:
    number = str(structlog.contextvars.get_contextvars().get("request_id", ""))
    sentence = gettext("Something went wrong in this server. Stations are not affected by this page.")
    advice = gettext("Try again. If it happens again, look for this request in the server's log.")
    refusal = Refusal(500, _("Internal error"), sentence, advice, detail=number, may_retry=True)
    return plain(request, refusal)


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's CSRF_FAILURE_VIEW."""
    sentence = gettext("This form could not be checked, so nothing was saved.")
    advice = gettext(
        "You may have signed in or out in another tab since the form was opened, or the browser refuses "
        "cookies. Go back, reload the page and send the form again. If every form fails, PUBLIC_URL may "
        "differ from the address in the browser."
    )
    return respond(request, Refusal(403, _("Form expired"), sentence, advice, detail=reason))


def locked_out(request: HttpRequest, original: Any = None, credentials: Any = None) -> HttpResponse:
    """AXES_LOCKOUT_CALLABLE: too many wrong passwords."""
    name = str((credentials or {}).get("username") or request.POST.get("username", ""))[:255]
    left = _left(name, request.META.get("REMOTE_ADDR", ""))
    minutes = max(1, -(-int(left.total_seconds()) // 60))
    until = timezone.localtime(timezone.now() + left)
    sentence = gettext("There were too many wrong passwords for this name from this address.")
    wait = ngettext("Try again in %(count)s minute", "Try again in %(count)s minutes", minutes) % {
        "count": minutes
    }
    advice = gettext(
        "%(wait)s, at %(time)s (%(zone)s). Each attempt before that starts the time again. If you forgot the "
        "password, ask an administrator for a new one."
    ) % {"wait": wait, "time": f"{until:%H:%M}", "zone": until.tzname()}
    seconds = max(1, int(left.total_seconds()))
    status: int = settings.AXES_HTTP_RESPONSE_CODE
    return respond(request, Refusal(status, _("Sign-in is locked"), sentence, advice, retry_after_s=seconds))


def _left(name: str, address: str) -> timedelta:
    """The time until this name may sign in from this address."""
    last = (
        AccessAttempt.objects.filter(username=name, ip_address=address or None)
        .order_by("-attempt_time")
        .first()
    )
    cool_off: timedelta = settings.AXES_COOLOFF_TIME
    return cool_off if last is None else max(last.attempt_time + cool_off - timezone.now(), timedelta())


# -- shapes --------------------------------------------------------------------------------------------------


def respond(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """The page, with the menu for a login; JSON for the scripts of the pages."""
    if _JSON in request.headers.get("Accept", ""):
        return _json(refusal)
    try:
        user: Any = getattr(request, "user", None)
        is_signed_in = user is not None and access.may_read(user)
        context = {**admin.site.each_context(request), "title": refusal.title, "refusal": refusal}
        name = "operator/refusal.html" if is_signed_in else "operator/refusal_signed_out.html"
        page = render_to_string(name, context | {"is_signed_in": is_signed_in}, request)
    except DatabaseError:
        return plain(request, refusal)
    return _answer(page, refusal)


def plain(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """The page without a session and static files. Rendered without the request, because context processors
    would query the database for the user.
    """
    if _JSON in request.headers.get("Accept", ""):
        return _json(refusal)
    return _answer(get_template("operator/refusal_plain.html").render({"refusal": refusal}), refusal)


def _json(refusal: Refusal) -> HttpResponse:
    """The sentence that `operator.js` shows beside the button."""
    sentence = f"{refusal.sentence} {refusal.advice}".strip()
    body = {"sent": False, "sentence": sentence, "detail": sentence}
    return JsonResponse(body, status=refusal.status, headers=_headers(refusal))


def _answer(page: str, refusal: Refusal) -> HttpResponse:
    return HttpResponse(page, status=refusal.status, headers=_headers(refusal))


def _headers(refusal: Refusal) -> dict[str, str]:
    headers = {"Cache-Control": "no-store"}
    return headers | ({"Retry-After": str(refusal.retry_after_s)} if refusal.retry_after_s else {})


class WrongMethod:
    """Middleware: an address of a button that was opened as a page gets a page instead of an empty answer.

    It happens after a sign-in, when the browser returns to the address of the button.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code != 405 or response.content or not request.path.startswith("/admin/"):
            return response
        sentence = gettext("This is the address of a button, not of a page. Nothing was done.")
        advice = gettext("Go back to the page with the button and press it there.")
        page = respond(request, Refusal(405, _("Not a page"), sentence, advice))
        page.headers["Allow"] = response.headers.get("Allow", "")
        return page
