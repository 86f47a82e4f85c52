"""The conversation with one connected station: the session parses its messages and dispatch handles them;
commands to the station go through the same session.

A socket and the Redis queue both use it: they pass a function that sends and a function that closes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import msgspec
import structlog

from ocpp_server.live.station import Station
from ocpp_server.live.unit_of_work import UnitOfWork
from ocpp_server.observability import frame_log, measures
from ocpp_server.observability.masking import masked_frame
from ocpp_server.protocol import frames, registry
from ocpp_server.protocol.dispatch import CommitRefused, Exchange, StorageUnavailable, dispatch, packed
from ocpp_server.protocol.errors import ClosingError
from ocpp_server.protocol.frames import Call
from ocpp_server.protocol.registry import Handler
from ocpp_server.protocol.session import (
    Answered,
    Ignored,
    Incoming,
    Late,
    Refused,
    Repeated,
    ResultRefused,
    Session,
    Streamed,
)
from ocpp_server.transport import message_log, quarantine
from ocpp_server.transport.command_queue import Close, Outgoing, OutgoingCalls
from ocpp_server.transport.command_results import Finished, Send
from ocpp_server.transport.fair_lock import FairLock
from ocpp_server.transport.messages import StationCall

log = structlog.get_logger(__name__)

# Before a socket is closed, the answer to the current message has this many seconds to be written to it.
UNREAD_S = 1.0
# The registration status of a station to which nothing is sent (1.6 4.2, 2.0.1 B03).
_REJECTED = "Rejected"
# The close code of a station that is not the one it claims to be (RFC 6455 7.4.1).
_POLICY = 1008


def _message_id(event: object) -> str:
    """The message id of an event of the session; empty for an event without one."""
    if isinstance(event, Incoming | Repeated | Refused):
        return event.call.id
    if isinstance(event, Streamed):
        return event.send.id
    return event.outgoing.id if isinstance(event, Answered) else ""


class StationConnection:
    """The conversation with one station over one connection. `finished(command id, reply channel)` notifies
    the process that waits for a command.
    """

    def __init__(
        self,
        station: Station,
        *,
        send: Send,
        close: Close,
        finished: Finished,
        silence: Callable[[], float] | None = None,
        ping: Callable[[], None] | None = None,
        outgoing: Callable[..., Outgoing] = OutgoingCalls,
    ) -> None:
        self.station = station
        self._silence = silence
        self._ping = ping
        self.is_replaced = False
        if frame_log.is_on():
            send = frame_log.sending(station, send)
            self.received = frame_log.receiving(station, self.received)  # type: ignore[method-assign, assignment]
        self._send = send
        self._close = close
        self._session = Session(station.version, memory=station.memory)
        self._work = UnitOfWork(station)
        self._outgoing = outgoing(station, self._session, send=send, close=close, finished=finished)
        # The lock is held while a message changes the station. A newer connection waits for it before it
        # loads the station.
        self._busy = FairLock()

    # -- from the station -----------------------------------------------------------------------

    async def received(self, text: str, at: datetime | None = None) -> None:
        """Handle one frame. When this returns, its changes are committed and its answer is sent.

        `at` is the time when the frame arrived; None means now.
        """
        if not self._busy.take():
            await self._busy.wait()
        station = self.station
        try:
            if self.is_replaced:
                return
            station.begin(text, at or datetime.now(UTC))
            event = self._session.receive(text, time.monotonic(), strict=station.strict)
            with self._work:
                if type(event) is Incoming:
                    await self._serve(event.call)
                else:
                    await self._react(event)
        except StorageUnavailable as error:
            measures.unanswered.add("storage-away")
            # 1013 is "try again later". The station keeps every message that was not answered.
            await self._close(1013, error.sentence)
        except CommitRefused:
            measures.unanswered.add("unstorable")
            log.exception(
                "connection.unstorable",
                station=station.identity,
                message_id=_message_id(event),
                action=station.action,
            )
            await self._close(1011, "The message could not be stored.")
        finally:
            self._busy.release()

    async def _react(self, event: object) -> None:
        """Handle any event but a request."""
        if isinstance(event, Repeated):
            self.station.action = event.call.action
            measures.repeated.add(measures.known(event.call.action))
            self.station.deviation("repeated-message")
            await self._send(event.text)
        elif isinstance(event, Answered):
            await self._outgoing.answered(event)
        elif isinstance(event, Refused):
            await self._refuse(event)
        elif isinstance(event, Streamed) and self._serves(event.send):
            await dispatch(self.station, event.send, self)
        elif isinstance(event, Late) and event.late:
            self._count(event)
            await self._outgoing.late(event)
        else:
            self._count(event)

    async def _refuse(self, event: Refused) -> None:
        """Answer a frame that is not handled, after it was stored: a broken message about money is kept for
        the operator, because its station may discard it.
        """
        station, call = self.station, event.call
        if event.is_broken:
            call = msgspec.structs.replace(call, payload=masked_frame(call.payload))
        station.action, station.payload = call.action, call.payload
        self._count(event)
        exchange = Exchange(call)
        exchange.error = event.error
        await self.commit(exchange)
        if event.text:
            await self._send(event.text)
        if event.close:
            await self._close(1002, "Too many broken frames in a row.")

    def _serves(self, send: frames.Send) -> bool:
        station = self.station
        station.action, station.payload = send.action, send.payload
        return registry.handler(station.version, send.action) is not None

    def _count(self, event: object) -> None:
        """Count a frame that breaks the specification as a deviation."""
        station = self.station
        if isinstance(event, Refused):
            station.deviation("broken-frame", event.reason)
        elif isinstance(event, Late):
            station.deviation("late-answer" if event.late else "unknown-answer")
        elif isinstance(event, Streamed):
            station.deviation("unserved-stream", event.send.action)
        elif isinstance(event, ResultRefused):
            station.deviation("refused-our-answer", f"{event.frame.code}: {event.frame.description}")
        elif isinstance(event, Ignored):
            station.action = event.action
            station.deviation("ignored-frame", event.reason)

    async def _serve(self, call: Call) -> None:
        station = self.station
        station.action, station.payload = call.action, call.payload
        exchange = await dispatch(station, call, self)
        text = packed(exchange, station.version)
        assert text is not None
        self._session.answered(call, text, time.monotonic())
        await self._send(text)
        if isinstance(exchange.error, ClosingError):
            await self._close(_POLICY, exchange.error.description)
        measures.handled(exchange)
        if exchange.error is None:
            for after in registry.after_handlers(station.version, call.action):
                await self._run_after(after, exchange)
            if station.registration_status != _REJECTED:
                self._outgoing.settled()

    async def _run_after(self, after: Handler, exchange: Exchange) -> None:
        """Run an @after handler. A failing one cannot undo the answer and must not close the socket."""
        station = self.station
        try:
            await after(station, exchange.payload)
            await self._work.store()
        except StorageUnavailable:
            raise
        except Exception:
            log.exception(
                "after_handler.failed",
                station=station.identity,
                message_id=exchange.call.id,
                action=exchange.call.action,
            )
            await self._work.roll_back()

    async def commit(self, exchange: Exchange) -> None:
        """Store the changes of the current message, with its row of the message log. See `dispatch.Work`."""
        if exchange.error is not None:
            await quarantine.port.app.keep_refused(self.station, exchange)
        message_log.record_incoming(self.station, exchange)
        await self._work.store()
        self.station.in_doubt = False

    async def roll_back(self) -> None:
        """Undo the changes of the current message. See `dispatch.Work`."""
        await self._work.roll_back()

    # -- to the station -------------------------------------------------------------------------

    async def call(self, command: StationCall) -> None:
        """Send a command, or queue it behind others. Its `reply_to` is notified of the result."""
        await self._outgoing.call(command)

    # -- the end --------------------------------------------------------------------------------

    async def replace(self) -> None:
        """Close, because the station has a newer connection."""
        await self.finish(1001, "Replaced by a newer connection.")

    async def finish(self, code: int, reason: str) -> None:
        """Answer the current message, accept no other, close."""
        self.is_replaced = True
        try:
            async with asyncio.timeout(UNREAD_S), self._busy:
                pass
        except TimeoutError:
            if not self._session.is_serving:
                # The station does not read its answer: only closing the socket ends the pending write.
                await self._close(code, reason)
            async with self._busy:
                pass
        await self._close(code, reason)

    async def between_messages(self, job: Callable[[Station, UnitOfWork], Awaitable[None]]) -> None:
        """Run a job on the station while no message changes it. Raises StorageUnavailable, CommitRefused."""
        async with self._busy:
            with self._work:
                await job(self.station, self._work)

    @property
    def is_awaited(self) -> bool:
        """Whether the station has not answered a command that was sent."""
        return self._session.outstanding is not None

    async def changed(self) -> bool:
        """Load the settings that an operator has changed. True when this change accepted the station."""
        async with self._busy:
            was_accepted = self.station.is_accepted
            await self._work.roll_back()
            is_accepted_now = self.station.is_accepted and not was_accepted
            if is_accepted_now:
                # It is asked to boot, although it may have sent nothing so far.
                self._outgoing.settled()
            return is_accepted_now

    def is_silent(self, allowed: timedelta) -> bool:
        """Whether nothing was received for this long; pongs count where the HTTP server reports them."""
        since = datetime.now(UTC) - self.station.last_seen_at
        if since <= allowed:  # equivalent: the clock does not stop at this moment
            return False
        return self._silence is None or self._silence() > allowed.total_seconds()

    def silence_s(self) -> float | None:
        """Seconds since the station sent anything, pongs included; None where that is unknown."""
        return None if self._silence is None or self._ping is None else self._silence()

    def ping(self) -> None:
        """Send a ping, if the HTTP server can."""
        if self._ping is not None:
            self._ping()

    async def dismiss(self, code: int, reason: str) -> None:
        """Close with this code and reason."""
        await self._close(code, reason)

    async def closed(self) -> None:
        """End the commands that were not answered, because the connection is closed. None of them is sent
        again over the next connection.
        """
        await self._outgoing.closed()
