"""Compression of the answers that Django's views make: pages, JSON and other texts.

An answer stays as it is in these cases:

1. It is a stream (an export, Server-Sent Events), small, an error, or not a text.
2. It has an ETag. The tags are strong, so the compressed form would need another one, and `If-Match` would
   no longer fit the row.
3. It is a page with a CSRF token that may show what the request brought. The size of the compressed page
   would tell an observer whether a guess is in the page next to the token (the attack BREACH).

A middleware runs in the thread of its request, so that compressing does not block the event loop.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.text import compress_string

# A smaller answer fits into one or two packets in any case.
LEAST_BYTES: Final = 1024
_TEXTS: Final = re.compile(
    r"text/(?!event-stream)|application/([a-z.]+\+)?(json|xml|yaml|javascript)|image/svg"
)
# Django adds so many random bytes at most, so that sizes of equal pages differ.
_RANDOM_BYTES: Final = 100  # equivalent: any number of this size will do


class Compression:
    """The middleware that compresses answers for clients that accept gzip."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not isinstance(response, HttpResponse) or not _pays(response) or _may_reflect(request, response):
            return response
        patch_vary_headers(response, ("Accept-Encoding",))
        if accepts_gzip(request.headers.get("Accept-Encoding", "")):
            response.content = compress_string(response.content, max_random_bytes=_RANDOM_BYTES)
            response.headers["Content-Length"] = str(len(response.content))
            response.headers["Content-Encoding"] = "gzip"
        return response


def accepts_gzip(header: str) -> bool:
    """Whether an Accept-Encoding header allows gzip (RFC 9110 section 12.5.3)."""
    weights: dict[str, bool] = {}
    for item in header.lower().split(","):
        name, _, parameter = item.partition(";")
        key, _, weight = parameter.partition("=")
        weights[name.strip()] = not (key.strip() == "q" and _is_zero(weight.strip()))
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", False)))


def _is_zero(weight: str) -> bool:
    return re.fullmatch(r"0(\.0{0,3})?", weight) is not None


def _pays(response: HttpResponse) -> bool:
    headers = response.headers
    return (
        response.status_code == 200
        and "Content-Encoding" not in headers
        and "ETag" not in headers
        and _TEXTS.match(headers.get("Content-Type", "")) is not None
        and len(response.content) >= LEAST_BYTES
    )


def _may_reflect(request: HttpRequest, response: HttpResponse) -> bool:
    """Whether a page has a CSRF token and may show what a request brought: its query or body, or a message
    about an earlier request.
    """
    has_token = settings.CSRF_COOKIE_NAME in response.cookies  # Django sets it when a page uses the token
    messages = getattr(request, "_messages", ())
    return has_token and (
        request.method not in ("GET", "HEAD") or bool(request.META.get("QUERY_STRING")) or len(messages) > 0
    )
