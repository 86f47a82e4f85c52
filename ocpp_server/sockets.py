"""uvicorn's protocols as stations need them: lenient with pings, impatient with handshakes."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

# Seconds from the first byte to the end of the headers; who sends one byte a second is cut off.
HEADERS_TIMEOUT_S = 10.0

# So many messages may wait behind the one in hand before a socket is no longer read. uvicorn's own limit is
# none: it stops and resumes reading, which are calls of the system, for every message.
READ_AHEAD = 2


def _without_traceback(record: logging.LogRecord) -> bool:
    """Bytes that are no UTF-8 are a station's mistake, not a failure of ours."""
    if str(record.msg).startswith("Invalid UTF-8"):
        record.exc_info, record.levelno, record.levelname = None, logging.WARNING, "WARNING"
    return True


logging.getLogger("uvicorn.error").addFilter(_without_traceback)


class StationSocket(WebSocketsSansIOProtocol):
    """Closes for a missing pong only when the station is known to answer pings and says nothing else.

    Some chargers never answer a ping, or none while they are busy sending: whatever they send is a sign of
    life, and one that never answered a ping is judged by its silence alone (`housekeeping`).
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._has_ponged = False
        self._heard_at = 0.0

    def data_received(self, data: bytes) -> None:
        self._heard_at = self.loop.time()
        super().data_received(data)

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        if not self.close_sent:
            self.scope["extensions"]["ocpp.silence"] = self._silence  # type: ignore[typeddict-unknown-key]

    def _silence(self) -> float:
        """Seconds since anything was heard, pongs included."""
        return self.loop.time() - self._heard_at

    def handle_text(self, event: Any) -> None:
        # The whole message in one frame, as all of them are that are not huge; the rest is uvicorn's.
        if not event.fin or self.close_sent:
            super().handle_text(event)
            return
        try:
            text = event.data.decode()
        except UnicodeDecodeError:
            super().handle_text(event)
            return
        self.queue.put_nowait({"type": "websocket.receive", "text": text})
        if not self.read_paused and self.queue.qsize() > READ_AHEAD:
            self.read_paused = True
            self.transport.pause_reading()

    def handle_pong(self, event: Any) -> None:
        pending = self.pending_ping_payload
        if pending is not None and bytes(event.data) == pending:
            self._has_ponged = True
        super().handle_pong(event)

    def keepalive_timeout(self) -> None:
        if self._has_ponged and self._heard_at < self.ping_sent_at:
            super().keepalive_timeout()
            return
        self.pong_timer = None
        self.pending_ping_payload = None
        if not self.close_sent and not self.transport.is_closing():
            self.schedule_ping()


class Front(HttpToolsProtocol):
    """HTTP and the handshakes of stations, with an end to waiting for headers."""

    _headers_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._await_headers()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._await_headers()

    def on_headers_complete(self) -> None:
        self._forget_headers()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_headers()
        super().connection_lost(exc)

    def _await_headers(self) -> None:
        if self._headers_timer is None:
            self._headers_timer = self.loop.call_later(HEADERS_TIMEOUT_S, self._give_up)

    def _forget_headers(self) -> None:
        if self._headers_timer is not None:
            self._headers_timer.cancel()
            self._headers_timer = None

    def _give_up(self) -> None:
        self._headers_timer = None
        self.transport.close()
