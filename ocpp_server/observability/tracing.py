"""One id from the REST request to the station's answer.

Every HTTP request has an id. It is in the answer (`X-Request-ID`) and in every log line of the request
(`request_id`). The first command that a request sends gets the same id: as OCPP message id, as `requestId` in
the API, and as `message_id` in the logs of the process that holds the socket.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import structlog

# Request ids that a proxy or caller may set. Any other text is not logged.
_NAME = re.compile(r"[A-Za-z0-9._:@/+=-]{1,128}")


class Trace:
    """One request. `is_used` is True once a command has its id."""

    __slots__ = ("id", "is_used")

    def __init__(self, id: str = "") -> None:
        self.id = id or str(uuid.uuid4())
        self.is_used = False


_current: ContextVar[Trace | None] = ContextVar("trace", default=None)


@contextmanager
def request(*, called: str = "", id: str = "") -> Iterator[Trace]:
    """Trace the code inside as one request. `called` is the id that the caller sent, if any; `id` is the one
    of a campaign's claim, which knows the id of its first command before it sends it.
    """
    trace = Trace(id)
    names = {"request_id": trace.id}
    if _NAME.fullmatch(called):
        names["caller_request_id"] = called
    token = _current.set(trace)
    try:
        with structlog.contextvars.bound_contextvars(**names):
            yield trace
    finally:
        _current.reset(token)


def request_id() -> str:
    """The id of the present request; empty outside of one."""
    trace = _current.get()
    return "" if trace is None else trace.id


def command_id() -> str:
    """The id of a new command. The first command of a request gets the id of the request."""
    trace = _current.get()
    if trace is None or trace.is_used:
        return str(uuid.uuid4())
    trace.is_used = True
    return trace.id
