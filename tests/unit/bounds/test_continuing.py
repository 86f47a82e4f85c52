"""Answers that go on after the application has finished: their messages, and what is always released."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ocpp_server.bounds import continuing
from ocpp_server.bounds.continuing import continuing as wrapped

START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"Content-Length", b"5"), (b"x", b"y")],
}
BODY = {"type": "http.response.body", "body": b"first", "more_body": False}


class Rest:
    """A continuation that sends one more part."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.fault = fault
        self.closed = 0

    async def run(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        await send({"type": "http.response.body", "body": b"second", "more_body": True})
        if self.fault is not None:
            raise self.fault

    def close(self) -> None:
        self.closed += 1


async def serve(rest: Rest | None, *, sends: bool = True, fault: Exception | None = None) -> list[Any]:
    """The messages of an answer whose view leaves this continuation."""
    sent: list[Any] = []

    async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
        request = SimpleNamespace(scope=scope)
        assert continuing.is_possible(request)
        if rest is not None:
            continuing.set_continuation(request, rest)
        if sends:
            await send(START)
            await send(BODY)
        if fault is not None:
            raise fault

    async def send(message: Any) -> None:
        sent.append(message)

    await wrapped(application)({"type": "http"}, None, send)
    return sent


async def test_an_answer_goes_on_and_has_no_length() -> None:
    rest = Rest()
    start, *bodies = await serve(rest)

    assert start == START | {"headers": [(b"x", b"y")]}
    assert [(one["body"], one["more_body"]) for one in bodies] == [
        (b"first", True),
        (b"second", True),
        (b"", False),
    ]
    assert rest.closed == 1


async def test_other_answers_are_unchanged() -> None:
    assert await serve(None) == [START, BODY]


async def test_a_continuation_is_closed_without_an_answer() -> None:
    rest = Rest()

    assert await serve(rest, sends=False) == []
    assert rest.closed == 1


async def test_a_continuation_is_closed_after_a_fault() -> None:
    for rest, fault in ((Rest(), ValueError("view")), (Rest(ValueError("stream")), None)):
        with pytest.raises(ValueError, match=r"view|stream"):
            await serve(rest, fault=fault)
        assert rest.closed == 1


def test_a_request_without_the_wrapper_cannot_go_on() -> None:
    for request in (SimpleNamespace(), SimpleNamespace(scope={"extensions": {}})):
        assert not continuing.is_possible(request)
        with pytest.raises(RuntimeError, match="cannot continue"):
            continuing.set_continuation(request, Rest())
