"""ASGI middleware that bounds the bodies of HTTP requests, before anything stores or parses them.

1. A request is refused (429) when its client address has too many requests without valid credentials in
   progress.
2. A body that is compressed (415), or whose Content-Length is too large (413), is refused unread.
3. Other bodies are counted and timed while the application reads them; 413 and 408 end them in the middle.
   A body of `streams` has no bound here but the time between two parts of it.
4. When the answer is sent before the body is complete, the connection is closed. Otherwise the rest of the
   body would be read without a bound.

This must be a middleware: Django writes a body to disk before a view runs.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, Final

from django.conf import settings

from ocpp_server.bounds import callers, per_address, refusals, streams, uploads
from ocpp_server.bounds.refusals import Refusal
from ocpp_server.credentials import Role

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Any, Any], Awaitable[None]]

# After an early answer, data is read and discarded for this long and up to this size. A socket that is closed
# with unread bytes is reset, and the client may not receive the answer with the reason.
LINGER_S: Final = 2.0
LINGER_BYTES: Final = 4 << 20
# HTTP_BODY_TIMEOUT is the time limit for this many bytes.
_PER_BYTES: Final = 1 << 20
# Paths that are always answered: an orchestrator restarts a process that does not answer probes.
_PROBES: Final = frozenset({"/health", "/health/ready"})


def bounded(application: Application) -> Application:
    """Wrap an application with bounds for its HTTP requests. Other scopes are passed on unchanged."""

    async def within_bounds(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await application(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send)
        try:
            await exchange.run(application)
        finally:
            exchange.leave()

    return within_bounds


class _Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._loop = asyncio.get_running_loop()
        headers = scope["headers"]
        self._size = _content_length(headers)
        self._encoding = _text(headers, b"content-encoding").strip().lower()
        self._credentials = callers.offered(scope)
        self._slot: per_address.Slot | None = None
        # Whether the credentials were verified less than half a minute ago, or by the application.
        self._is_known = callers.is_remembered(self._credentials)
        self._limit: int = settings.HTTP_MAX_BODY
        # Whether the application bounds the body: then the time limit begins again with each part.
        self._is_streamed = streams.application_of(scope) is not None
        self._upload = uploads.upload_of(scope)
        self._started_at = self._loop.time()
        self._received = 0
        # Whether more of the body is expected.
        self._is_open = self._size != 0 if self._size is not None else _has_unmeasured_body(scope)
        # Whether the application gets an empty body and the real one is not read.
        self._is_withheld = False
        self._is_handed_over = False
        self._has_started = False
        self._refusal: Refusal | None = None
        self._tail: Message | None = None

    # -- before the body ---------------------------------------------------------------------------------

    async def run(self, application: Application) -> None:
        refusal = await self._refusal_before_body()
        if refusal is not None:
            await self._refuse(refusal)
            return
        await application(self._scope, self.receive, self.send)
        if self._refusal is not None and not self._has_started:
            await self._refuse(self._refusal)
        elif self._tail is not None:
            await self._linger()
            await self._send(self._tail)

    def mark_authenticated(self) -> None:
        """Stop counting this request, because its credentials are valid. Thread-safe."""
        self._is_known = True
        self.leave()

    def leave(self) -> None:
        if self._slot is not None:
            self._slot.free()

    async def _refusal_before_body(self) -> Refusal | None:
        """The refusal of a request before its body is read; None for a request that is not refused."""
        refusal = await self._count_request()
        if refusal is not None or not self._is_open or self._is_streamed:
            return refusal
        if self._encoding not in ("", "identity"):
            return refusals.compressed(self._encoding)
        await self._measure()
        if self._is_withheld or self._size is None or self._size <= self._limit:
            return None
        return refusals.too_large(self._limit, size=self._size, hint=self._hint())

    async def _count_request(self) -> Refusal | None:
        """Count the request for its address, unless its credentials are known to be valid."""
        address = per_address.client_of(self._scope)
        extensions: dict[str, Any] = self._scope.setdefault("extensions", {})
        extensions["ocpp.authenticated"] = self.mark_authenticated
        if not address or self._is_known or self._scope["path"] in _PROBES:
            return None
        if per_address.requests.is_full(address):
            self._is_known = await self._is_valid(address)
            return None if self._is_known else refusals.too_many(settings.HTTP_ANONYMOUS_PER_ADDRESS)
        self._slot = per_address.Slot(per_address.requests, address)
        return None

    async def _is_valid(self, address: str) -> bool:
        """Whether the credentials are valid. The number of lookups at once is limited for each address."""
        if self._credentials is None or per_address.lookups.is_full(address):
            return False
        slot = per_address.Slot(per_address.lookups, address)
        try:
            return await callers.are_valid(self._credentials)
        finally:
            slot.free()

    async def _measure(self) -> None:
        """Decide how much of the body may be read. Only a caller with valid credentials may upload a file."""
        if self._scope["path"] in _PROBES or (_is_api(self._scope) and self._credentials is None):
            # No code needs the body: neither a probe nor the refusal of a caller without credentials.
            self._is_withheld = True
        elif self._upload is not None and (self._size is None or self._size > self._limit):
            if await callers.are_valid(self._credentials, self._upload.role):
                self._limit = max(self._limit, self._upload.max_body)
            elif _is_api(self._scope):
                self._is_withheld = True  # the API refuses these credentials itself, and records it

    def _hint(self) -> str:
        upload = self._upload
        if upload is None or self._limit >= upload.max_body:
            return ""
        caller = "" if upload.role == Role.VIEWER else f" as {upload.role}"
        return f"Sign in{caller} to upload up to {uploads.in_words(upload.max_file)}."

    # -- the body ----------------------------------------------------------------------------------------

    async def receive(self) -> Message:
        """The application's `receive`. For a body beyond its bounds it reports that the client
        disconnected.
        """
        if self._is_withheld:
            return await self._nothing()
        if not self._is_open:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._deadline()):
                message = await self._receive()
        except TimeoutError:
            return self._give_up(refusals.too_slow(settings.HTTP_BODY_TIMEOUT, received=self._received))
        if message["type"] != "http.request":
            return message
        self._received += len(message.get("body", b""))
        if self._is_streamed:
            self._started_at = self._loop.time()
        elif self._received > self._limit:
            return self._give_up(refusals.too_large(self._limit, size=None, hint=self._hint()))
        self._is_open = message.get("more_body", False)
        return message

    def _deadline(self) -> float:
        parts = 1 if self._is_streamed else 1 + self._received // _PER_BYTES
        return self._started_at + parts * float(settings.HTTP_BODY_TIMEOUT)

    def _give_up(self, refusal: Refusal) -> Message:
        self._refusal = refusal
        return {"type": "http.disconnect"}

    async def _nothing(self) -> Message:
        if self._is_handed_over:
            # A disconnect of the client is not detected here; the answer comes too soon for that to matter.
            await asyncio.Event().wait()
        self._is_handed_over = True
        return {"type": "http.request", "body": b"", "more_body": False}

    # -- the answer --------------------------------------------------------------------------------------

    async def send(self, message: Message) -> None:
        """The application's `send`. Closes the connection if the body was not read to its end."""
        if message["type"] == "http.response.start":
            if self._refusal is not None:
                return
            self._has_started = True
            if self._closes():
                message = message | {"headers": [*message.get("headers", ()), (b"connection", b"close")]}
        elif not self._has_started:
            return
        elif self._is_open and not message.get("more_body", False):
            self._tail = {"type": "http.response.body", "body": b"", "more_body": False}
            message = message | {"more_body": True}
        await self._send(message)

    def _closes(self) -> bool:
        """Whether the connection closes after this answer."""
        if self._scope["http_version"].startswith("2"):
            return False  # HTTP/2 has no such header
        connection = self._scope["extensions"].get("ocpp.connection")
        if connection is not None and self._is_known:
            connection.mark_authenticated()
        return self._is_open or (connection is not None and connection.is_over_limit)

    async def _refuse(self, refusal: Refusal) -> None:
        # An address with too many requests does not get the time to read the answer.
        lingers = self._is_open and refusal.status != 429
        await refusals.send(refusal, self._scope, self._send, is_last=not lingers)
        if lingers:
            await self._linger()
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _linger(self) -> None:
        """Read and discard, for LINGER_S, the data that the client still sends."""
        left = LINGER_BYTES
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER_S):
                while left > 0:
                    message = await self._receive()
                    if message["type"] != "http.request" or not message.get("more_body", False):
                        return
                    left -= len(message.get("body", b""))


def _is_api(scope: Scope) -> bool:
    path: str = scope["path"]
    return path.startswith("/api/")


def _text(headers: list[tuple[bytes, bytes]], wanted: bytes) -> str:
    return next((value.decode("latin-1") for name, value in headers if name == wanted), "")


def _has_unmeasured_body(scope: Scope) -> bool:
    """Whether a request without a readable length may have a body: a chunked one, or of HTTP/2."""
    names = {name for name, _ in scope["headers"]}
    is_http_1 = scope["http_version"].startswith("1")
    return not is_http_1 or not names.isdisjoint((b"transfer-encoding", b"content-length"))


def _content_length(headers: list[tuple[bytes, bytes]]) -> int | None:
    """The Content-Length of the request; None where it is missing or not a number."""
    text = _text(headers, b"content-length").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None
