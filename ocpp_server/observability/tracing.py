"""One id from the REST request to the station's answer.

Every HTTP request has an id, which its answer carries (`X-Request-ID`) and every line that is logged for it
(`request_id`). The first command that a request sends takes that id for its own: the OCPP message id on the
wire, `requestId` in the API, `message_id` in the logs of whichever process holds the socket.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import structlog

# Request ids that a proxy or caller may set; any other text is not repeated in our logs.
_NAME = re.compile(r"[A-Za-z0-9._:@/+=-]{1,128}")


class Trace:
    """One request. `is_used` when a command has its id."""

    __slots__ = ("id", "is_used")

    def __init__(self) -> None:
        self.id = str(uuid.uuid4())
        self.is_used = False


_current: ContextVar[Trace | None] = ContextVar("trace", default=None)


@contextmanager
def request(*, called: str = "") -> Iterator[Trace]:
    """Everything inside belongs to one request; `called` is the caller's name for it, if any."""
    trace = Trace()
    names = {"request_id": trace.id}
    if _NAME.fullmatch(called):
        names["caller_request_id"] = called
    token = _current.set(trace)
    try:
        with structlog.contextvars.bound_contextvars(**names):
            yield trace
    finally:
        _current.reset(token)


def command_id() -> str:
    """The id of a new command: the request's own for its first one."""
    trace = _current.get()
    if trace is None or trace.is_used:
        return str(uuid.uuid4())
    trace.is_used = True
    return trace.id
