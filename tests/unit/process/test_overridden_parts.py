"""Private parts of uvicorn and websockets that `process/sockets.py`, `process/whole_frames.py` and
`bounds/connections.py` override and read. A release that changes one of them fails here, not in production.
"""

from __future__ import annotations

import hashlib
import inspect
import textwrap
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import Protocol
from websockets.server import ServerProtocol
from websockets.streams import StreamReader

from ocpp_server.bounds.connections import BoundedConnection
from ocpp_server.process import sockets, start, whole_frames
from ocpp_server.process.sockets import StationHttp, StationSocket
from tests.conformance.peer import station
from tests.servers import LiveServer

# The class of this project, the class that it overrides, and the other methods that it calls or reads.
OVERRIDING: tuple[tuple[type, type, tuple[str, ...]], ...] = (
    (
        StationSocket,
        WebSocketsSansIOProtocol,
        ("handle_events", "send_receive_event_to_app", "schedule_ping", "send_keepalive_ping", "run_asgi"),
    ),
    (BoundedConnection, HttpToolsProtocol, ("handle_events",)),
    (StationHttp, HttpToolsProtocol, ()),
    (sockets._Reader, StreamReader, ("__init__",)),
)
# `StationSocket` reads these of the parser: its reader, its position, and its state.
READ = (
    (Protocol, "__init__"),
    (Protocol, "parse"),
    (Protocol, "receive_data"),
    (ServerProtocol, "parse"),
)

# The releases that the overriding code was written against, and a fingerprint of each part in them.
WRITTEN_FOR = {"uvicorn": "0.54.0", "websockets": "17.4"}
FINGERPRINTS = {
    "HttpToolsProtocol.__init__": "fcb8cf9a66b3",
    "HttpToolsProtocol._start_asgi_task": "2cb087f81547",
    "HttpToolsProtocol.connection_lost": "8da12f8c453a",
    "HttpToolsProtocol.connection_made": "d73c844ad25b",
    "HttpToolsProtocol.data_received": "bcda1a3a703b",
    "HttpToolsProtocol.handle_websocket_upgrade": "ddfead7ed220",
    "HttpToolsProtocol.on_body": "cb19be4e444c",
    "HttpToolsProtocol.on_header": "d03da8715673",
    "HttpToolsProtocol.on_headers_complete": "14507b01aef0",
    "HttpToolsProtocol.on_message_begin": "63ad5f079208",
    "HttpToolsProtocol.on_message_complete": "2d1dcb5c69d3",
    "HttpToolsProtocol.on_url": "381560766601",
    "HttpToolsProtocol.send_400_response": "a88484e887ea",
    "Protocol.__init__": "fef22a8f89e3",
    "Protocol.parse": "e50e2d293dfb",
    "Protocol.receive_data": "43af5bbfe9c2",
    "ServerProtocol.parse": "381e87aa0aa9",
    "StreamReader.__init__": "207132be619c",
    "StreamReader.at_eof": "3450ce3ed4f0",
    "WebSocketsSansIOProtocol.__init__": "634801d9575e",
    "WebSocketsSansIOProtocol.connection_lost": "1f05ca23c6de",
    "WebSocketsSansIOProtocol.connection_made": "fda7d91fa45c",
    "WebSocketsSansIOProtocol.data_received": "489b2b1858a5",
    "WebSocketsSansIOProtocol.handle_connect": "7401934bb075",
    "WebSocketsSansIOProtocol.handle_events": "65bf9b9af429",
    "WebSocketsSansIOProtocol.handle_pong": "028e09e1d617",
    "WebSocketsSansIOProtocol.handle_text": "17421fd5cf8d",
    "WebSocketsSansIOProtocol.keepalive_timeout": "12982d9ec490",
    "WebSocketsSansIOProtocol.pause_writing": "79bd4348d0a2",
    "WebSocketsSansIOProtocol.receive": "5cbbc370ced6",
    "WebSocketsSansIOProtocol.resume_writing": "1d2db4bb37b7",
    "WebSocketsSansIOProtocol.run_asgi": "67c255d8dae5",
    "WebSocketsSansIOProtocol.schedule_ping": "d6dff78572e5",
    "WebSocketsSansIOProtocol.send": "e6c987729f00",
    "WebSocketsSansIOProtocol.send_500_response": "d0034d0f4772",
    "WebSocketsSansIOProtocol.send_keepalive_ping": "589ccde6fc54",
    "WebSocketsSansIOProtocol.send_receive_event_to_app": "861ce94dbcb5",
    "WebSocketsSansIOProtocol.shutdown": "b65de7c649d5",
}


def parts() -> Iterator[tuple[type, str]]:
    for ours, theirs, besides in OVERRIDING:
        for name in sorted({*vars(ours), *besides}):
            if inspect.isfunction(getattr(theirs, name, None)) and name in vars(theirs):
                yield theirs, name
    yield from READ


PARTS = sorted({f"{owner.__name__}.{name}": (owner, name) for owner, name in parts()}.items())


def fingerprint(function: Any) -> str:
    """A hash of the source without blank lines and comment lines: the same on every Python."""
    lines = textwrap.dedent(inspect.getsource(function)).splitlines()
    code = [line.rstrip() for line in lines if line.strip() and not line.strip().startswith("#")]
    return hashlib.sha256("\n".join(code).encode()).hexdigest()[:12]


@pytest.mark.parametrize(("part", "found"), PARTS, ids=[part for part, _ in PARTS])
def test_the_overridden_parts_have_the_recorded_source(part: str, found: tuple[type, str]) -> None:
    owner, name = found
    package = owner.__module__.partition(".")[0]

    assert fingerprint(vars(owner)[name]) == FINGERPRINTS.get(part), (
        f"{package} {version(package)} has another {part} than {package} {WRITTEN_FOR[package]}, for which "
        "ocpp_server/process/sockets.py, whole_frames.py and bounds/connections.py were written. Compare the "
        "two, adapt ours, then update WRITTEN_FOR and FINGERPRINTS here. Until then keep the older release, "
        "or run with HTTP_PLAIN_SOCKETS=1."
    )


def test_every_fingerprint_belongs_to_an_overridden_part() -> None:
    assert set(FINGERPRINTS) <= {part for part, _ in PARTS}


def test_the_private_attributes_that_are_read_exist() -> None:
    parser = ServerProtocol()

    missing = [
        name
        for name in (
            "parser", "reader", "state", "current_size", "extensions", "handshake_exc", "data_to_send",
        )
        if not hasattr(parser, name)
    ]  # fmt: skip

    assert missing == [], f"websockets {version('websockets')} has no ServerProtocol.{', '.join(missing)}"


def test_a_frame_is_unmasked_by_the_function_of_the_package() -> None:
    assert whole_frames.apply_mask(b"\x01\x02\x03\x04\x05", b"\x01\x01\x01\x01") == b"\x00\x03\x02\x05\x04"


async def test_the_plain_sockets_serve_a_station(tmp_path: Path, migrated_database: Path) -> None:
    assert start.protocols(is_plain=True) == ("httptools", "websockets-sansio")
    server = LiveServer(tmp_path, template=migrated_database, HTTP_PLAIN_SOCKETS="1").start()
    try:
        async with station(server, boot=False) as peer:
            boot = await peer.boot()
            beat = await peer.call("Heartbeat")
    finally:
        stopped = server.stop()

    assert boot["status"] == "Accepted"
    assert beat["currentTime"].endswith("Z")
    assert stopped == 0
