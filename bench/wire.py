"""The station's side of a WebSocket, as cheap as possible in Python: the generator must not be the
bottleneck.

Frames are masked with the key 0. RFC 6455 allows it, the server's work is the same, and a pre-rendered frame
is sent unchanged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

_KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # the example nonce of RFC 6455; no answer is cached here
_MASKED = 0x80
_TEXT, _CLOSE, _PING = 0x81, 0x88, 0x89
_SHORT, _LONG = 126, 65536


def framed(text: bytes, first: int = _TEXT) -> bytes:
    """Return a client frame around a text of up to 64 KiB."""
    size = len(text)
    if size < _SHORT:
        return bytes((first, _MASKED | size, 0, 0, 0, 0)) + text
    return bytes((first, _MASKED | _SHORT, size >> 8, size & 0xFF, 0, 0, 0, 0)) + text


class StationSocket(asyncio.Protocol):
    """Calls `opened` after the handshake, `received` with each text and `lost` when the socket is closed.

    `headers` are additional lines of the request, each with its line end.
    """

    transport: asyncio.Transport

    def __init__(
        self,
        path: str,
        subprotocol: str,
        *,
        headers: str = "",
        opened: Callable[[], None],
        received: Callable[[bytes], None],
        lost: Callable[[str], None],
    ) -> None:
        self._request = (
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {_KEY}\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Protocol: {subprotocol}\r\n{headers}\r\n"
        ).encode()
        self._opened, self._received, self._lost = opened, received, lost
        self._is_open = False
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transport is not a subclass of asyncio's.
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self._request)

    def send(self, text: bytes) -> None:
        self.transport.write(framed(text))

    def close(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(framed(b"\x03\xe8", _CLOSE))

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        if not self._is_open:
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                self._rest = head
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self._lost(head.partition(b"\r\n")[0].decode("latin-1"))
                self.transport.close()
                return
            self._is_open, self._rest = True, b""
            self._opened()
        while len(data) >= 2:
            size, start = data[1], 2
            if size == _SHORT:
                if len(data) < 4:
                    break
                size, start = data[2] << 8 | data[3], 4
            if len(data) < start + size:
                break
            text, first, data = data[start : start + size], data[0], data[start + size :]
            if first == _TEXT:
                self._received(text)
            elif first == _PING:
                self.transport.write(framed(text, 0x8A))
            elif first == _CLOSE:
                self.transport.close()
        self._rest = data

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost("the server closed the socket" if exc is None else str(exc))
