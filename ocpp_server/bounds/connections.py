"""uvicorn's HTTP connection with bounds on the time and size of headers, and on pipelined requests."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from django.conf import settings
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from ocpp_server.bounds import crowd

# Seconds from the first byte to the end of the headers; a client that sends a byte a second is cut off.
HEADERS_TIMEOUT_S: Final = 10.0
# The same for an address with HTTP_ANONYMOUS_PER_ADDRESS open connections. It is not 0: a depot behind one
# address that reconnects after a power cut has more for a moment, each until its handshake has arrived.
CROWDED_HEADERS_TIMEOUT_S: Final = 3.0
# When the time is up, the socket may have unread data, if the process was blocked for a moment.
_LAST_LOOK_S: Final = 0.1
# Request line, headers and trailers of one request, with the memory that each takes.
MAX_HEADERS: Final = 64 * 1024
_PER_HEADER: Final = 32
# Requests that wait for the answer of the one before. Hardly any client sends even a second one.
MAX_PIPELINED: Final = 16
_TOO_LARGE: Final = b"The headers of the request are larger than 64 KiB.\n"


class _OutOfBoundsError(Exception):
    """Stops the parser, which reports an error of its own to uvicorn."""


class BoundedConnection(HttpToolsProtocol):
    """An HTTP connection, until it becomes a station's WebSocket. Counts for its address until it has shown
    valid credentials.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._headers_timer: asyncio.TimerHandle | None = None
        self._place: crowd.Place | None = None
        self._peer = ""
        self._is_station = False
        # Bytes of the headers of the current request.
        self._header_bytes = 0
        # Bytes since the parser last reported anything: a header that does not end, for example.
        self._unparsed_bytes = 0
        self._has_large_headers = False
        self._running: RequestResponseCycle | None = None

    # -- counted by address ------------------------------------------------------------------------------

    @property
    def is_crowded(self) -> bool:
        """Whether this is one of too many connections without credentials of its address."""
        limit: int = settings.HTTP_ANONYMOUS_PER_ADDRESS
        return bool(self._place and limit) and crowd.connections.count(self._peer) > limit

    def vouch(self) -> None:
        """A request on this connection has shown valid credentials."""
        if self._place is not None:
            self._place.free()
            self._place = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._peer = crowd.peer_of(self.client[0]) if self.client else ""
        if self._peer:
            self._place = crowd.Place(crowd.connections, self._peer)
        self._await_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        self.vouch()
        self._forget_headers()
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
        self.vouch()
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
            # uvicorn's own timer ends with the first byte, which may be an empty line.
            self._await_headers()

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= MAX_PIPELINED:
            raise _OutOfBoundsError
        super().on_message_begin()
        self._header_bytes = self._unparsed_bytes = 0
        self.scope["extensions"] = {"ocpp.connection": self}  # type: ignore[dict-item]
        self._await_headers()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value) + _PER_HEADER)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._forget_headers()
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
        """uvicorn's answer to input that its parser refuses; our own bounds are reported through it too."""
        if self._has_large_headers:
            self._refuse_headers()
        elif self.cycle is not None and not self.cycle.response_complete:
            self.transport.close()  # an answer here would end up in the middle of the one that is being sent
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

    def _await_headers(self) -> None:
        if self._headers_timer is None:
            seconds = CROWDED_HEADERS_TIMEOUT_S if self.is_crowded else HEADERS_TIMEOUT_S
            self._headers_timer = self.loop.call_later(seconds, self._look_again)

    def _look_again(self) -> None:
        self._headers_timer = self.loop.call_later(_LAST_LOOK_S, self._give_up)

    def _forget_headers(self) -> None:
        if self._headers_timer is not None:
            self._headers_timer.cancel()
            self._headers_timer = None

    def _give_up(self) -> None:
        self._headers_timer = None
        self.transport.close()
