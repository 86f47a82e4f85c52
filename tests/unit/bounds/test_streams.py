"""Bodies that an app bounds itself: `bodies` bounds only the time between two parts of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from ocpp_server.bounds import bodies, per_address, streams
from ocpp_server.bounds.bodies import bounded


@pytest.fixture(autouse=True)
def _own_paths(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.HTTP_MAX_BODY, settings.HTTP_BODY_TIMEOUT, settings.HTTP_ANONYMOUS_PER_ADDRESS = 10, 0.1, 1
    settings.FORWARDED_ALLOW_IPS = ""
    monkeypatch.setattr(bodies, "LINGER_S", 0.01)
    monkeypatch.setattr(streams, "_applications", {})
    streams.register("/files/", application)
    yield
    assert per_address.requests._taken == {}


async def application(scope: Any, receive: Any, send: Any) -> None:
    size = 0
    while (message := await receive())["type"] == "http.request":
        size += len(message["body"])
        if not message["more_body"]:
            break
    else:
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"%d" % size})


def a_scope(path: str, **headers: str) -> dict[str, Any]:
    names = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "PUT",
        "path": path,
        "headers": names,
        "client": ("192.0.2.1", 4711),
    }


async def sent(path: str, parts: list[bytes], *, pause_s: float = 0.0, **headers: str) -> list[Any]:
    """The messages that answer a body of these parts; it never ends if the last one is not empty."""
    found: list[Any] = []
    left = list(parts)

    async def receive() -> dict[str, Any]:
        if not left:
            await asyncio.Event().wait()
        await asyncio.sleep(pause_s)
        part = left.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(part)}

    async def send(message: Any) -> None:
        found.append(message)

    await bounded(application)(a_scope(path, **headers), receive, send)
    return found


async def test_a_streamed_body_may_be_large_compressed_and_slow() -> None:
    start, body = await sent(
        "/files/7/x", [b"x" * 50] * 4 + [b""], pause_s=0.04, content_length="200", content_encoding="gzip"
    )

    assert (start["status"], body["body"]) == (200, b"200")


async def test_a_streamed_body_that_stops_is_given_up() -> None:
    start, *_ = await sent("/files/7/x", [b"x"], content_length="200")

    assert start["status"] == 408


async def test_other_bodies_keep_their_bounds() -> None:
    start, *_ = await sent("/files", [b"x" * 50, b""], content_length="50")

    assert start["status"] == 413


@pytest.mark.parametrize(
    ("path", "root", "is_streamed"),
    [
        ("/files/1", "", True),
        ("/csms/files/1", "/csms", True),
        ("/files", "", False),
        ("/x/files/", "", False),
    ],
)
def test_the_paths_of_an_app_begin_with_its_prefix(path: str, root: str, is_streamed: bool) -> None:
    found = streams.application_of({"path": path, "root_path": root})

    assert found is (application if is_streamed else None)
