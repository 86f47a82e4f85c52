"""The page of a station's QR code (2.1 C25): it sends the driver to the payment service. No login, no cookie.

An unknown station, a missing part and a wrong password have the same answer.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import structlog
from asgiref.sync import async_to_sync
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from ocpp_server.addresses import address_key
from ocpp_server.api import per_minute
from ocpp_server.api.waiting import release_connection
from ocpp_server.domain import DomainError
from tariffs.services.payment import checkouts, qr_codes, web_payments

log = structlog.get_logger(__name__)

# Requests of one client address in a minute. Mobile networks have many drivers behind one address.
MOST_PER_MINUTE: Final = 30
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
    "Cache-Control": "no-store",
}
_INVALID: Final = _("This QR code is not valid. Scan the code on the display again.")
_TOO_MANY: Final = _("Too many codes were tried. Wait a minute, and scan the code on the display again.")
_NO_PAYMENTS: Final = _("This charging station takes no payments on the web yet. Nothing was charged.")
_NOT_NOW: Final = _("Paying is not possible at this charging station at the moment. Nothing was charged.")


@require_GET
def page(request: HttpRequest, rest: str | None = None) -> HttpResponse:
    """Check the code, and redirect to the payment service. Only GET: a HEAD must not use the code up."""
    if per_minute.count("charge", address_key(request.META.get("REMOTE_ADDR", ""))) > MOST_PER_MINUTE:
        return _page(request, _TOO_MANY, 429, retry_after=per_minute.seconds_left())
    query = [(name, value) for name, value in request.GET.items() if isinstance(value, str)]
    code = qr_codes.read(rest or "", query)
    found = None if code is None else qr_codes.verified(code, datetime.now(UTC))
    if found is None:
        return _page(request, _INVALID, 404)
    if not checkouts.provider.is_set:
        return _page(request, _NO_PAYMENTS, 503)
    release_connection()
    try:
        address = async_to_sync(web_payments.begin)(found)
    except DomainError as error:
        station = found.charge_point.identity
        log.info("web_payment.refused", station=station, evse=found.evse, reason=error.sentence)
        return _page(request, _NOT_NOW, 503)
    if address is None:
        return _page(request, _INVALID, 404)
    return _headed(HttpResponseRedirect(address))


def _page(
    request: HttpRequest, sentence: Promise, status: int, *, retry_after: float | None = None
) -> HttpResponse:
    answer = _headed(render(request, "charge.html", {"sentence": sentence}, status=status))
    if retry_after is not None:
        answer.headers["Retry-After"] = str(int(retry_after) + 1)
    return answer


def _headed(answer: HttpResponse) -> HttpResponse:
    for name, value in _HEADERS.items():
        answer.headers[name] = value
    return answer
