"""The answers to requests that are refused before the application: their sentences, data and headers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from ocpp_server.bounds import refusals
from ocpp_server.bounds.refusals import Refusal
from ocpp_server.error_codes import Code
from ocpp_server.observability import measures
from tests.logged import captured_logs

MIB = 1 << 20


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (
            lambda: refusals.too_large(MIB, size=MIB + 1),
            Refusal(
                413,
                "Content too large",
                Code.BODY_TOO_LARGE,
                "The body has 1,048,577 bytes; the limit is 1 MiB (1,048,576 bytes).",
                {"limit": MIB, "size": MIB + 1},
            ),
        ),
        (
            lambda: refusals.too_large(MIB, size=None, hint="Sign in."),
            Refusal(
                413,
                "Content too large",
                Code.BODY_TOO_LARGE,
                "The body has more than 1,048,576 bytes; the limit is 1 MiB (1,048,576 bytes). Sign in.",
                {"limit": MIB, "size": None},
            ),
        ),
        (
            lambda: refusals.too_slow(2.50, received=1234),
            Refusal(
                408,
                "Request timeout",
                Code.BODY_TOO_SLOW,
                "The body did not arrive within 2.5 s; 1,234 bytes of it did.",
                {"timeout": 2.5, "received": 1234},
            ),
        ),
        (
            lambda: refusals.too_many(7),
            Refusal(
                429,
                "Too many requests",
                Code.ADDRESS_LIMITED,
                "This address has 7 requests without valid credentials in progress, which is the limit.",
                {"limit": 7},
                ((b"retry-after", b"1"),),
            ),
        ),
        (
            lambda: refusals.compressed("g" * 51),
            Refusal(
                415,
                "Unsupported media type",
                Code.UNSUPPORTED_MEDIA_TYPE,
                f"Send the body as it is: Content-Encoding '{'g' * 50}' is not supported.",
                {},
                ((b"accept-encoding", b"identity"),),
            ),
        ),
    ],
    ids=["large", "growing", "slow", "many", "compressed"],
)
def test_a_refusal_names_what_was_sent_and_what_is_allowed(
    make: Callable[[], Refusal], expected: Refusal
) -> None:
    assert make() == expected


async def sent(
    path: str = "/api/v1/x", method: str = "POST", *, is_last: bool = True, **more: Any
) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)

    scope = {"path": path, "method": method, "headers": [], "client": ("192.0.2.1", 4711)} | more
    await refusals.send(refusals.too_many(7), scope, send, is_last=is_last)
    return messages


async def test_the_api_gets_its_envelope() -> None:
    start, body = await sent()

    assert json.loads(body["body"]) == {
        "success": False,
        "message": refusals.too_many(7).message,
        "data": {"code": "address-limited", "limit": 7},
    }
    assert (start["type"], start["status"]) == ("http.response.start", 429)
    *headers, request_id, connection, retry = start["headers"]
    assert headers == [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body["body"])).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    assert request_id[0] == b"x-request-id"
    assert re.fullmatch(rb"[0-9a-f-]{36}", request_id[1])
    assert (connection, retry) == ((b"connection", b"close"), (b"retry-after", b"1"))


async def test_a_browser_gets_a_page_without_markup_of_the_request() -> None:
    messages: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)

    scope = {"path": "/admin/", "method": "POST", "headers": []}
    refusal = Refusal(415, "<No>", Code.UNSUPPORTED_MEDIA_TYPE, "<script>")
    await refusals.send(refusal, scope, send, is_last=True)

    assert dict(messages[0]["headers"])[b"content-type"] == b"text/html; charset=utf-8"
    page = messages[1]["body"].decode()
    assert page.startswith("<!doctype html>")
    assert "<title>&lt;No&gt;</title>" in page
    assert "<p>&lt;script&gt;</p>" in page


@pytest.mark.parametrize("is_last", [True, False])
async def test_the_answer_ends_unless_the_caller_ends_it(is_last: bool) -> None:
    _, body = await sent(is_last=is_last)

    assert (body["type"], body["more_body"]) == ("http.response.body", not is_last)


async def test_the_answer_to_head_has_the_length_and_no_body() -> None:
    start, body = await sent(method="HEAD")

    assert body["body"] == b""
    assert int(dict(start["headers"])[b"content-length"]) > 50


@pytest.mark.parametrize(("method", "label"), [("POST", "POST"), ("BREW", "other")])
async def test_a_refusal_is_counted_by_its_method_and_status(method: str, label: str) -> None:
    before = measures.http_requests.counts().get((label, "429"), 0)

    await sent(method=method)

    assert measures.http_requests.counts()[label, "429"] == before + 1


async def test_a_refusal_is_logged_with_the_name_that_the_caller_gave_the_request() -> None:
    with captured_logs() as lines:
        start, _ = await sent(headers=[(b"x-request-id", b"from-the-caller")])
        await sent(headers=[], client=None)

    named, nameless = [line for line in lines if line["event"] == "http.refused"]
    assert named["caller_request_id"] == "from-the-caller"
    assert named["request_id"].encode() == dict(start["headers"])[b"x-request-id"]
    assert "caller_request_id" not in nameless
    assert (named["address"], nameless["address"]) == ("192.0.2.1", "")
