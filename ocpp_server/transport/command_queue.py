"""The queue of commands to one station: it sends them one by one, and every command gets a final state."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Protocol

import structlog

from ocpp_server.domain import QueueFull as DomainQueueFull
from ocpp_server.live.station import Station
from ocpp_server.protocol.dispatch import StorageUnavailable
from ocpp_server.protocol.session import Answered, Late, OutgoingCall, QueueFull, Session, SessionClosed
from ocpp_server.storage.journal import journal
from ocpp_server.transport import command_store
from ocpp_server.transport.command_results import CommandResults, Finished, Send
from ocpp_server.transport.command_store import NOT_SENT, QUEUE_FULL, State
from ocpp_server.transport.messages import StationCall

log = structlog.get_logger(__name__)

# Nothing is sent before the station has sent its boot or another message (1.6 4.2, 2.0.1 B01, B02). A station
# may only have reconnected, which needs no boot (1.6J 5.4): an accepted one gets commands after this many
# seconds.
SETTLE_S = 30.0

Close = Callable[[int, str], Awaitable[None]]


def settle_s(station: Station) -> float | None:
    """The seconds after which commands are sent to a station that has sent nothing; None for never."""
    return SETTLE_S if station.is_accepted else None


class Outgoing(Protocol):
    """The commands of a connection, queued in this process or in Redis."""

    async def call(self, command: StationCall) -> None: ...
    def settled(self) -> None: ...
    async def answered(self, event: Answered) -> None: ...
    async def late(self, event: Late) -> None: ...
    async def closed(self) -> None: ...


class OutgoingCalls:
    """The commands of one connection. `finished(command id, reply channel)` notifies the waiting process."""

    def __init__(
        self, station: Station, session: Session, *, send: Send, close: Close, finished: Finished
    ) -> None:
        self._station = station
        self._session = session
        self._send = send
        self._close = close
        self._results = CommandResults(station, send=send, finished=finished)
        # The commands until the station has sent its first message, each with the timer of its deadline.
        self._waiting: dict[str, tuple[OutgoingCall, asyncio.TimerHandle]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self._deadline: asyncio.TimerHandle | None = None
        self._has_settled = False
        seconds = settle_s(station)
        self._settle = None if seconds is None else self._loop.call_later(seconds, self.settled)

    async def call(self, command: StationCall) -> None:
        """Send a command, or queue it behind others. Its `reply_to` is notified of the result."""
        self._results.expect(command.id, command.reply_to)
        expires_at = time.monotonic() + command.timeout
        outgoing = OutgoingCall(
            command.id,
            command.action,
            command.payload,
            command.timeout,
            expires_at=expires_at,
            actor=command.actor,
        )
        if not self._has_settled:
            timer = self._loop.call_later(command.timeout, self._spawn, self._expire_unsent, command.id)
            self._waiting[command.id] = outgoing, timer
            return
        await self._submit(outgoing)

    def settled(self) -> None:
        """Send the queued commands: the station has sent its first message, or the wait for it is over."""
        if self._has_settled:
            return
        self._has_settled = True
        if self._settle is not None:
            self._settle.cancel()
            self._settle = None
        for outgoing in self._take_waiting():
            self._spawn(self._submit, outgoing)

    def _take_waiting(self) -> list[OutgoingCall]:
        waiting, self._waiting = self._waiting, {}
        for _, timer in waiting.values():
            timer.cancel()
        return [outgoing for outgoing, _ in waiting.values()]

    async def answered(self, event: Answered) -> None:
        """Send the next command, then handle the answer to this one."""
        await self._sent(event.next)
        await self._results.answered(event.outgoing, event.frame)

    async def late(self, event: Late) -> None:
        """Store the answer to a command that had ended without one."""
        await self._results.late(event)

    async def closed(self) -> None:
        """End all commands, because the socket is closed. None of them is sent again over the next socket."""
        for timer in (self._settle, self._deadline):
            if timer is not None:
                timer.cancel()
        self._settle = self._deadline = None
        self._has_settled = True
        for outgoing in [*self._session.close(), *self._take_waiting()]:
            await self._results.finish(outgoing, state=State.DISCONNECTED)

    # -- one after the other --------------------------------------------------------------------

    async def _submit(self, outgoing: OutgoingCall) -> None:
        now = time.monotonic()
        if outgoing.expires_at is not None and now >= outgoing.expires_at:
            await self._end_unsent(outgoing)
            return
        try:
            text = self._session.submit(outgoing, now)
        except QueueFull:
            await self._results.finish(
                outgoing,
                state=State.ERROR,
                error_code=QUEUE_FULL,
                error_description=DomainQueueFull.sentence,
            )
            return
        except SessionClosed:
            await self._results.finish(outgoing, state=State.DISCONNECTED)
            return
        await self._sent(text)

    async def _expire_unsent(self, command_id: str) -> None:
        """End a command whose deadline has passed before the station sent anything."""
        found = self._waiting.pop(command_id, None)
        if found is not None:
            await self._end_unsent(found[0])

    async def _end_unsent(self, outgoing: OutgoingCall) -> None:
        await self._results.finish(outgoing, state=State.TIMEOUT, error_description=NOT_SENT)

    async def _sent(self, text: str | None) -> None:
        """Send the next frame, if there is one, and store that it was sent. Set the timer of the next
        deadline.
        """
        outgoing = self._session.outstanding
        self._arm()
        if text is None or outgoing is None:
            return
        await self._send(text)
        await journal.run(command_store.port.app.mark_sent, outgoing.id, datetime.now(UTC))

    def _arm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        deadline = self._session.next_deadline
        if deadline is not None:
            # One that has passed makes a negative delay, which is none.
            delay = deadline - time.monotonic()
            self._deadline = self._loop.call_later(delay, self._spawn, self._expire)

    async def _expire(self) -> None:
        expired, text = self._session.expire(time.monotonic())
        await self._sent(text)
        for outgoing in expired:
            await self._results.finish(outgoing, state=State.TIMEOUT)

    def _spawn(self, function: Callable[..., Awaitable[None]], *args: Any) -> None:
        task = self._loop.create_task(self._guarded(function, *args))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, function: Callable[..., Awaitable[None]], *args: Any) -> None:
        try:
            await function(*args)
        except StorageUnavailable as error:
            await self._close(1013, error.sentence)
        except Exception:
            log.exception("connection.failed", station=self._station.identity)
