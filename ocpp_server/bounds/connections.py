"""uvicorn's HTTP connection with bounds on the time and size of headers, and on pipelined requests."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from django.conf import settings
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from ocpp_server.bounds import per_address

# Seconds from the first byte to the end of the headers; a client that sends a byte a second is cut off.
HEADERS_TIMEOUT_S: Final = 10.0
# The same for an address with HTTP_ANONYMOUS_PER_ADDRESS open connections. It is not 0: a depot behind one
# address that reconnects after a power cut has more for a moment, each until its handshake has arrived.
SHORT_HEADERS_TIMEOUT_S: Final = 3.0
# The extra time to read data that is waiting in the socket when the time is up, if the process was blocked.
_LAST_READ_S: Final = 0.1
# The size of the request line, headers and trailers of one request; _PER_HEADER is the overhead of each.
MAX_HEADERS: Final = 64 * 1024
_PER_HEADER: Final = 32
# The limit of requests that wait for the answer to an earlier one. Hardly any client pipelines requests.
MAX_PIPELINED: Final = 16
_TOO_LARGE: Final = b"The headers of the request are larger than 64 KiB.\n"


class _OutOfBoundsError(Exception):
    """Stops the parser. uvicorn receives the parser's own error instead."""


class BoundedConnection(HttpToolsProtocol):
    """An HTTP connection, until it becomes a station's WebSocket. It counts for its address until a request
    on it has valid credentials.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._headers_timer: asyncio.TimerHandle | None = None
        self._slot: per_address.Slot | None = None
        self._peer: str  # set by `connection_made`
        self._is_station = False
        # Bytes of the headers of the current request; set by `on_message_begin`.
        self._header_bytes: int
        # Bytes since the last callback of the parser, such as those of a header that does not end.
        self._unparsed_bytes = 0
        self._has_large_headers = False
        self._running: RequestResponseCycle | None = None

    # -- counted by address ------------------------------------------------------------------------------

    @property
    def is_over_limit(self) -> bool:
        """Whether the address has more connections without valid credentials than the limit."""
        limit: int = settings.HTTP_ANONYMOUS_PER_ADDRESS
        return bool(self._slot and limit) and per_address.connections.count(self._peer) > limit

    def mark_authenticated(self) -> None:
        """Stop counting this connection, because a request on it has valid credentials."""
        if self._slot is not None:
            self._slot.free()
            self._slot = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._peer = per_address.peer_of(self.client[0]) if self.client else ""
        if self._peer:
            self._slot = per_address.Slot(per_address.connections, self._peer)
        self._start_headers_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self.mark_authenticated()
        self._stop_headers_timer()
        # uvicorn notifies the last request that arrived, not the one before it that is still being answered.
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()
        super().connection_lost(exc)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def handle_websocket_upgrade(self) -> None:
        self._is_station = True
        self.mark_authenticated()
        super().handle_websocket_upgrade()

    # -- size of the input -------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        self._unparsed_bytes += len(data)
        super().data_received(data)
        if self._is_station or self.transport.is_closing():
            return
        if self._unparsed_bytes > MAX_HEADERS:
            self._refuse_headers()
        elif self.cycle is None or self.cycle.response_complete:
            # uvicorn's keep-alive timer stops at the first byte, which may be an empty line.
            self._start_headers_timer()

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= MAX_PIPELINED:
            raise _OutOfBoundsError
        super().on_message_begin()
        self._header_bytes = self._unparsed_bytes = 0
        self.scope["extensions"] = {"ocpp.connection": self}  # type: ignore[dict-item]
        self._start_headers_timer()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value) + _PER_HEADER)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._stop_headers_timer()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._unparsed_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._unparsed_bytes = 0
        super().on_message_complete()

    def _count(self, size: int) -> None:
        self._unparsed_bytes = 0
        self._header_bytes += size
        if self._header_bytes > MAX_HEADERS:
            self._has_large_headers = True
            raise _OutOfBoundsError

    def send_400_response(self, msg: str) -> None:
        """Answer input that the parser refuses. uvicorn also calls this after `_OutOfBoundsError`."""
        if self._has_large_headers:
            self._refuse_headers()
        elif self.cycle is not None and not self.cycle.response_complete:
            self.transport.close()  # an answer here would be inside the one that is being sent
        else:
            super().send_400_response(msg)

    def _refuse_headers(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            head = (
                b"content-type: text/plain; charset=utf-8\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
            )
            self.transport.write(STATUS_LINE[431] + head % len(_TOO_LARGE) + _TOO_LARGE)
        self.transport.close()

    # -- time limits -------------------------------------------------------------------------------------

    def _start_headers_timer(self) -> None:
        if self._headers_timer is None:
            seconds = SHORT_HEADERS_TIMEOUT_S if self.is_over_limit else HEADERS_TIMEOUT_S
            self._headers_timer = self.loop.call_later(seconds, self._allow_last_read)

    def _allow_last_read(self) -> None:
        self._headers_timer = self.loop.call_later(_LAST_READ_S, self._give_up)

    def _stop_headers_timer(self) -> None:
        if self._headers_timer is not None:
            self._headers_timer.cancel()
            self._headers_timer = None

    def _give_up(self) -> None:
        self._headers_timer = None
        self.transport.close()
