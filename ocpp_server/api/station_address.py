"""The view of a plain GET at a station's address, whose WebSockets belong to stations."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from ocpp_server.transport.handshake.explanation import STATUS, explanation


@csrf_exempt
@require_safe
def explain(request: HttpRequest) -> HttpResponse:
    found = explanation(
        accept=request.headers.get("Accept", ""), host=request.get_host(), is_tls=request.is_secure()
    )
    return HttpResponse(found.body, status=STATUS, headers=found.headers)
