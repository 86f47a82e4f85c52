"""The limits of HTTP on real sockets: stations are still served; memory and disk use do not grow."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import io
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.peer import station
from tests.servers import API_KEY, LiveServer

MIB = 1 << 20
AUTHORIZE, IMPORT, LOGIN = "/api/v1/authorize", "/api/v1/tokens/import", "/admin/login/"
# The server trusts 127.0.0.1 as a proxy and does not count it; it counts the clients of this address.
STRANGER, OTHER = "127.0.0.2", "127.0.0.3"
BODY_TIMEOUT_S, PER_ADDRESS = 1, 5
WITH_KEY = f"Authorization: Api-Key {API_KEY}"
WITH_WRONG_KEY = "Authorization: Api-Key ocs_of_nobody_at_all"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> Iterator[LiveServer]:
    """A server with short timeouts. It must end without a traceback in its log."""
    folder = tmp_path_factory.mktemp("bounds")
    (folder / "tmp").mkdir()
    live = LiveServer(
        folder,
        template=migrated_database,
        HTTP_BODY_TIMEOUT=f"{BODY_TIMEOUT_S}s",
        HTTP_ANONYMOUS_PER_ADDRESS=str(PER_ADDRESS),
        TMPDIR=str(folder / "tmp"),
    ).start()
    yield live
    assert live.stop() == 0
    assert "Traceback" not in live.log.read_text("utf-8", "replace")


class Raw:
    """A socket to the server on which a test sends bytes that no client library would send."""

    def __init__(self, server: LiveServer, source: str = STRANGER) -> None:
        self.socket = socket.create_connection(
            ("127.0.0.1", server.port), timeout=60, source_address=(source, 0)
        )

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, text: str | bytes) -> None:
        self.socket.sendall(text.encode() if isinstance(text, str) else text)

    def ask(self, method: str, path: str, *headers: str) -> None:
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *headers, "", ""]
        self.send("\r\n".join(lines))

    def answer(self) -> tuple[int, http.client.HTTPMessage, bytes]:
        response = http.client.HTTPResponse(self.socket)
        response.begin()
        return response.status, response.headers, response.read()

    def is_closed(self) -> bool:
        """Wait for the end of the connection; False when the server sends more."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True


def waiting_for_body(server: LiveServer, source: str = STRANGER) -> Raw:
    """A request in progress: its headers are there, its body is not."""
    raw = Raw(server, source)
    raw.ask("POST", LOGIN, "Content-Length: 100")
    return raw


def resident_mib(server: LiveServer) -> float:
    """The peak resident memory of the process."""
    assert server.process is not None
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


# -- size ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        (AUTHORIZE, [WITH_KEY], 413),
        (AUTHORIZE, [WITH_WRONG_KEY], 413),
        (AUTHORIZE, [], 401),
        (IMPORT, ["Content-Type: multipart/form-data; boundary=x"], 401),
        (IMPORT, ["Content-Type: multipart/form-data; boundary=x", WITH_WRONG_KEY], 401),
        (IMPORT, ["Content-Type: multipart/form-data; boundary=x", WITH_KEY], 413),
        ("/api/v1/nowhere", [], 404),
        ("/clients", [], 413),
        (LOGIN, [], 413),
        ("/admin/accounts/token/import/", [], 413),
        ("/", [], 413),
    ],
)
@pytest.mark.parametrize("more", [[], ["Expect: 100-continue"]])
def test_300_mib_are_refused_before_a_byte_of_them_is_sent(
    server: LiveServer, path: str, headers: list[str], status: int, more: list[str]
) -> None:
    with Raw(server) as raw:
        raw.ask("POST", path, f"Content-Length: {300 * MIB}", *headers, *more)
        found, said, body = raw.answer()

        assert found == status
        raw.socket.shutdown(socket.SHUT_WR)
        assert raw.is_closed()
    if path.startswith("/admin/"):
        assert said["Content-Type"].startswith("text/html") and b"314,572,800 bytes" in body
    else:
        answer = json.loads(body)
        assert set(answer) == {"success", "message", "data"} and not answer["success"]
        assert status != 413 or "314,572,800 bytes" in answer["message"]


def test_the_connection_of_a_body_that_does_not_arrive_is_closed(server: LiveServer) -> None:
    with Raw(server) as raw:
        raw.ask("POST", AUTHORIZE, f"Content-Length: {300 * MIB}", WITH_KEY)

        assert raw.answer()[0] == 413
        assert raw.is_closed()


