"""The page behind the link of a mail: GET shows the alert, POST acknowledges it. No login, no cookie.

Mail programs and scanners open links, so GET changes nothing. The link itself is the proof: a request from
another site could not know it, so there is no CSRF token, which would need a cookie.
"""

from __future__ import annotations

from typing import Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from alerts.services.notices import acknowledging, links
from ocpp_server.storage.row_numbers import LARGEST

_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}


@never_cache
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, number: int, secret: str) -> HttpResponse:
    """Unknown, changed and expired links have the same answer, 404."""
    grant = links.granted(number, secret) if number <= LARGEST else None
    if grant is None:
        raise Http404
    find = acknowledging.acknowledge if request.method == "POST" else acknowledging.find
    linked = find(grant)
    if linked is None:
        raise Http404
    context = {"alert": linked.alert, "may_acknowledge": linked.may_acknowledge}
    answer = render(request, "acknowledge.html", context)
    for name, value in _HEADERS.items():
        answer.headers[name] = value
    return answer
