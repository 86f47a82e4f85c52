"""The access log: one line for every HTTP request, with any HTTP server."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog
from django.http import HttpRequest, HttpResponseBase
from django.utils.functional import SimpleLazyObject

from ocpp_server.observability import measures, tracing
from ocpp_server.observability.addresses import masked_path

log = structlog.get_logger(__name__)

# Paths that are requested every few seconds, or many times by one page. They are logged only at DEBUG.
_QUIET = ("/health", "/metrics", "/static/")


# The key of a `Run` in the scope of a request.
RUN: Final = "ocpp.run"


@dataclass(slots=True)
class Run:
    """One run of a request that may run twice, because it waits: only the run with the answer is logged.

    `began`: when the first run did, by `time.perf_counter`. `is_dropped`: its answer is not sent.
    """

    began: float
    is_dropped: bool = False


class AccessLog:
    """The outermost middleware: it sets the id of a request, logs it and counts its time."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        run = getattr(request, "scope", {}).get(RUN) or Run(time.perf_counter())
        with tracing.request(called=request.headers.get("X-Request-ID", "")) as trace:
            response = self._get_response(request)
            response["X-Request-ID"] = trace.id
            if run.is_dropped:
                return response
            seconds = time.perf_counter() - run.began
            method = request.method if request.method in measures.METHODS else measures.OTHER
            measures.http_requests.add(str(method), str(response.status_code))
            measures.http_seconds.add(seconds)
            write = log.debug if request.path.startswith(_QUIET) else log.info
            # The path has no query, which may contain a token.
            write(
                "http.request",
                ms=round(seconds * 1000, 1),
                method=method,
                path=masked_path(request.path)[:200],
                status=response.status_code,
                address=request.META.get("REMOTE_ADDR", ""),
                actor=_actor(request),
            )
        return response


def _actor(request: HttpRequest) -> str:
    """The key of the caller, if the view has identified it; this function makes no query."""
    user = request.__dict__.get("user")
    if isinstance(user, SimpleLazyObject):
        user = request.__dict__.get("_cached_user")
    return str(getattr(user, "pk", None) or "")
