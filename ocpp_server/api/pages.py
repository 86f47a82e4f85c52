"""The OpenAPI document and Swagger UI, both from files of this server, so that they work offline."""

from __future__ import annotations

from functools import cache
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponseRedirect
from django.urls import NoReverseMatch, reverse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from ocpp_server.api.envelope import JsonRenderer
from ocpp_server.api.views import ApiView

# Swagger UI has inline images and some inline styles. Scripts are allowed only from this server.
DOCS_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document. It is the same for every caller, so it is built once, at the first request."""
    schema: dict[str, Any] = SchemaGenerator().get_schema(public=True)
    return schema


class SchemaView(ApiView):
    is_of_sites = True

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        return Response(document())


class DocsView(SpectacularSwaggerSplitView):
    """Swagger UI. Its script has the same path, so that the page needs no inline script."""

    url = "/api/schema/"
    url_self = "/api/docs/"
    # The parent class requires no credentials.
    permission_classes = ApiView.permission_classes
    read_role, write_role, needed_role = ApiView.read_role, ApiView.write_role, ApiView.needed_role
    authentication_classes = ApiView.authentication_classes
    needed_scope, scope_group, personal = ApiView.needed_scope, ApiView.scope_group, ApiView.personal
    is_of_sites = True

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        return super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]  # its page has no types

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        if response.status_code == status.HTTP_401_UNAUTHORIZED and (login := _login(request)):
            response = HttpResponseRedirect(login)
        if getattr(response, "exception", False):  # equivalent: what has no such attribute is not rendered
            request.accepted_renderer = JsonRenderer()
            request.accepted_media_type = JsonRenderer.media_type
        final = super().finalize_response(request, response, *args, **kwargs)
        final.headers["Content-Security-Policy"] = DOCS_POLICY
        return final


def _login(request: Request) -> str | None:
    """The login page for a browser; None for a program, and on a server without the admin."""
    if "Authorization" in request.headers or "text/html" not in request.headers.get("Accept", ""):
        return None
    try:
        page = reverse("admin:login")
    except NoReverseMatch:
        return None
    return f"{page}?{urlencode({'next': request.path})}"
