"""Requests that are answered before their body is complete, and bodies that are withheld from it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from ocpp_server.bounds import bodies, callers
from ocpp_server.bounds.bodies import LINGER_S, bounded
from tests.unit.bounds.test_bodies import (
    AUTHORIZE,
    KEY,
    KIB,
    LOGIN,
    Request,
    _small_bounds,  # noqa: F401 - a fixture
    chunked,
    sized,
)
from tests.unit.transport.instant import skip_waits

START = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]}

MIB = 1 << 20
END = {"type": "http.response.body", "body": b"", "more_body": False}


def answering(request: Request, *parts: bytes) -> Request:
    """Let the application answer with these parts, without a look at the body."""

    async def application(_scope: Any, _receive: Any, send: Any) -> None:
        await send(START)
        for number, part in enumerate(parts, 1):
            more = {"more_body": True} if number < len(parts) else {}
            await send({"type": "http.response.body", "body": part} | more)

    request.application = application  # type: ignore[method-assign]
    return request


def bodies_of(request: Request) -> list[tuple[bytes, bool]]:
    return [(message["body"], message.get("more_body", False)) for message in request.sent[1:]]


async def test_an_early_answer_ends_after_the_rest_of_the_body_was_read_and_closes_the_connection() -> None:
    done = await answering(sized(AUTHORIZE, 5 * KIB, *[b"x" * KIB] * 5, **KEY), b"ab", b"cd").run()

    assert done.sent[0]["headers"] == [(b"content-length", b"4"), (b"connection", b"close")]
    assert bodies_of(done) == [(b"ab", True), (b"cd", True), (b"", False)]
    assert done.sent[-1] == END
    assert (done.read_before_answer, done.read) == (0, 5 * KIB)


async def test_an_answer_after_the_body_is_sent_as_it_is() -> None:
    done = await answering(Request(LOGIN, method="GET"), b"ab", b"cd").run()

    assert done.sent[0] == START
    assert bodies_of(done) == [(b"ab", True), (b"cd", False)]
    assert done.read == 0


async def test_an_application_that_answers_nothing_is_left_to_the_server() -> None:
    request = sized(AUTHORIZE, 5, b"x" * 5, **KEY)

    async def application(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.body", "body": b"without a start"})

    request.application = application  # type: ignore[method-assign]

    assert (await request.run()).sent == []


async def test_an_answer_that_the_application_leaves_unfinished_is_not_finished_here() -> None:
    """The server closes its connection, so that the client notices."""
    request = sized(AUTHORIZE, 5, b"x" * 5, **KEY)
    part = {"type": "http.response.body", "body": b"half", "more_body": True}

    async def application(_scope: Any, _receive: Any, send: Any) -> None:
        await send(START)
        await send(part)

    request.application = application  # type: ignore[method-assign]

    assert (await request.run()).sent[1:] == [part]


async def test_a_body_that_grows_too_large_during_the_answer_is_not_answered_again() -> None:
    request = chunked(AUTHORIZE, *[b"x" * KIB] * 20, **KEY)
    seen: list[str] = []

    async def application(_scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        while (message := await receive())["type"] == "http.request":
            assert message["more_body"]
        seen.append(message["type"])
        await send({"type": "http.response.body", "body": b"done"})

    request.application = application  # type: ignore[method-assign]

    done = await request.run()

    assert seen == ["http.disconnect"]
    assert done.status == 200
    assert bodies_of(done) == [(b"done", True), (b"", False)]


async def test_the_answer_to_a_refused_body_ends_after_the_rest_of_it_was_read() -> None:
    done = await sized(AUTHORIZE, 11 * KIB, *[b"x" * KIB] * 11, **KEY).run()

    assert [message.get("more_body") for message in done.sent] == [None, True, False]
    assert done.sent[-1] == END


async def test_an_application_that_answers_a_refused_body_is_overruled() -> None:
    request = chunked(AUTHORIZE, *[b"x" * KIB] * 20, **KEY)

    async def application(_scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["type"] == "http.request":
            pass
        await send(START)
        await send({"type": "http.response.body", "body": b"done"})

    request.application = application  # type: ignore[method-assign]

    done = await request.run()

    assert done.status == 413
    assert b"done" not in done.body


async def test_the_end_of_the_client_reaches_the_application() -> None:
    request = sized(AUTHORIZE, 5, **KEY)
    seen: list[Any] = []

    async def gone() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def application(_scope: Any, receive: Any, _send: Any) -> None:
        seen.append(await receive())

    request.application, request.receive = application, gone  # type: ignore[method-assign]

    await request.run()

    assert seen == [{"type": "http.disconnect"}]


async def test_a_message_of_the_server_without_a_mark_is_the_last_one() -> None:
    request = sized(AUTHORIZE, 2, **KEY)

    async def whole() -> dict[str, Any]:
        return {"type": "http.request", "body": b"{}"}

    async def application(_scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["body"] == b"{}"
        await send(START)
        await send({"type": "http.response.body", "body": b"done"})

    request.application, request.receive = application, whole  # type: ignore[method-assign]

    done = await request.run()

    assert done.sent[0] == START
    assert bodies_of(done) == [(b"done", False)]


async def test_a_message_of_the_server_may_have_no_body() -> None:
    request = chunked(AUTHORIZE, **KEY)

    async def nothing() -> dict[str, Any]:
        return {"type": "http.request", "more_body": False}

    async def application(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(START)

    request.application, request.receive = application, nothing  # type: ignore[method-assign]

    assert (await request.run()).sent == [START]


# -- withheld ------------------------------------------------------------------------------------------------


async def test_a_withheld_body_is_an_empty_one_and_nothing_follows_it() -> None:
    request = sized(AUTHORIZE, 5, b"x" * 5)
    seen: list[Any] = []

    async def application(_scope: Any, receive: Any, send: Any) -> None:
        seen.append(await receive())
        second = asyncio.ensure_future(receive())
        for _ in range(5):
            await asyncio.sleep(0)
        seen.append(second.done())
        second.cancel()

    request.application = application  # type: ignore[method-assign]

    await request.run()

    assert seen == [{"type": "http.request", "body": b"", "more_body": False}, False]


@pytest.mark.parametrize(("path", "is_withheld"), [("/health", True), ("/api/v1/x", True), (LOGIN, False)])
async def test_bodies_without_credentials_are_withheld_from_probes_and_the_api(
    path: str, is_withheld: bool
) -> None:
    done = await sized(path, 5, b"x" * 5).run()

    assert done.seen == (b"" if is_withheld else b"x" * 5)


# -- the connection ------------------------------------------------------------------------------------------


class Connection(SimpleNamespace):
    is_over_limit = False
    is_marked = False

    def mark_authenticated(self) -> None:
        self.is_marked = True


@pytest.mark.parametrize(
    ("is_over_limit", "version", "is_closed"),
    [(False, "1.1", False), (True, "1.1", True), (True, "2", False)],
)
async def test_a_connection_beyond_the_limit_of_its_address_is_closed_by_its_answer(
    is_over_limit: bool, version: str, is_closed: bool
) -> None:
    request = Request(LOGIN, method="GET", content_length="0")
    request.scope["http_version"] = version
    request.scope["extensions"] = {"ocpp.connection": Connection(is_over_limit=is_over_limit)}

    done = await request.run()

    assert ("connection" in done.headers) is is_closed


@pytest.mark.parametrize("is_known", [True, False])
async def test_a_connection_is_marked_when_the_application_has_authenticated_its_request(
    is_known: bool,
) -> None:
    request = Request(LOGIN, method="GET")
    connection = Connection()
    request.scope["extensions"] = {"ocpp.connection": connection}

    async def application(scope: Any, _receive: Any, send: Any) -> None:
        if is_known:
            scope["extensions"]["ocpp.authenticated"]()
        await send(START)

    request.application = application  # type: ignore[method-assign]

    await request.run()

    assert connection.is_marked is is_known


async def test_a_connection_is_marked_when_its_credentials_are_remembered() -> None:
    connection = Connection()
    request = Request(AUTHORIZE, method="GET", **KEY)
    request.scope["extensions"] = {"ocpp.connection": connection}
    callers.mark_authenticated(SimpleNamespace(scope={"headers": request.scope["headers"]}))  # type: ignore[arg-type]

    await request.run()

    assert connection.is_marked


# -- how long the server listens after an early answer -------------------------------------------------------


@pytest.fixture
def _default_bounds(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.setattr(bodies, "LINGER_S", LINGER_S)
    settings.HTTP_MAX_BODY = 10 << 20


@pytest.mark.usefixtures("_default_bounds")
async def test_after_an_early_answer_the_server_listens_for_two_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop = skip_waits(monkeypatch, only_jumps=True)
    request = answering(sized(AUTHORIZE, 5, **KEY), b"done")
    request.ends_after_parts = False
    began = loop.time()

    await request.run()

    assert loop.time() - began == pytest.approx(2.0)


@pytest.mark.usefixtures("_default_bounds")
@pytest.mark.parametrize("first", [MIB, MIB - 1])
async def test_after_an_early_answer_the_server_discards_4_mib(first: int) -> None:
    parts = [b"x" * first, *[b"x" * MIB] * 3]
    rest = [b"x"] * 2

    read = (await answering(chunked(AUTHORIZE, *parts, *rest, **KEY), b"done").run()).read

    assert read == 4 * MIB


@pytest.mark.usefixtures("_default_bounds")
async def test_the_end_of_the_body_ends_an_early_answer_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = skip_waits(monkeypatch, only_jumps=True)
    began = loop.time()

    await answering(sized(AUTHORIZE, 5, b"x" * 5, **KEY), b"done").run()

    assert loop.time() == began


@pytest.mark.parametrize(
    "last", [{"type": "http.disconnect"}, {"type": "http.request", "body": b"x"}, {"type": "http.request"}]
)
async def test_after_an_early_answer_the_last_message_of_the_client_is_the_end(last: dict[str, Any]) -> None:
    request = answering(sized(AUTHORIZE, 5, **KEY), b"done")
    asked = 0

    async def ending() -> dict[str, Any]:
        nonlocal asked
        asked += 1
        return last

    request.receive = ending  # type: ignore[method-assign]

    await request.run()

    assert asked == 1


@pytest.mark.usefixtures("_default_bounds")
@pytest.mark.parametrize(("size", "seconds"), [(0, 5), ((1 << 20) - 1, 5), (1 << 20, 10), (3 << 20, 20)])
async def test_each_mib_of_a_body_has_its_time(
    monkeypatch: pytest.MonkeyPatch, size: int, seconds: int
) -> None:
    loop = skip_waits(monkeypatch, only_jumps=True)
    request = chunked(AUTHORIZE, *([b"x" * size] if size else []), **KEY)
    request.ends_after_parts = False
    began = loop.time()
    ended: list[float] = []

    async def application(_scope: Any, receive: Any, _send: Any) -> None:
        while (await receive())["type"] == "http.request":
            pass
        ended.append(loop.time() - began)

    request.application = application  # type: ignore[method-assign]
    request.scope["headers"] += [(b"content-encoding", b"identity")]

    await asyncio.wait_for(bounded(request.application)(request.scope, request.receive, request.send), 100)

    assert ended == [pytest.approx(seconds)]
    assert request.sent[0]["status"] == 408
