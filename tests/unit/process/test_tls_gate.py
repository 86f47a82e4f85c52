"""The gate of the port for client certificates: slow clients, limits, and a database that is away."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from ocpp_server.pki import parsing
from ocpp_server.process import tls, tls_gate
from ocpp_server.protocol.dispatch import StorageUnavailable
from ocpp_server.transport.handshake import client_certificates, tls_refusals
from tests.conformance.mutual_tls import Pki
from tests.self_signed import certify
from tests.unit.pki.made import make

ROOT = make("Root", is_ca=True)
OTHER = make("Other root", is_ca=True)
LEAF = make("SN-1", by=ROOT)


class Protocol(asyncio.Protocol):
    """Stands for uvicorn's: it notes the certificates and echoes."""

    def __init__(self) -> None:
        self.app_state: dict[str, Any] = {"of": "the lifespan"}

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(repr(self.app_state[client_certificates.STATE]).encode() + data)


class World:
    """A gate on a socket, with its roots and the refusals that it has recorded."""

    def __init__(self, folder: Path) -> None:
        self.pair = tls.Pair(*certify(folder, "server"))
        self.pki = Pki(folder, self.pair.certificate)
        self.roots = parsing.pem_of(ROOT.certificate)
        self.is_away = False
        self.reads = 0
        self.recorded: list[tuple[str, str, int]] = []
        self.contexts = tls_gate.ClientContexts([self.pair])
        protocol: Any = tls_gate.admitting(Protocol)
        self.gate = tls_gate.TlsGate(self.contexts, protocol)

    async def run(self, function: Any) -> str:
        """Stands for the journal."""
        self.reads += 1
        if self.is_away:
            raise StorageUnavailable("The database is away.")
        return self.roots

    async def record(self, address: str, error: OSError, sent: Any) -> None:
        self.recorded.append((address, tls_refusals.explained(error)[0], len(sent)))

    async def said(self, client: ssl.SSLContext | None) -> bytes:
        """The answer to a message through the gate."""
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.port, ssl=client, server_hostname="localhost" if client else None
        )
        try:
            writer.write(b"hello")
            return await asyncio.wait_for(reader.read(10_000), 20)
        finally:
            writer.transport.abort()

    def start(self) -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        self.listener = listener
        self.gate.start([listener])


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    made = World(tmp_path)
    monkeypatch.setattr(tls_gate, "journal", made)
    monkeypatch.setattr(client_certificates.port, "app", made)
    monkeypatch.setattr(tls_refusals, "record", made.record)
    made.start()
    yield made
    await made.gate.stop()
    made.listener.close()


async def until(condition: Any) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)  # no event to await: the gate works on its own


async def test_the_protocol_gets_the_chain_of_the_client(world: World) -> None:
    der = LEAF.certificate.public_bytes(Encoding.DER)

    assert await world.said(world.pki.client(LEAF)) == repr((der,)).encode() + b"hello"
    assert world.recorded == []


async def test_a_handshake_that_does_not_end_is_cut_off_and_shown(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls_gate, "HANDSHAKE_S", 0.2)
    hello = ssl.MemoryBIO()
    begun = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), hello, server_hostname="localhost")
    with contextlib.suppress(ssl.SSLWantReadError):
        begun.do_handshake()

    reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
    writer.write(hello.read())
    await asyncio.wait_for(_end(reader), 20)
    silent, other = await asyncio.open_connection("127.0.0.1", world.port)
    await asyncio.wait_for(_end(silent), 20)
    writer.close()
    other.close()

    await until(lambda: world.recorded)
    assert world.recorded == [("127.0.0.1", "The TLS handshake failed: it took too long.", 0)]


async def _end(reader: asyncio.StreamReader) -> None:
    with contextlib.suppress(ConnectionError):
        while await reader.read(10_000):
            pass


async def test_an_address_has_a_limit_of_handshakes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls_gate, "MAX_OF_ADDRESS", 2)
    monkeypatch.setattr(tls_gate.per_address, "peer_of", lambda address: address)
    waiting = [await asyncio.open_connection("127.0.0.1", world.port) for _ in range(2)]
    await until(lambda: world.gate._of_address.count("127.0.0.1") == 2)

    with pytest.raises((ConnectionError, ssl.SSLError)):
        await world.said(world.pki.client(LEAF))
    for _, writer in waiting:
        writer.close()
    await until(lambda: world.gate._of_address.count("127.0.0.1") == 0)

    assert (await world.said(world.pki.client(LEAF))).endswith(b"hello")


async def test_roots_are_read_again_and_those_of_before_serve_while_the_database_is_away(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer, older = world.pki.client(make("SN-1", by=OTHER)), world.pki.client(LEAF)
    world.is_away = True
    with pytest.raises((ConnectionError, ssl.SSLError)):
        await world.said(older)

    world.is_away = False
    monkeypatch.setattr(tls_gate, "CHECK_EVERY_S", 0.0)
    assert (await world.said(older)).endswith(b"hello")
    world.roots = parsing.pem_of(ROOT.certificate, OTHER.certificate)
    assert (await world.said(newer)).endswith(b"hello")
    world.is_away = True
    assert (await world.said(newer)).endswith(b"hello")
    world.is_away, world.roots = False, parsing.pem_of(OTHER.certificate)
    assert not (await _or_nothing(world.said(older))).endswith(b"hello")
    await until(lambda: world.recorded)

    assert [reason for _, reason, _ in world.recorded] == [
        "The TLS handshake failed: unable to get local issuer certificate."
    ]


async def _or_nothing(answer: Any) -> bytes:
    try:
        return bytes(await answer)
    except (ConnectionError, ssl.SSLError):
        return b""


async def test_the_records_of_a_connection_are_not_watched(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    real = tls_gate._message

    def watched(*of: Any) -> None:
        calls.append(1)
        real(*of)

    monkeypatch.setattr(tls_gate, "_message", watched)
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", world.port, ssl=world.pki.client(LEAF), server_hostname="localhost"
    )
    writer.write(b"one")
    await reader.readuntil(b"one")
    before = len(calls)
    for _ in range(20):
        writer.write(b"two")
        await reader.readuntil(b"two")
    writer.transport.abort()

    assert before > 5 and len(calls) == before


async def test_a_renewed_certificate_of_the_server_is_presented(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls_gate, "CHECK_EVERY_S", 0.0)
    assert (await world.said(world.pki.client(LEAF))).endswith(b"hello")
    for old, new in zip(world.pair.files, certify(tmp_path, "renewed"), strict=True):
        new.replace(old)

    # The old certificate is not trusted any more: this client trusts the file of now alone.
    assert (await world.said(Pki(tmp_path, world.pair.certificate).client(LEAF))).endswith(b"hello")
