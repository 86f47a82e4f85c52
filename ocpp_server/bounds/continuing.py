"""Answers that go on after Django has finished with the request, such as Server-Sent Events.

Django keeps a thread and may keep a database connection for each request until its answer ends. A view that
sends for hours therefore answers with the first bytes only and hands over a `Continuation`. It runs in the
event loop, after the middlewares and the view are done.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

Scope = dict[str, Any]
Message = dict[str, Any]
Application = Callable[[Scope, Any, Any], Awaitable[None]]

_KEY = "ocpp.continuation"


class Continuation(Protocol):
    """The rest of an answer."""

    async def run(self, scope: Scope, receive: Any, send: Any) -> None:
        """Send further `http.response.body` messages, each with `more_body`; return to end the answer."""

    def close(self) -> None:
        """Release what the view has taken. Called once, also when `run` was not."""


class _Slot:
    """The place for the continuation of one request."""

    def __init__(self) -> None:
        self.continuation: Continuation | None = None


def is_possible(request: Any) -> bool:
    """Whether the answer to this request of Django can go on: not in a test client without this module."""
    return _slot(request) is not None


def set_continuation(request: Any, continuation: Continuation) -> None:
    """Let an answer with status 200 go on, as the last thing that a view does."""
    slot = _slot(request)
    if slot is None:
        raise RuntimeError("This server cannot continue answers.")
    slot.continuation = continuation


def continuing(application: Application) -> Application:
    """Wrap an application: it may leave a continuation for each HTTP request."""

    async def serve(scope: Scope, receive: Any, send: Any) -> None:
        slot = _Slot()
        scope.setdefault("extensions", {})[_KEY] = slot
        has_started = False

        async def keep_open(message: Message) -> None:
            nonlocal has_started
            if slot.continuation is not None:
                if message["type"] == "http.response.start":
                    has_started = True
                    message = message | {"headers": _without_length(message.get("headers", ()))}
                else:
                    message = message | {"more_body": True}
            await send(message)

        try:
            await application(scope, receive, keep_open)
            if slot.continuation is not None and has_started:
                await slot.continuation.run(scope, receive, send)
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            if slot.continuation is not None:
                slot.continuation.close()

    return serve


def _without_length(headers: Any) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in headers if name.lower() != b"content-length"]


def _slot(request: Any) -> _Slot | None:
    scope: Scope = getattr(request, "scope", {})
    found: _Slot | None = scope.get("extensions", {}).get(_KEY)
    return found
