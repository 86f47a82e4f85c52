"""POST over kept connections, against real servers that answer well or in any wrong way."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ocpp_server.outbound import posting
from ocpp_server.outbound.addresses import AddressRefused, Permission
from ocpp_server.outbound.http import RequestFailed
from ocpp_server.outbound.posting import MOST_BYTES, Sender
from tests.responders import Answer, serving
from tests.unit.pki.made import make

LOCAL = Permission(networks=(ipaddress.ip_network("127.0.0.1/32"),), is_http_allowed=True)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Raw:
    """A server that answers each request with the next bytes, and then closes or keeps the connection."""

    def __init__(self, answers: list[bytes], *, keeps: bool) -> None:
        self.answers = answers
        self.keeps = keeps
        self.connections = 0
        self.requests: list[bytes] = []
        self.tasks: list[asyncio.Task[None] | None] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.tasks.append(asyncio.current_task())
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                self.requests.append(head + await reader.readexactly(length))
                writer.write(self.answers.pop(0) if self.answers else OK)
                await writer.drain()
                if not self.keeps:
                    return
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client has gone away, as it may
        finally:
            writer.close()


@asynccontextmanager
async def raw(*answers: bytes, keeps: bool = True) -> AsyncIterator[tuple[Raw, Sender]]:
    served = Raw(list(answers), keeps=keeps)
    server = await asyncio.start_server(served.serve, "127.0.0.1", 0)
    async with server:
        sender = Sender(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook?a=1", LOCAL)
        try:
            yield served, sender
        finally:
            sender.close()
            await asyncio.gather(*(task for task in served.tasks if task is not None))


async def post(sender: Sender, body: bytes = b"{}", limit_s: float = 5) -> posting.Answer:
    return await sender.post(body, {"X-One": "1"}, limit_s=limit_s)


async def test_a_connection_is_kept_for_the_next_request():
    async with raw() as (served, sender):
        for body in (b"first", b"second"):
            assert await post(sender, body) == (200, "", b"ok")

        assert served.connections == 1
        assert served.requests[0].startswith(b"POST /hook?a=1 HTTP/1.1\r\nHost: 127.0.0.1:")
        assert b"X-One: 1\r\n" in served.requests[0]
        assert [request.rpartition(b"\n")[2] for request in served.requests] == [b"first", b"second"]


async def test_a_kept_connection_that_the_server_has_closed_is_replaced():
    async with raw(keeps=False) as (served, sender):
        for _ in range(3):
            assert (await post(sender)).status == 200

        assert served.connections == 3


async def test_an_old_connection_is_not_used_again(monkeypatch):
    async with raw() as (served, sender):
        await post(sender)
        monkeypatch.setattr(posting, "_LIFE_S", 0.0)
        await post(sender)

        assert served.connections == 2


async def test_requests_at_the_same_time_have_their_own_connections():
    async with raw() as (served, sender):
        answers = await asyncio.gather(*(post(sender) for _ in range(5)))

        assert [answer.status for answer in answers] == [200] * 5
        assert served.connections == 5


@pytest.mark.parametrize(
    ("sent", "status", "retry_after", "body"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, "", b""),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n", 302, "", b""),
        (b"HTTP/1.1 429 No\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n", 429, "30", b""),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", 200, "", b"x"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", 200, "", b"ab"),
    ],
)
async def test_an_answer_has_its_status_and_body(sent, status, retry_after, body):
    async with raw(sent) as (served, sender):
        assert await post(sender) == (status, retry_after, body)
        assert served.connections == 1


async def test_only_the_beginning_of_a_long_answer_is_read():
    sent = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n" + b"x" * 20_000
    async with raw(sent) as (served, sender):
        assert await post(sender) == (200, "", b"x" * MOST_BYTES)
        assert (await post(sender)).body == b"ok"
        assert served.connections == 2


async def test_an_answer_whose_body_does_not_end_counts_by_its_status():
    async with raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab") as (_, sender):
        assert await post(sender, limit_s=0.2) == (200, "", b"ab")


@pytest.mark.parametrize(
    ("sent", "keeps", "sentence"),
    [
        (b"", True, "no answer within 0.2 s"),
        (b"HTTP/1.1 200 OK\r\nX-Slow", True, "no answer within 0.2 s"),
        (b"SSH-2.0-server\r\n\r\n", True, "is not HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"X-Long: y\r\n" * 5000, True, "headers of the answer are too long"),
        (b"HTTP/1.1 200", False, "closed before an answer"),
    ],
)
async def test_a_bad_answer_has_its_reason(sent, keeps, sentence):
    async with raw(sent, keeps=keeps) as (_, sender):
        with pytest.raises(RequestFailed, match=sentence):
            await post(sender, limit_s=0.2)


async def test_a_server_that_is_away_has_its_reason():
    async with raw() as (_, sender):
        pass

    with pytest.raises(RequestFailed, match="ConnectionRefusedError"):
        await post(sender)


async def test_no_connection_is_made_to_an_address_that_the_name_has_only_later():
    asked = []

    async def resolver(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    with serving(lambda path, body: Answer(b"", 200, (("Connection", "close"),))) as server:
        sender = Sender(f"http://a.example:{server.port}/", LOCAL, resolver=resolver)
        assert (await post(sender)).status == 200
        with pytest.raises(AddressRefused):
            await post(sender)

        assert len(server.requests) == 1


async def test_the_name_of_the_certificate_is_checked(tmp_path: Path):
    made = make("CN=elsewhere")
    (tmp_path / "key.pem").write_bytes(
        made.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    (tmp_path / "certificate.pem").write_bytes(made.certificate.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate.pem", tmp_path / "key.pem")
    served = Raw([], keeps=True)
    server = await asyncio.start_server(served.serve, "127.0.0.1", 0, ssl=context)
    async with server:
        sender = Sender(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/", LOCAL)
        with pytest.raises(RequestFailed, match="The certificate is refused"):
            await post(sender)

    assert served.requests == []
