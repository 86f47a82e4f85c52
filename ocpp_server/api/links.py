"""Full addresses of the next pages of lists: in the answer, and in the header `Link` (RFC 8288)."""

from __future__ import annotations

from urllib.parse import urlencode

from rest_framework.request import Request


def following(request: Request, cursor: str | None) -> str | None:
    """The address of the next page: this request's, with another cursor. None after the last page."""
    if cursor is None:
        return None
    asked = request.query_params.dict()
    asked.pop("offset", None)
    return request.build_absolute_uri(f"{request.path}?{urlencode({**asked, 'cursor': cursor})}")


def headers(following: str | None) -> dict[str, str]:
    """The header with the address of the next page, if there is one."""
    return {} if following is None else {"Link": f'<{following}>; rel="next"'}
