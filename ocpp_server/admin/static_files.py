"""Serves style sheets, scripts and pictures of the admin and the API documents from this process."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile


class StaticFilesMiddleware(WhiteNoiseMiddleware):
    """WhiteNoise that reads the whole file into the response.

    WhiteNoise streams a file by a synchronous iterator. Under ASGI, Django warns about that at each request
    and then reads the whole file anyway. The largest file is the script of Swagger UI, 1.5 MB.
    """

    @staticmethod
    def serve(static_file: StaticFile, request: HttpRequest) -> HttpResponse:
        found = static_file.get_response(request.method, request.META)
        body = b""
        if found.file is not None:
            with found.file:
                body = found.file.read()
        return HttpResponse(body, status=int(found.status), headers=dict(found.headers))
