"""One station's socket at a gateway: flow control, the frames to push and the answers to send."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any

import structlog

from ocpp_server.transport.gateway.uplink import Uplink
from ocpp_server.transport.queue import envelope

log = structlog.get_logger(__name__)

# With more unread envelopes than HELD_ABOVE in its queue, a socket is not read until there are fewer than
# READ_BELOW.
HELD_ABOVE, READ_BELOW = 50, 25
# With more unread envelopes than this, the socket is closed: other sockets of the same identity may have
# filled the queue.
OVERFLOW_ABOVE = 500
# The socket is not read while this many of its frames are not pushed yet.
WINDOW = 16
# At most this many messages wait for a station that does not read; OCPP_WRITE_TIMEOUT limits how long.
MAX_UNREAD = 256
# How often a socket that is not read is checked for a lost connection.
CHECK_S = 5.0
# Poll stations that have waited this long: the wake-up may have been lost if Redis was flushed.
OVERDUE_S = 1.0
# How long the gateway waits at shutdown for the answers to received frames.
LAST_ANSWER_S = 5.0


class GatewaySocket:
    """Belongs to one event loop. `server_id` is the name of the gateway. `fields` are stored with the
    session. A station that has sent nothing for `silence_allowed` seconds is silent.
    """

    def __init__(
        self,
        identity: str,
        session_id: str,
        protocol: str,
        server_id: str,
        *,
        fields: dict[str, str],
        silence_allowed: float,
        uplink: Uplink,
        scope: Any,
        send: Any,
    ) -> None:
        self.identity = identity
        self.session_id = session_id
        self.protocol = protocol
        self.fence = ""
        # Set when a newer connection may have been registered elsewhere: compare with Redis after the
        # registration of this one.
        self.must_refresh = False
        self.fields = fields
        self.outbox: list[bytes] = []
        self.first = 1
        self.ended: str | None = None
        self.silence_allowed = silence_allowed
        self._server_id = server_id
        self._uplink = uplink
        self._send = send
        extensions = scope.get("extensions", {})
        self._is_writable: Callable[[], bool] = extensions.get("ocpp.writable", lambda: True)
        self._is_lost: Callable[[], bool] = extensions.get("ocpp.lost", lambda: False)
        self._silence: Callable[[], float] | None = extensions.get("ocpp.silence")
        self._ping: Callable[[], None] | None = extensions.get("ocpp.ping")
        self._received_at = time.monotonic()
        self._number = 0
        self._in_flight = 0
        self._is_held = False
        self._flows = asyncio.Event()
        self._flows.set()
        self._is_open = self._is_closed = False
        self._writing: asyncio.Task[None] | None = None
        self._texts: list[str] = []
        self._close_frame: tuple[int, str] | None = None
        self._is_finishing = False
        # The number of unanswered calls of the station, and since when it has waited (monotonic seconds).
        self._unanswered = 0
        self._waiting_since = 0.0  # equivalent: read only while a call is unanswered
        # The id of the command that the station has not answered.
        self._open_command: str | None = None
        self._all_answered = asyncio.Event()

    # -- from the station -----------------------------------------------------------------------

    def received(self, text: str) -> None:
        """Queue a frame. Check `is_stopped` afterwards."""
        self._received_at = time.monotonic()
        self._number += 1
        head = envelope.read_head(text)
        if head.kind == 2:
            if not self._unanswered:
                self._waiting_since = self._received_at
            self._unanswered += 1
        elif head.message_id == self._open_command:
            self._open_command = None
        frame = envelope.pack_frame(
            text,
            self.identity,
            session_id=self.session_id,
            ws_server_id=self._server_id,
            protocol=self.protocol,
            seq=self._number,
            head=head,
        )
        self._in_flight += 1
        self._uplink.push(self, frame)
        if self._in_flight >= WINDOW:
            self._flows.clear()

    @property
    def is_stopped(self) -> bool:
        """Whether the socket must not be read for now."""
        return not self._flows.is_set()

    async def flowing(self) -> bool:
        """Wait until the socket may be read again; False when the connection is lost."""
        while not self._flows.is_set():
            try:
                async with asyncio.timeout(CHECK_S):
                    await self._flows.wait()
            except TimeoutError:
                if self._is_lost():
                    return False
        return True

    def pushed(self, frames: int, queue: int) -> None:
        """Note that this many frames were pushed; `queue` is the length of the queue now."""
        self._in_flight -= frames
        if queue > OVERFLOW_ABOVE and self._close_frame is None:
            log.error("gateway.overflow", station=self.identity, queue=queue)
            self._push_overflow()
            self.close_soon(1013, "Too many messages wait; try again later.")
        self.queue_has(queue)

    def queue_has(self, queue: int) -> None:
        """Note the length of the queue, which decides whether the socket may be read."""
        self._is_held = queue > (READ_BELOW - 1 if self._is_held else HELD_ABOVE)
        if self._close_frame or not (self._is_held or self._in_flight >= WINDOW):
            self._flows.set()
        else:
            self._flows.clear()

    def _push_overflow(self) -> None:
        control = envelope.pack_control(
            envelope.OVERFLOW,
            self.identity,
            session_id=self.session_id,
            ws_server_id=self._server_id,
            protocol=self.protocol,
            reason="The queue is too long.",
        )
        self._uplink.push(self, control)

    # -- to the station --------------------------------------------------------------------------

    async def deliver(self, answer: bytes) -> None:
        """Send an envelope of the server. Does not wait for a station that does not read: a task writes to
        it.
        """
        read = envelope.parse(answer)
        if read.session_id and read.session_id != self.session_id:
            log.info("gateway.answer_void", station=self.identity)
        elif read.event == envelope.CLOSE:
            self.close_soon(read.code or 1000, read.reason)
        elif not read.is_control:
            text = read.frame
            self._note(read, text)
            if self._is_open and self._writing is None and self._is_writable():
                await self._write(text)
            elif len(self._texts) < MAX_UNREAD:
                self._texts.append(text)
                self._write_soon()
            else:
                self._texts.clear()
                self.close_soon(1008, "The station does not read its messages.")

    def _note(self, read: envelope.Envelope, text: str) -> None:
        """Note which calls are unanswered, before a frame is sent."""
        kind, message_id = read.message_type, None
        if kind not in (3, 4):
            # A command, or an envelope of another server, which may leave these fields out.
            _, kind, message_id, _ = envelope.read_head(text)
        if kind == 2:
            self._open_command = message_id
        elif kind in (3, 4) and self._unanswered:
            self._unanswered -= 1
            self._waiting_since = time.monotonic()
            if not self._unanswered:
                self._all_answered.set()

    def opened(self) -> None:
        """Send the messages that came before the handshake was complete."""
        self._is_open = True
        if self._texts or self._close_frame is not None:
            self._write_soon()

    async def _write(self, text: str) -> None:
        if not self._is_closed:
            # The errors mean that the socket is closed or closing; the disconnect that follows cleans up.
            with contextlib.suppress(OSError, RuntimeError):
                await self._send({"type": "websocket.send", "text": text})

    def _write_soon(self) -> None:
        if self._is_open and self._writing is None:
            self._writing = asyncio.get_running_loop().create_task(self._write_all())

    async def _write_all(self) -> None:
        try:
            while self._texts:
                await self._write(self._texts.pop(0))
            if self._close_frame is not None:
                code, reason = self._close_frame
                self._is_closed = True
                log.info("station.closing", station=self.identity, code=code, reason=reason)
                with contextlib.suppress(OSError, RuntimeError):
                    await self._send({"type": "websocket.close", "code": code, "reason": reason})
        finally:
            self._writing = None

    # -- the end ---------------------------------------------------------------------------------

    @property
    def is_leaving(self) -> bool:
        """Whether further frames of the station are discarded."""
        return self._close_frame is not None or self._is_finishing

    def close_soon(self, code: int, reason: str) -> None:
        """Close the socket after the waiting messages are sent."""
        if self._close_frame is None:
            self._close_frame = (code, reason)
            self._flows.set()
            self._write_soon()

    def replaced(self) -> None:
        """Close, because a newer connection holds the station."""
        if self._close_frame is None and self.ended is None:
            log.warning("station.replaced", station=self.identity, session=self.session_id)
        self.close_soon(1001, "Replaced by a newer connection.")

    def failed(self, reason: str) -> None:
        """Close, because frames cannot be pushed: the station keeps every message that was not answered."""
        self.close_soon(1011, reason)

    @property
    def is_awaited(self) -> bool:
        """Whether the station has not answered a command."""
        return self._open_command is not None

    async def finish(self, code: int, reason: str) -> None:
        """Accept no more frames, wait for the answers to the received ones, close."""
        self._is_finishing = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_ANSWER_S):
                while self._unanswered:
                    self._all_answered.clear()
                    await self._all_answered.wait()
        self.close_soon(code, reason)

    # -- checks of the gateway -------------------------------------------------------------------

    def is_overdue(self, now: float) -> bool:
        """Whether the station has waited OVERDUE_S for an answer, or its queue is too long. `now` is in
        monotonic seconds.
        """
        return self._is_held or bool(self._unanswered and now - self._waiting_since >= OVERDUE_S)

    def is_silent(self, now: float) -> bool:
        """Whether nothing was received for too long; pongs count where the HTTP server reports them. A socket
        that is not read is never silent.
        """
        silence = now - self._received_at
        return (
            not self.is_stopped
            and silence > self.silence_allowed
            and (self._silence is None or self._silence() > self.silence_allowed)
        )

    def silence_s(self) -> float | None:
        """Seconds since the station sent anything, pongs included; None where the HTTP server reports none. A
        socket that is not read is never silent.
        """
        if self._silence is None or self._ping is None:
            return None
        return 0.0 if self.is_stopped else self._silence()

    def ping(self) -> None:
        """Send a ping, if the HTTP server can."""
        if self._ping is not None:
            self._ping()
