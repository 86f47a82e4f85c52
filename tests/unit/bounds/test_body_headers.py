"""The headers that tell whether a request has a body, and how large it is."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_server.bounds.bodies import bounded
from tests.unit.bounds.test_bodies import (
    AUTHORIZE,
    KEY,
    KIB,
    LOGIN,
    Request,
    _small_bounds,  # noqa: F401 - a fixture
    sized,
)
from tests.unit.transport.instant import skip_waits


@pytest.mark.parametrize(
    ("headers", "version", "is_open"),
    [
        ({}, "1.1", False),
        ({"content_length": "0"}, "1.1", False),
        ({"content_length": "0"}, "2", False),
        ({"content_length": "1"}, "1.1", True),
        ({"content_length": "none"}, "1.1", True),
        ({"content_length": "9" * 19}, "1.1", True),
        ({"transfer_encoding": "chunked"}, "1.1", True),
        ({"transfer_encoding": "chunked"}, "1.0", True),
        ({}, "2", True),
    ],
)
async def test_a_request_has_a_body_by_its_headers_or_its_version(
    headers: dict[str, str], version: str, is_open: bool
) -> None:
    """A request without a body is passed on although the API would withhold it."""
    request = Request(AUTHORIZE, b"x", **headers)
    request.scope["http_version"] = version

    done = await request.run()

    assert done.seen == (b"" if is_open else b"x")


@pytest.mark.parametrize(("length", "size"), [("9" * 19, int("9" * 19)), ("9" * 20, None)])
async def test_a_length_of_20_digits_is_no_length(
    monkeypatch: pytest.MonkeyPatch, length: str, size: int | None
) -> None:
    skip_waits(monkeypatch)
    request = Request(LOGIN, *[b"x" * KIB] * 11, content_length=length, **KEY)

    done = await request.run()

    assert done.status == 413
    assert (done.read_before_answer == 0) is (size is not None)


@pytest.mark.parametrize("length", [" 5", "5 "])
async def test_spaces_around_a_length_are_ignored(length: str) -> None:
    done = await Request(LOGIN, b"x" * 5, content_length=length).run()

    assert (done.status, done.seen) == (200, b"x" * 5)


@pytest.mark.parametrize("encoding", ["", "identity", " Identity "])
async def test_a_body_that_is_not_compressed_is_read(encoding: str) -> None:
    done = await sized(AUTHORIZE, 5, b"x" * 5, content_encoding=encoding, **KEY).run()

    assert (done.status, done.seen) == (200, b"x" * 5)


async def test_a_request_without_a_body_may_name_an_encoding() -> None:
    assert (await Request(LOGIN, method="GET", content_encoding="gzip").run()).status == 200


async def test_other_connections_than_those_of_http_are_passed_on() -> None:
    passed: list[Any] = []

    async def application(*given: Any) -> None:
        passed.extend(given)

    scope, receive, send = {"type": "websocket"}, object(), object()
    await bounded(application)(scope, receive, send)  # type: ignore[arg-type]

    assert passed == [scope, receive, send]
