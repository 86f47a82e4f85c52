"""uvicorn's protocol classes adapted to stations: lenient with pings, bounded before the handshake.

They override private parts of uvicorn and websockets. HTTP_PLAIN_SOCKETS=1 serves without them, and
`test_overridden_parts` fails when either package changes one of those parts.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import deque
from collections.abc import Awaitable, Generator
from typing import Any

import structlog
from django.conf import settings
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import State
from websockets.streams import StreamReader

from ocpp_server.bounds.connections import BoundedConnection
from ocpp_server.process.whole_frames import text_bytes, text_frame
from ocpp_server.transport import shutdown

log = structlog.get_logger(__name__)

# The messages that may wait behind the current one before reading is paused. uvicorn allows none: it pauses
# and resumes reading for every message, with two system calls.
READ_AHEAD = 2

# The send buffer of a socket in the kernel, which a station that does not read fills; its default is
# megabytes.
SEND_BUFFER = 64 * 1024
# The messages of a refused handshake; after the handshake, the first one closes the socket.
_REFUSALS = ("websocket.close", "websocket.http.response.body")
# The close code that is logged for a station that did not read; the station cannot receive it.
NOT_READ = 1011


def _without_traceback(record: logging.LogRecord) -> bool:
    """Log invalid UTF-8 as a warning without a traceback: it is a fault of the station, not of the server."""
    if str(record.msg).startswith("Invalid UTF-8"):
        record.exc_info, record.levelno, record.levelname = None, logging.WARNING, "WARNING"
    return True


logging.getLogger("uvicorn.error").addFilter(_without_traceback)


class _Reader(StreamReader):
    """A reader that records whether the parser is between two frames, with no byte of the next one read."""

    is_between_frames = False

    def at_eof(self) -> Generator[None, None, bool]:
        # The parser calls this before every frame, and nowhere else.
        while not self.buffer:
            if self.eof:
                return True
            self.is_between_frames = True
            yield
            self.is_between_frames = False
        return False


class _MessageQueue:
    """A queue of received messages for one reader: `asyncio.Queue` needs two more coroutines a message."""

    __slots__ = ("_loop", "items", "_waiter")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.items: deque[Any] = deque()
        self._waiter: asyncio.Future[None] | None = None

    def put_nowait(self, item: Any) -> None:
        self.items.append(item)
        waiter = self._waiter
        if waiter is not None:
            self._waiter = None
            if not waiter.done():
                waiter.set_result(None)

    def filled(self) -> asyncio.Future[None]:
        """A future that is done when a message arrives."""
        self._waiter = self._loop.create_future()
        return self._waiter


class _Sent:
    """The awaitable that `send` returns for a frame that was already written."""

    __slots__ = ()

    def __await__(self) -> Generator[None, None, None]:
        return
        yield


_SENT = _Sent()


class StationSocket(WebSocketsSansIOProtocol):
    """The WebSocket of a station. A missing pong closes it only if the station has answered a ping before.

    Some stations never answer a ping, or not while they are sending: any data counts as a sign of life, and
    for a station that has never answered a ping only the job `close_silent` closes the socket.

    A station that does not read (F37) fills the kernel's buffer and 64 KiB of uvicorn's. From then on senders
    to this station wait, OCPP_WRITE_TIMEOUT at most.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._has_ponged = False
        self._received_at = 0.0
        self._write_timer: asyncio.TimerHandle | None = None
        self.queue = self._messages = _MessageQueue(self.loop)  # type: ignore[assignment]
        # The parser of `websockets`, restarted with the reader that records whether it is between frames.
        self._reader = self.conn.reader = _Reader()
        self.conn.parser = self.conn.parse()
        next(self.conn.parser)
        # Whether frames can be read and written without the parser: no compression was negotiated.
        self._is_plain = False
        self._max_size = self.config.ws_max_size

    def data_received(self, data: bytes) -> None:
        self._received_at = self.loop.time()
        conn = self.conn
        if (
            self._is_plain
            and self._reader.is_between_frames
            and conn.current_size is None
            and conn.state is State.OPEN
            and not self.close_sent
        ):
            text = text_bytes(data, self._max_size)
            if text is not None and self._enqueue(text):
                return
        super().data_received(data)
        if conn.handshake_exc is not None and not self.handshake_initiated:
            # The request can't be read, for example with a header of 9,000 bytes: uvicorn does not send the
            # library's answer (431).
            self.transport.write(b"".join(conn.data_to_send()))
            self.transport.close()

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        if not self.close_sent:
            self._is_plain = not self.conn.extensions
            extensions: dict[str, Any] = self.scope["extensions"]
            extensions["ocpp.peer"] = self.client[0] if self.client else ""
            extensions["ocpp.silence"] = self._silence
            extensions["ocpp.ping"] = self._ping
            extensions["ocpp.writable"] = self.writable.is_set
            extensions["ocpp.lost"] = lambda: self.disconnected

    def _silence(self) -> float:
        """Seconds since the last data from the station, pongs included."""
        return self.loop.time() - self._received_at

    def _ping(self) -> None:
        """Send a ping. Its pong is not compared: any data counts as a sign of life."""
        if self._can_write():
            self.conn.send_ping(b"probe")
            self.transport.write(b"".join(self.conn.data_to_send()))

    def handle_text(self, event: Any) -> None:
        # Only a message in a single frame, as nearly all are; uvicorn handles fragments.
        if not event.fin or self.close_sent or not self._enqueue(event.data):
            super().handle_text(event)

    def _enqueue(self, data: bytes) -> bool:
        """Put a message into the queue; False when it is not UTF-8."""
        try:
            text = data.decode()
        except UnicodeDecodeError:
            return False
        messages = self._messages
        messages.put_nowait({"type": "websocket.receive", "text": text})
        if len(messages.items) > READ_AHEAD and not self.read_paused:
            self.read_paused = True
            self.transport.pause_reading()
        return True

    async def receive(self) -> Any:
        messages = self._messages
        while not messages.items:
            await messages.filled()
        message = messages.items.popleft()
        if self.read_paused and not messages.items:
            self.read_paused = False
            self.transport.resume_reading()
        return message

    def pause_writing(self) -> None:
        super().pause_writing()
        timeout_s = settings.OCPP_WRITE_TIMEOUT
        self._write_timer = self.loop.call_later(timeout_s, self._abort, NOT_READ, "not read")

    def resume_writing(self) -> None:
        self._cancel_write_timer()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_write_timer()
        super().connection_lost(exc)

    def send(self, message: Any) -> Awaitable[None]:  # type: ignore[override]
        kind = message["type"]
        if kind == "websocket.send" and self._is_plain and self._can_write():
            text = message.get("text")
            frame = text_frame(text) if text is not None else None
            if frame is not None:
                self.transport.write(frame)
                return _SENT
        if kind == "websocket.close" and self.handshake_complete:
            return self._send_close(message)
        if kind in _REFUSALS:
            return self._send_refusal(message)
        return super().send(message)

    async def _send_refusal(self, message: Any) -> None:
        """Send a refusal and mark the handshake as complete.

        uvicorn marks it only when the socket is lost, and would log an error about every refusal. When the
        process stops, uvicorn has answered the open handshakes itself, and a second answer would be an error
        with a traceback.
        """
        if not self.conn.eof_sent:
            await super().send(message)
        self.handshake_complete = self.handshake_complete or self.close_sent or self.conn.eof_sent

    def send_500_response(self) -> None:
        """Answer an open handshake, unless it is answered: an error in it may come before the process stops
        or after, and a second answer would end the process with a traceback.
        """
        if not self.conn.eof_sent:
            super().send_500_response()

    def _can_write(self) -> bool:
        return (
            self.handshake_complete
            and not self.close_sent
            and not self.disconnected
            and self.conn.state is State.OPEN
            and self.writable.is_set()
        )

    async def _send_close(self, message: Any) -> None:
        """Close the socket; without a close frame when the station does not read and would not receive it."""
        if not self.writable.is_set():
            self._abort(message.get("code", 1000), message.get("reason") or "")
            return
        await super().send(message)
        # A closing transport waits until the station has read everything: limit that time.
        self.loop.call_later(self.close_timeout, self.transport.abort)

    def _abort(self, code: int, reason: str) -> None:
        self._cancel_write_timer()
        if not self.disconnected:
            log.warning("socket.cut", code=code, reason=reason, path=self.scope["path"])
            self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
            self.transport.abort()

    def _cancel_write_timer(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def handle_pong(self, event: Any) -> None:
        pending = self.pending_ping_payload
        if pending is not None and bytes(event.data) == pending:
            self._has_ponged = True
        super().handle_pong(event)

    def shutdown(self) -> None:
        """Drain the sockets when the server stops: each is closed when its current message is answered.

        uvicorn, which waits for this, would close all of them at once (1012), with messages unanswered.
        """
        if self.handshake_complete:
            shutdown.drain()
        else:
            super().shutdown()

    def keepalive_timeout(self) -> None:
        # While reading is paused, a pong may be waiting behind messages that were not read.
        if self._has_ponged and self._received_at < self.ping_sent_at and not self.read_paused:
            super().keepalive_timeout()
            return
        self.pong_timer = None
        self.pending_ping_payload = None
        if not self.close_sent and not self.transport.is_closing():
            self.schedule_ping()


class StationHttp(BoundedConnection):
    """uvicorn's HTTP protocol with limits; it also handles the handshakes of stations."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        # Disable the access log again: uvicorn disables its logger, and Django's logging, set up later,
        # enables it.
        self.access_log = self.access_log and self.config.access_log
