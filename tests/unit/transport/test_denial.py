"""The response to a refused handshake: its status and headers, and what of it is stored and counted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from ocpp_server.observability import measures
from ocpp_server.observability.measures import Tally
from ocpp_server.protocol.dispatch import StorageUnavailable
from ocpp_server.transport.handshake import admission, denial
from ocpp_server.transport.handshake.admission import Handshake, Refusal
from ocpp_server.transport.handshake.per_minute import PerMinute
from tests.logged import captured_logs
from tests.unit.transport.handshakes import handshake

WITH_STATUS = {"extensions": {"websocket.http.response": {}}}


@pytest.fixture(autouse=True)
def stored(monkeypatch: pytest.MonkeyPatch) -> list[Refusal]:
    """The refusals that were stored."""
    found: list[Refusal] = []

    async def record(handshake: Handshake, refusal: Refusal) -> None:
        found.append(refusal)

    monkeypatch.setattr(admission, "record", record)
    monkeypatch.setattr(denial, "_recorded", PerMinute())
    monkeypatch.setattr(measures, "handshakes", Tally("status"))
    monkeypatch.setattr(measures, "authentication_failures", Tally("type"))
    return found


async def sent_by(answer: Callable[[Any], Awaitable[None]]) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)

    await answer(send)
    return messages


@pytest.mark.parametrize(
    ("status", "body", "more"),
    [
        (400, b"Bad request", {}),
        (401, b"Unauthorized", {b"www-authenticate": b'Basic realm="OCPP"'}),
        (403, b"Forbidden", {}),
        (404, b"Not found", {}),
        (429, b"Too many attempts", {b"retry-after": b"60"}),
        (503, b"Try again later", {b"retry-after": b"10"}),
    ],
)
async def test_a_station_gets_the_status_and_when_to_come_again(
    stored: list[Refusal], status: int, body: bytes, more: dict[bytes, bytes]
) -> None:
    refusal = Refusal(status, "The reason is for the operator.")

    start, end = await sent_by(lambda send: denial.refuse(WITH_STATUS, send, handshake(), refusal))

    headers = {b"content-type": b"text/plain", b"content-length": str(len(body)).encode(), **more}
    assert (start["type"], start["status"]) == ("websocket.http.response.start", status)
    assert dict(start["headers"]) == headers and len(start["headers"]) == len(headers)
    assert end == {"type": "websocket.http.response.body", "body": body}
    assert stored == [refusal]
    assert measures.handshakes.counts() == {(str(status),): 1}


@pytest.mark.parametrize("scope", [{}, {"extensions": {}}])
async def test_a_server_without_the_extension_closes_and_answers_403_itself(scope: dict[str, Any]) -> None:
    assert await sent_by(lambda send: denial.deny(scope, send, 401)) == [{"type": "websocket.close"}]

    assert measures.handshakes.counts() == {("401",): 1}


async def test_a_station_without_a_common_version_is_accepted_and_closed(stored: list[Refusal]) -> None:
    refusal = Refusal(101, "x" * 500)

    messages = await sent_by(lambda send: denial.refuse(WITH_STATUS, send, handshake(), refusal))

    assert messages == [
        {"type": "websocket.accept"},
        {"type": "websocket.close", "code": 1002, "reason": "x" * 120},
    ]
    assert stored == [refusal]
    assert measures.handshakes.counts() == {("no-subprotocol",): 1}


async def test_a_security_refusal_is_counted_even_when_it_is_not_stored(stored: list[Refusal]) -> None:
    for refusal in (
        Refusal(429, "R", security="TooMany", is_repeated=True),
        Refusal(401, "R", security="Failed"),
        Refusal(404, "R"),
    ):
        await denial.record(handshake(), refusal)

    assert measures.authentication_failures.counts() == {("TooMany",): 1, ("Failed",): 1}
    assert [refusal.status for refusal in stored] == [401, 404]


async def test_of_one_address_and_status_120_refusals_a_minute_are_stored(stored: list[Refusal]) -> None:
    for _ in range(125):
        await denial.record(handshake(), Refusal(404, "R", security="Type"))
    assert len(stored) == 120

    await denial.record(handshake(), Refusal(401, "R"))
    await denial.record(handshake(address="192.0.2.2"), Refusal(404, "R"))
    assert len(stored) == 122
    assert measures.authentication_failures.counts() == {("Type",): 125}


async def test_the_log_says_once_that_further_refusals_of_an_address_are_not_stored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(denial, "MAX_RECORDED", 2)

    with captured_logs() as lines:
        for number in range(5):
            await denial.record(handshake(), Refusal(404, "R"))
            assert len(lines) == min(number + 1, 3)

    assert [line["event"] for line in lines] == ["station.refused"] * 2 + ["station.refusals_unrecorded"]


async def test_the_addresses_of_one_IPv6_network_share_the_limit(
    monkeypatch: pytest.MonkeyPatch, stored: list[Refusal]
) -> None:
    monkeypatch.setattr(denial, "MAX_RECORDED", 1)
    for address in ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"):
        await denial.record(handshake(address=address), Refusal(404, "R"))

    assert len(stored) == 2


async def test_a_refusal_is_answered_while_the_database_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    async def record(handshake: Handshake, refusal: Refusal) -> None:
        raise StorageUnavailable

    monkeypatch.setattr(admission, "record", record)

    start, _ = await sent_by(lambda send: denial.refuse(WITH_STATUS, send, handshake(), Refusal(404, "R")))

    assert start["status"] == 404
