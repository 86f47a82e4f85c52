"""The receipt of a payment as a page, for everyone who has its address."""

from __future__ import annotations

from typing import Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from ocpp_server.storage.row_numbers import LARGEST
from tariffs.services.payment import receipts
from tariffs.services.tariff import amounts

_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}


@never_cache
@require_safe
def page(request: HttpRequest, number: int, secret: str) -> HttpResponse:
    """Unknown and wrong addresses have the same answer, 404."""
    receipt = receipts.find(number, secret) if number <= LARGEST else None
    if receipt is None:
        raise Http404
    context = {
        "receipt": receipt,
        "amount": amounts.text(receipt.amount),
        "energy_kwh": f"{receipt.energy_wh / 1000:.3f}",
    }
    answer = render(request, "receipt.html", context)
    for name, value in _HEADERS.items():
        answer.headers[name] = value
    return answer
