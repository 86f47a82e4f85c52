"""One HTTP request within limits, against a real server."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ocpp_server.outbound import http
from ocpp_server.outbound.addresses import AddressRefused
from ocpp_server.outbound.http import Limits, RequestFailed
from tests.responders import Answer, serving
from tests.unit.pki.made import make


@asynccontextmanager
async def raw(*pieces: bytes, is_open: bool = False) -> AsyncIterator[str]:
    """A server that sends these bytes as they are; with `is_open`, it does not close the connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            if is_open:
                await reader.read()
        except OSError:
            pass  # the client has gone away, as it may
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_a_request_has_a_body_and_the_answer_too():
    with serving(lambda path, body: Answer(path.encode() + body)) as server:
        answer = await http.request(
            "POST", f"{server.url}/a?b", body=b"c", headers={"X-One": "1"}, listed=[server.host]
        )

        assert answer == (200, b"/a?bc")
        assert server.headers[0]["X-One"] == "1"
        assert server.headers[0]["Host"] == server.host


async def test_a_redirect_is_not_followed():
    moved = Answer(b"", 302, (("Location", "/other"),))
    with serving(lambda path, body: moved) as server:
        answer = await http.request("GET", server.url, listed=[server.host])

        assert answer.status == 302
        assert len(server.requests) == 1


async def test_no_connection_is_made_to_a_private_address():
    with serving(lambda path, body: Answer()) as server:
        for url in (server.url, f"http://localhost:{server.port}/"):
            with pytest.raises(AddressRefused):
                await http.request("GET", url, listed=[])

        assert server.requests == []


async def test_the_connection_is_made_to_the_address_that_was_checked():
    """A name that resolves to another address with the second question gains nothing: there is no second."""
    asked = []

    async def resolver(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["93.184.215.14"] if len(asked) > 1 else ["127.0.0.1"]

    with serving(lambda path, body: Answer(b"here")) as server:
        host = f"responder.example:{server.port}"
        answer = await http.request("GET", f"http://{host}/", listed=[host], resolver=resolver)

        assert (answer.body, asked) == (b"here", ["responder.example"])
        assert server.headers[0]["Host"] == host


async def test_a_long_body_is_not_read():
    with serving(lambda path, body: Answer(b"x" * 100_000)) as server:
        reading = http.request("GET", server.url, listed=[server.host])
        with pytest.raises(RequestFailed, match="65,536"):
            await reading


async def test_the_answer_must_come_in_time():
    async with raw(b"HTTP/1.1 200 OK\r\n", is_open=True) as host:
        with pytest.raises(RequestFailed, match=r"within 0\.05 s"):
            await http.request("GET", f"http://{host}/", listed=[host], limits=Limits(total_s=0.05))


@pytest.mark.parametrize(
    ("sent", "body"),
    [
        ([b"HTTP/1.1 200 OK\r\n\r\nab"], b"ab"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", b"ab"], b"ab"),
        ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n", b"1\r\nb\r\n0\r\n\r\n"], b"ab"),
    ],
    ids=["to the end", "with a length", "in chunks"],
)
async def test_a_body_ends_in_three_ways(sent, body):
    async with raw(*sent) as host:
        assert (await http.request("GET", f"http://{host}/", listed=[host])).body == body


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000,
    ],
)
async def test_an_answer_that_is_not_whole_fails(sent):
    async with raw(sent) as host:
        with pytest.raises(RequestFailed):
            await http.request("GET", f"http://{host}/", listed=[host])


async def test_a_closed_port_and_an_unknown_name_fail():
    async with raw() as host:
        pass
    with pytest.raises(RequestFailed):
        await http.request("GET", f"http://{host}/", listed=[host])
    with pytest.raises(RequestFailed):
        await http.request("GET", "http://no-such-name.invalid/", listed=[])
    with pytest.raises(RequestFailed):
        await http.request("GET", f"http://{'a' * 70}.example/", listed=[])


@pytest.mark.parametrize("name", ["responder.example", "another.example"])
async def test_tls_checks_the_name_and_not_the_address(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The certificate is that of the host in the address, whatever it resolves to."""
    made = make(name, more=((x509.SubjectAlternativeName([x509.DNSName(name)]), False),))
    key = made.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pem = tmp_path / "server.pem"
    pem.write_bytes(made.certificate.public_bytes(Encoding.PEM) + key)
    serves = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serves.load_cert_chain(pem)
    trusts = ssl.create_default_context(cadata=made.certificate.public_bytes(Encoding.PEM).decode())
    monkeypatch.setattr(http, "_trusting", lambda: trusts)

    async def resolver(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nsafe")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=serves) as server:
        host = f"responder.example:{server.sockets[0].getsockname()[1]}"
        asking = http.request("GET", f"https://{host}/", listed=[host], resolver=resolver)
        if name == "responder.example":
            assert (await asking).body == b"safe"
        else:
            with pytest.raises(RequestFailed):
                await asking
