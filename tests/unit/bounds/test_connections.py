"""The bounds of one HTTP connection, without sockets: its headers, its time, and its address."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from ocpp_server.bounds import per_address
from tests.unit.bounds.connected import Client
from tests.unit.transport.instant import skip_waits

GET = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
UPGRADE = b"GET /ocpp/A HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
KIB = 1024
BOUND = 64 * KIB
REFUSED = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: text/plain; charset=utf-8\r\n"
    b"connection: close\r\ncontent-length: 47\r\n\r\nThe headers of the request are larger than 64 KiB.\n"
)
CLIENT = "192.0.2.1"


@pytest.fixture(autouse=True)
def _bounds(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.HTTP_ANONYMOUS_PER_ADDRESS = 2
    settings.FORWARDED_ALLOW_IPS = "127.0.0.1"
    monkeypatch.setattr(per_address, "connections", per_address.AddressCounters())
    yield


@pytest.fixture
async def _instant(monkeypatch: pytest.MonkeyPatch) -> None:
    skip_waits(monkeypatch, only_jumps=True)


def head(size: int, *headers: bytes) -> bytes:
    """A request whose line and headers count as so many bytes: 32 for each header beside its text."""
    used = sum(len(header) - len(b": ") + 32 for header in headers)
    return b"GET /%s HTTP/1.1\r\n" % (b"a" * (size - used - 1)) + b"".join(
        header + b"\r\n" for header in (*headers, b"")
    )


# -- the size of headers -------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [(b"Host: x",), (b"Host: x", b"A: " + b"b" * 60_000), (b"A: b",) * 1900])
@pytest.mark.parametrize(("size", "answers"), [(BOUND, [200]), (BOUND + 1, [431])])
async def test_a_request_may_have_headers_of_64_kib(
    headers: tuple[bytes, ...], size: int, answers: list[int]
) -> None:
    client = Client()

    await client.sends(head(size, *headers))

    assert client.answers == answers
    assert client.is_closed is (answers == [431])


async def test_the_answer_to_larger_headers_says_so() -> None:
    client = Client()

    await client.sends(head(BOUND + 1))

    assert client.transport.written == REFUSED.replace(b"47", b"51")


async def test_each_request_of_a_connection_has_its_own_headers() -> None:
    client = Client()

    await client.sends(head(BOUND, b"A: b"), head(BOUND, b"A: b"))

    assert client.answers == [200, 200]


@pytest.mark.parametrize(("size", "answers"), [(BOUND, []), (BOUND + 1, [431])])
async def test_a_header_without_an_end_is_bounded(size: int, answers: list[int]) -> None:
    client = Client()
    await client.sends(b"GET / HTTP/1.1\r\n")

    await client.sends(b"A: " + b"b" * (KIB - 3), *[b"b" * KIB] * 62, b"b" * (size - 63 * KIB))

    assert client.answers == answers
    assert client.is_closed is bool(answers)


@pytest.mark.parametrize("before", [b"", GET, b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"])
@pytest.mark.parametrize(("size", "is_closed"), [(BOUND, False), (BOUND + 2, True)])
async def test_empty_lines_before_a_request_are_bounded(before: bytes, size: int, is_closed: bool) -> None:
    client = Client()
    if before:
        await client.sends(before)

    await client.sends(b"\r\n" * (size // 2))

    assert client.is_closed is is_closed


async def test_the_end_of_a_chunked_body_is_no_header_of_the_next_request() -> None:
    client = Client()
    await client.sends(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", b"0\r\n\r\n")

    await client.sends(b"\r\n" * (BOUND // 2))

    assert not client.is_closed


async def test_a_body_does_not_count_as_headers() -> None:
    client = Client()
    client.reads_body = True

    await client.sends(b"POST / HTTP/1.1\r\nContent-Length: 200000\r\n\r\n", *[b"x" * 50_000] * 4)

    assert client.answers == [200]
    assert client.body == b"x" * 200_000
    assert not client.is_closed


@pytest.mark.parametrize(("size", "is_closed"), [(BOUND, False), (BOUND + 1, True)])
async def test_the_line_before_a_part_of_a_body_is_bounded(size: int, is_closed: bool) -> None:
    client = Client()
    await client.sends(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"2\r\n{}\r\n")

    await client.sends(b"2;" + b"a" * (size - 2))

    assert client.is_closed is is_closed


async def test_headers_beyond_the_limit_during_an_answer_close_the_connection_without_another_one() -> None:
    client = Client()
    client.gate.clear()
    await client.sends(GET)

    await client.sends(head(BOUND + 1))

    assert (client.answers, client.is_closed) == ([], True)


@pytest.mark.parametrize("is_answered", [True, False])
async def test_what_is_no_request_is_400_unless_an_answer_is_under_way(is_answered: bool) -> None:
    client = Client()
    if not is_answered:
        client.gate.clear()
    await client.sends(GET)

    await client.sends(b"no request\r\n\r\n")

    assert client.answers == ([200, 400] if is_answered else [])
    assert client.is_closed


async def test_what_is_no_request_is_400_as_the_first_one_too() -> None:
    client = Client()

    await client.sends(b"no request\r\n\r\n")

    assert (client.answers, client.is_closed) == ([400], True)


# -- pipelined requests --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("requests", "is_closed"), [(17, False), (18, True)])
async def test_16_requests_wait_for_the_answer_to_an_earlier_one(requests: int, is_closed: bool) -> None:
    client = Client()
    client.gate.clear()

    await client.sends(*[GET] * requests)

    assert client.is_closed is is_closed


async def test_pipelined_requests_are_answered_in_turn() -> None:
    client = Client()
    client.gate.clear()
    await client.sends(*[GET] * 17)

    client.gate.set()
    for _ in range(17):
        await client.sends()

    assert client.answers == [200] * 17


async def test_a_request_in_progress_gets_the_disconnect_of_its_client() -> None:
    client = Client()
    client.reads_body = True
    await client.sends(b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n")

    client.connection.connection_lost(None)
    await client.sends()

    assert client.messages == ["http.disconnect"]


async def test_a_request_before_a_pipelined_one_gets_the_disconnect_of_its_client() -> None:
    client = Client()
    seen: list[str] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        while not seen:
            message = await receive()
            if message["type"] == "http.disconnect":
                seen.append(message["type"])

    client.connection.app = application
    await client.sends(GET, GET)

    client.connection.connection_lost(ConnectionResetError())
    await client.sends()

    assert seen == ["http.disconnect"]


async def test_an_answered_request_gets_no_disconnect() -> None:
    client = Client()
    await client.sends(GET)
    running = client.connection._running
    assert running is not None

    client.connection.connection_lost(None)

    assert not running.disconnected


# -- time ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parts", [[], [b"GET /"], [b"GET / HTTP/1.1\r\n", b"A: b\r\n"], [b"\r\n"]])
@pytest.mark.usefixtures("_instant")
async def test_headers_that_do_not_end_close_the_connection_after_ten_seconds(parts: list[bytes]) -> None:
    client = Client()

    await client.sends(*parts)

    assert await client.closed_after() == 10.1


@pytest.mark.usefixtures("_instant")
async def test_a_client_that_sends_a_byte_now_and_then_gets_no_more_time() -> None:
    client = Client()

    for byte in b"GET /abcd":
        await asyncio.sleep(1)
        await client.sends(bytes([byte]))

    assert await client.closed_after() == 10.1


@pytest.mark.usefixtures("_instant")
async def test_complete_headers_end_the_time_limit() -> None:
    client = Client()
    client.gate.clear()

    await client.sends(GET)

    assert await client.closed_after() is None


@pytest.mark.usefixtures("_instant")
async def test_headers_that_arrive_at_the_last_moment_are_read() -> None:
    client = Client()
    client.gate.clear()

    await asyncio.sleep(10.05)
    await client.sends(GET)

    assert await client.closed_after() is None


@pytest.mark.parametrize("part", [b"\r\n", b"GET"])
@pytest.mark.usefixtures("_instant")
async def test_the_next_request_has_ten_seconds_for_its_headers(part: bytes) -> None:
    client = Client()
    await client.sends(GET)

    await asyncio.sleep(20)
    await client.sends(part)

    assert await client.closed_after() == 30.1


@pytest.mark.usefixtures("_instant")
async def test_a_request_that_waits_for_an_answer_has_no_time_limit_when_more_arrives() -> None:
    client = Client()
    client.gate.clear()
    await client.sends(b"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\n", b"12")

    await client.sends(b"34")

    assert await client.closed_after() is None


@pytest.mark.usefixtures("_instant")
async def test_a_pipelined_request_has_ten_seconds_for_its_headers() -> None:
    client = Client()
    client.gate.clear()
    await client.sends(GET)

    await client.sends(b"GET / HTTP/1.1\r\n")

    assert await client.closed_after() == 10.1


@pytest.mark.usefixtures("_instant")
async def test_a_connection_that_was_closed_in_time_can_be_lost() -> None:
    client = Client()
    assert await client.closed_after() == 10.1

    client.connection.connection_lost(None)

    assert client.connection not in client.connection.connections


@pytest.mark.usefixtures("_instant")
async def test_a_lost_connection_has_no_time_limit() -> None:
    client = Client()

    client.connection.connection_lost(ConnectionResetError())

    assert await client.closed_after() is None


@pytest.mark.parametrize(("limit", "others", "seconds"), [(2, 1, 10.1), (2, 2, 3.1), (0, 9, 10.1)])
@pytest.mark.usefixtures("_instant")
async def test_connections_beyond_the_limit_of_their_address_have_three_seconds(
    settings: Any, limit: int, others: int, seconds: float
) -> None:
    settings.HTTP_ANONYMOUS_PER_ADDRESS = limit
    others = [Client() for _ in range(others)]  # type: ignore[assignment]

    client = Client()

    assert await client.closed_after() == seconds


# -- addresses -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("address", "count"), [(CLIENT, 1), ("127.0.0.1", 0), (None, 0)])
async def test_a_connection_counts_for_its_address_unless_it_is_of_a_proxy(
    address: str | None, count: int
) -> None:
    client = Client(address)

    assert per_address.connections.count(address or "") == count
    assert not client.connection.is_over_limit
    client.connection.connection_lost(None)
    assert per_address.connections.count(address or "") == 0


async def test_a_connection_with_valid_credentials_counts_no_longer_and_is_never_over_the_limit() -> None:
    _others, client = [Client() for _ in range(3)], Client()
    assert client.connection.is_over_limit

    client.connection.mark_authenticated()
    client.connection.mark_authenticated()

    assert per_address.connections.count(CLIENT) == 3
    assert not client.connection.is_over_limit


async def test_each_request_knows_its_connection() -> None:
    client = Client()

    await client.sends(GET)

    assert client.scopes[0]["extensions"] == {"ocpp.connection": client.connection}


@pytest.mark.usefixtures("_instant")
async def test_the_connection_of_a_station_counts_no_longer_and_has_no_time_limit() -> None:
    client = Client()

    await client.sends(UPGRADE)

    assert per_address.connections.count(CLIENT) == 0
    assert client.transport.protocol.received.startswith(b"GET /ocpp/A HTTP/1.1\r\n")
    assert await client.closed_after() is None
