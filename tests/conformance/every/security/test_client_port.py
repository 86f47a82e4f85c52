"""The port of client certificates: other protocols, silent connections, headers, plain sockets."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path
from urllib.parse import quote

import pytest
from websockets.exceptions import InvalidStatus

from ocpp_server.pki import parsing
from tests.conformance.every.security.mutual import CA, ROOT, Mutual, boot_of
from tests.conformance.mutual_tls import Pki, trust
from tests.conformance.peer import TIMEOUT_S, V201, eventually, fresh, station
from tests.self_signed import certify
from tests.servers import LiveServer, free_port
from tests.transports import connected
from tests.unit.pki.made import make


async def test_a_forged_header_is_ignored_where_no_proxy_is_configured(mutual: Mutual):
    serial = fresh("SN")
    identity = await mutual.station(serial)
    stolen = make(serial, by=CA)
    header = {"X-SSL-Client-Cert": quote(parsing.pem_of(stolen.certificate), safe="")}
    with pytest.raises(InvalidStatus) as caught:
        async with station(
            mutual.server, V201, identity, boot=False, headers=header, ssl=mutual.pki.client()
        ):
            pass

    assert caught.value.response.status_code == 401
    assert "sent none" in mutual.records.refusals(identity)[0]["reason"]


async def test_plain_http_at_the_port_of_certificates_is_shown(mutual: Mutual):
    def spoken() -> bytes:
        with socket.create_connection(("127.0.0.1", mutual.port), timeout=TIMEOUT_S) as plain:
            plain.sendall(b"GET /ocpp/CP-1 HTTP/1.1\r\nHost: x\r\n\r\n")
            with contextlib.suppress(ConnectionError):
                return plain.recv(100)
        return b""

    await asyncio.to_thread(spoken)

    rows = await eventually(lambda: [row for row in mutual.failures() if "plain HTTP" in row["reason"]])
    assert len(rows) == 1


async def test_a_connection_without_a_byte_is_no_refusal_and_leaks_nothing(mutual: Mutual):
    pid = mutual.server.process.pid  # type: ignore[union-attr]

    def opened() -> int:
        return len(list(Path(f"/proc/{pid}/fd").iterdir()))

    known, before = mutual.failures(), opened()
    for _ in range(20):
        async with connected("127.0.0.1", mutual.port):
            pass
    await eventually(lambda: opened() <= before + 1)

    assert mutual.failures() == known


async def test_the_plain_sockets_of_uvicorn_pass_the_certificates_on(tmp_path: Path, migrated_database: Path):
    (pem, key), port = certify(tmp_path, "server"), free_port()
    how = {"TLS_CERT": str(pem), "TLS_KEY": str(key), "TLS_CLIENT_PORT": str(port)}
    live = LiveServer(tmp_path / "plain", template=migrated_database, HTTP_PLAIN_SOCKETS="1", **how)
    trust(live.database, ROOT)
    plain = Mutual(live.start(), Pki(tmp_path, pem), port)
    try:
        serial = fresh("SN")
        identity = await plain.station(serial)
        async with plain.connect(V201, identity, plain.pki.client(make(serial, by=CA), CA)) as peer:
            answer = await peer.call("BootNotification", boot_of(V201, serial))
    finally:
        status = live.stop()

    assert (answer["status"], status) == ("Accepted", 0)
