"""Answers to requests that are refused before the application: the API's envelope, or a plain page."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import Any

import orjson
import structlog

from ocpp_server.bounds.uploads import in_words
from ocpp_server.error_codes import Code
from ocpp_server.observability import measures, tracing
from ocpp_server.observability.addresses import masked_path

log = structlog.get_logger(__name__)

_PAGE = (
    '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>\n'
    "<body><h1>{title}</h1><p>{message}</p></body></html>\n"
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer: the HTTP status and its name, the code, a sentence for people, data for programs."""

    status: int
    title: str
    code: Code
    message: str
    data: dict[str, Any] = field(default_factory=dict)
    headers: tuple[tuple[bytes, bytes], ...] = ()


def too_large(limit: int, *, size: int | None, hint: str = "") -> Refusal:
    """413. `size` is the Content-Length in bytes; None if the limit was exceeded during reading."""
    more = f"has {size:,} bytes" if size is not None else f"has more than {limit:,} bytes"
    sentence = f"The body {more}; the limit is {in_words(limit)} ({limit:,} bytes).{hint and ' '}{hint}"
    return Refusal(413, "Content too large", Code.BODY_TOO_LARGE, sentence, {"limit": limit, "size": size})


def too_slow(seconds: float, *, received: int) -> Refusal:
    """408: the body did not arrive within `seconds`; `received` bytes of it did."""
    sentence = f"The body did not arrive within {seconds:g} s; {received:,} bytes of it did."
    data = {"timeout": seconds, "received": received}
    return Refusal(408, "Request timeout", Code.BODY_TOO_SLOW, sentence, data)


def too_many(limit: int) -> Refusal:
    """429: the address has `limit` requests without valid credentials in progress already."""
    sentence = f"This address has {limit} requests without valid credentials in progress, which is the limit."
    headers = ((b"retry-after", b"1"),)
    return Refusal(429, "Too many requests", Code.ADDRESS_LIMITED, sentence, {"limit": limit}, headers)


def compressed(encoding: str) -> Refusal:
    """415: bodies must not be compressed."""
    sentence = f"Send the body as it is: Content-Encoding {encoding[:50]!r} is not supported."
    headers = ((b"accept-encoding", b"identity"),)
    return Refusal(415, "Unsupported media type", Code.UNSUPPORTED_MEDIA_TYPE, sentence, {}, headers)


async def send(refusal: Refusal, scope: dict[str, Any], send: Any, *, is_last: bool) -> None:
    """Answer and log. With `is_last` False, the caller sends the end of the answer and closes the
    connection.
    """
    path, method = scope["path"], scope["method"]
    if path.startswith("/admin/"):
        text = _PAGE.format(title=escape(refusal.title), message=escape(refusal.message))
        body, kind = text.encode(), b"text/html; charset=utf-8"
    else:
        # The API's envelope, built here because the API imports this package.
        data = {"code": refusal.code.value, **refusal.data}
        body = orjson.dumps({"success": False, "message": refusal.message, "data": data})
        kind = b"application/json"
    measures.http_requests.add(method if method in measures.METHODS else measures.OTHER, str(refusal.status))
    client = scope.get("client")
    called = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
    with tracing.request(called=called) as trace:
        log.warning(
            "http.refused",
            method=method[:20],
            path=masked_path(path)[:200],
            status=refusal.status,
            address=client[0] if client else "",
            reason=refusal.message,
        )
    headers = [
        (b"content-type", kind),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        (b"x-request-id", trace.id.encode()),
        (b"connection", b"close"),
        *refusal.headers,
    ]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    shown = b"" if method == "HEAD" else body
    await send({"type": "http.response.body", "body": shown, "more_body": not is_last})