def test_an_ordinary_client_reads_the_answer_after_it_has_sent_everything(server: LiveServer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    with contextlib.closing(connection):
        connection.request("POST", AUTHORIZE, b" " * (2 * MIB), {"Authorization": f"Api-Key {API_KEY}"})
        answer = connection.getresponse()

        assert answer.status == 413
        assert json.load(answer)["data"] == {"code": "body-too-large", "limit": MIB, "size": 2 * MIB}


def test_a_chunked_body_ends_at_the_limit(server: LiveServer) -> None:
    with Raw(server) as raw:
        raw.ask("POST", AUTHORIZE, "Transfer-Encoding: chunked", WITH_KEY)
        with contextlib.suppress(ConnectionError):
            for _ in range(64):
                raw.send(b"10000\r\n" + b" " * 65536 + b"\r\n")

        assert raw.answer()[0] == 413


async def test_large_bodies_leave_memory_disk_and_stations_alone(server: LiveServer) -> None:
    def send(*headers: str, path: str = AUTHORIZE) -> int:
        with Raw(server) as raw:
            raw.ask("POST", path, f"Content-Length: {160 * MIB}", "Content-Type: application/json", *headers)
            with contextlib.suppress(ConnectionError):
                for _ in range(160):
                    raw.send(b"[" + b'{"a":1},' * (MIB // 8))
            return raw.answer()[0]

    before, written = resident_mib(server), os.listdir(server.folder / "tmp")
    async with station(server) as peer:
        sending = asyncio.gather(
            asyncio.to_thread(send, WITH_KEY),
            asyncio.to_thread(send),
            asyncio.to_thread(send, WITH_WRONG_KEY, path=IMPORT),
        )
        waits = []
        while not sending.done():
            began = time.monotonic()
            await peer.heartbeat()
            waits.append(time.monotonic() - began)

    assert await sending == [413, 401, 401]
    assert max(waits) < 2  # it took sixteen seconds before there was a limit
    assert resident_mib(server) - before < 50
    assert os.listdir(server.folder / "tmp") == written == []


def upload(server: LiveServer, size: int) -> tuple[int, dict[str, Any]]:
    """Preview a file of tokens of this many bytes."""
    rows = io.BytesIO()
    rows.write(b"uid,name\n")
    while rows.tell() < size:
        rows.write(b"T%08d,%s\n" % (rows.tell(), b"n" * 50))
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
    body = head + rows.getvalue()[:size] + b"\r\n--x--\r\n"
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    with contextlib.closing(connection):
        kind = {"Content-Type": "multipart/form-data; boundary=x", "Authorization": f"Api-Key {API_KEY}"}
        connection.request("POST", f"{IMPORT}?preview=true", body, kind)
        answer = connection.getresponse()
        return answer.status, json.load(answer)


def test_an_upload_has_a_limit_of_its_own(server: LiveServer) -> None:
    status, answer = upload(server, 10 * MIB)
    beyond, refused = upload(server, 10 * MIB + 100)

    assert (status, answer["message"]) == (400, "The file has more than 20,000 rows.")  # the file was read
    assert (beyond, refused["message"]) == (400, "The file is larger than 10 MiB.")


# -- JSON ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 33 + b"]" * 33,
        b'{"a":' * 40 + b"1" + b"}" * 40,
        b"[" * 900 + b'"\\u0000"' + b"]" * 900,
        b"[" * (MIB // 2) + b"]" * (MIB // 2),
        b'{"id_tag":' * 100_000,
    ],
)
def test_a_body_nested_too_deep_is_400(server: LiveServer, body: bytes) -> None:
    with Raw(server, "127.0.0.1") as raw:
        raw.ask("POST", AUTHORIZE, WITH_KEY, f"Content-Length: {len(body)}", "Idempotency-Key: deep")
        raw.send(body)
        status, _, text = raw.answer()

    assert status == 400
    assert b"nested deeper than 32" in text or b"not valid JSON" in text


def test_a_mib_of_unknown_fields_is_a_short_answer(server: LiveServer) -> None:
    body = b"{" + b",".join(b'"%x":1' % number for number in range(90_000)) + b"}"
    with Raw(server, "127.0.0.1") as raw:
        raw.ask("POST", AUTHORIZE, WITH_KEY, f"Content-Length: {len(body)}")
        raw.send(body)
        status, _, text = raw.answer()

    assert status == 400
    assert len(json.loads(text)["data"]["errors"]) == 20


# -- time ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [["Content-Length: 100"], ["Transfer-Encoding: chunked"]])
def test_a_body_that_arrives_byte_by_byte_is_408(server: LiveServer, headers: list[str]) -> None:
    began = time.monotonic()
    with Raw(server) as raw:
        raw.ask("POST", AUTHORIZE, WITH_KEY, *headers)
        raw.socket.settimeout(0.2)
        status = None
        while status is None and time.monotonic() - began < 30:
            with contextlib.suppress(TimeoutError):
                raw.send(" " if "Length" in headers[0] else "1\r\n \r\n")
                status = raw.answer()[0]
        raw.socket.settimeout(60)

        assert status == 408
        assert raw.is_closed()
    assert BODY_TIMEOUT_S * 0.9 < time.monotonic() - began < 20


def test_an_unread_body_ends_its_connection_too(server: LiveServer) -> None:
    """The client has the answer and continues to send the body of the request without end."""
    began = time.monotonic()
    with Raw(server) as raw:
        raw.ask("POST", AUTHORIZE, "Content-Length: 100000")
        assert raw.answer()[0] == 401
        with contextlib.suppress(ConnectionError):
            while time.monotonic() - began < 30:
                raw.send(" ")
                time.sleep(0.05)  # the client sends slowly

    assert time.monotonic() - began < 20


def test_a_reused_connection_is_kept(server: LiveServer) -> None:
    with Raw(server) as raw:
        for _ in range(5):
            raw.ask("GET", "/api/v1/chargepoints", WITH_KEY)
            assert raw.answer()[0] == 200
            raw.ask("POST", AUTHORIZE, WITH_KEY, "Content-Length: 2")
            raw.send("{}")
            assert raw.answer()[0] == 400
