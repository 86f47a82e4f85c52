"""The limits of connections by address, and of request lines, headers and pipelined requests."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest
import websockets

from tests.conformance.peer import fresh
from tests.servers import LiveServer
from tests.unit.bounds.test_http_bounds import (
    AUTHORIZE,
    OTHER,
    PER_ADDRESS,
    STRANGER,
    WITH_KEY,
    WITH_WRONG_KEY,
    Raw,
    server,  # noqa: F401 - a fixture
    waiting_for_body,
)

# -- headers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\n" + b"a: b\r\n" * 5_000 + b"\r\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 10_000_000,  # without an end
        b"GET /" + b"a" * 10_000_000,
    ],
    ids=["line", "header", "headers", "endless-header", "endless-line"],
)
def test_headers_beyond_64_kib_are_431(server: LiveServer, head: bytes) -> None:  # noqa: F811
    with Raw(server) as raw:
        with contextlib.suppress(ConnectionError):
            raw.send(head)
        status, _, body = raw.answer()

        assert (status, body) == (431, b"The headers of the request are larger than 64 KiB.\n")
        assert raw.is_closed()


def test_headers_of_60_kib_are_read(server: LiveServer) -> None:  # noqa: F811
    with Raw(server) as raw:
        raw.ask("GET", "/health", *(f"X-{number}: {'a' * 900}" for number in range(60)))

        assert raw.answer()[0] == 200


@pytest.mark.parametrize("trailers", [b"0\r\nX: " + b"a" * 10_000_000, b"0\r\n" + b"a: b\r\n" * 100_000])
def test_trailers_count_as_headers(server: LiveServer, trailers: bytes) -> None:  # noqa: F811
    with Raw(server) as raw:
        raw.ask("POST", AUTHORIZE, WITH_KEY, "Transfer-Encoding: chunked")
        with contextlib.suppress(ConnectionError):
            raw.send(trailers)

        assert raw.is_closed()


def test_pipelined_requests_are_bounded(server: LiveServer) -> None:  # noqa: F811
    one = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
    with Raw(server) as raw:
        raw.send(one * 10)
        said = b""
        while said.count(b"HTTP/1.1 200") < 10:
            said += raw.socket.recv(65536)
        with contextlib.suppress(ConnectionError):
            raw.send(one * 5_000)
            with contextlib.suppress(OSError):
                while raw.socket.recv(65536):
                    pass

    with Raw(server) as raw:
        raw.ask("GET", "/health")
        assert raw.answer()[0] == 200


def test_empty_lines_keep_no_connection_open(server: LiveServer) -> None:  # noqa: F811
    with Raw(server) as raw:
        raw.ask("GET", "/health")
        assert raw.answer()[0] == 200
        raw.send("\r\n")
        assert raw.is_closed()


# -- by address ----------------------------------------------------------------------------------------------


def test_a_limited_number_of_requests_of_one_address_waits_and_the_next_is_refused_at_once(
    server: LiveServer,  # noqa: F811
) -> None:
    with contextlib.ExitStack() as held:
        for _ in range(PER_ADDRESS):
            held.enter_context(waiting_for_body(server))
        refused = held.enter_context(Raw(server))
        refused.ask("POST", "/api/v1/authorize", WITH_WRONG_KEY, "Content-Length: 2")
        began = time.monotonic()
        status, headers, _ = refused.answer()
        assert (status, headers["Retry-After"]) == (429, "1")
        assert refused.is_closed()
        assert time.monotonic() - began < 1

        for source, path, header, expected in (
            (OTHER, "/admin/login/", "X: 1", 200),
            (STRANGER, "/health", "X: 1", 200),
            (STRANGER, "/api/v1/chargepoints", WITH_KEY, 200),
            ("127.0.0.1", "/admin/login/", "X: 1", 200),
        ):
            raw = held.enter_context(Raw(server, source))
            raw.ask("GET", path, header)
            assert raw.answer()[0] == expected


def test_the_forwarded_address_is_the_one_that_counts(server: LiveServer) -> None:  # noqa: F811
    def ask(client: str) -> int:
        with Raw(server, "127.0.0.1") as raw:  # the proxy
            raw.ask("GET", "/admin/login/", f"X-Forwarded-For: {client}")
            return raw.answer()[0]

    with contextlib.ExitStack() as held:
        for _ in range(PER_ADDRESS):
            raw = held.enter_context(Raw(server, "127.0.0.1"))
            raw.ask("POST", "/admin/login/", "Content-Length: 9", "X-Forwarded-For: 198.51.100.7")
        assert (ask("198.51.100.7"), ask("198.51.100.8")) == (429, 200)


async def test_silent_connections_beyond_the_limit_are_closed_soon_and_stations_are_never_counted(
    server: LiveServer,  # noqa: F811
) -> None:
    """R36: many stations share one address. The server recognises their connections by the handshake."""
    began = time.monotonic()
    silent = [await _silent(server) for _ in range(4 * PER_ADDRESS)]
    async with contextlib.AsyncExitStack() as held:
        for _ in range(4 * PER_ADDRESS):
            await held.enter_async_context(
                websockets.connect(
                    f"{server.ocpp}/{fresh()}",
                    subprotocols=[websockets.Subprotocol("ocpp1.6")],
                    local_addr=(STRANGER, 0),
                    open_timeout=60,
                )
            )
        ends = [asyncio.ensure_future(_end(reader, began)) for reader, _ in silent]
        seconds = sorted(await asyncio.gather(*ends))

    soon, late = seconds[: 3 * PER_ADDRESS], seconds[3 * PER_ADDRESS :]
    assert soon[0] > 2.5 and soon[-1] < 8
    assert late[0] > 9 and late[-1] < 30
    for _, writer in silent:
        writer.close()


async def _silent(server: LiveServer) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:  # noqa: F811
    return await asyncio.open_connection("127.0.0.1", server.port, local_addr=(STRANGER, 0))


async def _end(reader: asyncio.StreamReader, began: float) -> float:
    with contextlib.suppress(ConnectionError):
        assert await asyncio.wait_for(reader.read(), 60) == b""
    return time.monotonic() - began


def test_at_the_limit_only_connections_of_authenticated_clients_are_kept(server: LiveServer) -> None:  # noqa: F811
    with contextlib.ExitStack() as held:
        for _ in range(PER_ADDRESS):
            held.enter_context(Raw(server))
        known, stranger = held.enter_context(Raw(server)), held.enter_context(Raw(server))

        known.ask("GET", "/api/v1/chargepoints", WITH_KEY)
        known.answer()
        stranger.ask("GET", "/health")
        assert stranger.answer()[1]["Connection"] == "close"
        assert stranger.is_closed()
        known.ask("GET", "/api/v1/chargepoints", WITH_KEY)
        assert known.answer()[0] == 200
