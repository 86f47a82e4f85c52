"""Serves style sheets, scripts and pictures of the admin and the API documents from this process."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import patch_vary_headers

from ocpp_server.admin.hashed_files import StaticFile, files
from ocpp_server.bounds.compression import accepts_gzip

_YEAR_S: Final = int(timedelta(days=365).total_seconds())
_IMMUTABLE: Final = f"max-age={_YEAR_S}, public, immutable"
# An address without a hash, or with that of another release, may have other content after a deployment.
_BRIEFLY: Final = "max-age=60, public"


class StaticFilesMiddleware:
    """Answers requests for static files; passes on all others."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        path, prefix = request.path_info, settings.STATIC_URL
        if request.method in ("GET", "HEAD") and path.startswith(prefix):
            found = files.requested(path.removeprefix(prefix))
            if found is not None:
                return _answer(request, *found)
        return self.get_response(request)


def _answer(request: HttpRequest, file: StaticFile, is_hashed: bool) -> HttpResponse:
    small = file.compressed
    is_small = small is not None and accepts_gzip(request.headers.get("Accept-Encoding", ""))
    # Two forms of a file are two representations, so they have two tags (RFC 9110 section 8.8.3).
    tag = f'"{file.digest}{"-gzip" if is_small else ""}"'
    known = [one.strip().removeprefix("W/") for one in request.headers.get("If-None-Match", "").split(",")]
    if tag in known:
        response = HttpResponse(status=304)
        del response["Content-Type"]
    else:
        response = HttpResponse(small if is_small else file.body, content_type=file.content_type)
        if is_small:
            response["Content-Encoding"] = "gzip"
        response["Content-Length"] = str(len(response.content))
    response["ETag"] = tag
    response["Cache-Control"] = "no-cache" if settings.DEBUG else _IMMUTABLE if is_hashed else _BRIEFLY
    if small is not None:
        patch_vary_headers(response, ("Accept-Encoding",))
    return response
