"""One connected station: its words go through session and dispatch, ours through session and out.

Knows no transport: the WebSocket consumer hands it a way to send and a way to close.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog
from django.db import Error as DatabaseError

from chargepoints import message_log, outcomes
from chargepoints.models import Command
from chargepoints.tables import COMMANDS
from ocpp_server import live
from ocpp_server.domain import QueueFull as DomainQueueFull
from ocpp_server.journal import Unit, journal
from ocpp_server.live.loading import load_station
from ocpp_server.live.station import Station
from ocpp_server.masking import masked, masked_text
from ocpp_server.protocol import registry, schemas
from ocpp_server.protocol.dispatch import CommitRefused, Exchange, StorageUnavailable, dispatch, packed
from ocpp_server.protocol.errors import InternalError, OcppError
from ocpp_server.protocol.frames import CallError, CallResult, pack_result_error
from ocpp_server.protocol.session import (
    Answered,
    Ignored,
    Incoming,
    Late,
    OutgoingCall,
    QueueFull,
    Refused,
    Repeated,
    ResultRefused,
    Session,
    SessionClosed,
    Streamed,
)
from ocpp_server.protocol.versions import V21
from transactions.services import quarantine

log = structlog.get_logger(__name__)

# Some stations fall over when they are called before they have finished booting: wait for their first word
# this long, and not so long for one that has booted before and may only have reconnected.
SETTLE_S = 10.0
SETTLE_KNOWN_S = 2.0
QUEUE_FULL = "QueueFull"

Finished = Callable[[str, str], Awaitable[None]]


class StationConnection:
    """The conversation with one station over one socket. `finished(command id, reply channel)` tells who
    waits.
    """

    def __init__(
        self,
        station: Station,
        *,
        send: Callable[[str], Awaitable[None]],
        close: Callable[[int, str], Awaitable[None]],
        finished: Finished,
    ) -> None:
        self.station = station
        self.is_replaced = False
        self._send = send
        self._close = close
        self._finished = finished
        self._session = Session(station.version, memory=station.memory)
        self._reply_channels: dict[str, str] = {}
        self._waiting: list[OutgoingCall] = []
        self._loop = asyncio.get_running_loop()
        self._deadline: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        # Held while a message changes the station's state: a newer connection waits for it before it loads.
        self._busy = asyncio.Lock()
        self._settle = self._loop.call_later(
            SETTLE_KNOWN_S if station.has_booted else SETTLE_S, self._settled
        )

    # -- what the station says ------------------------------------------------------------------

    async def received(self, text: str) -> None:
        """Handle one frame. Everything it changes is committed when this returns, and its answer has left."""
        async with self._busy:
            if self.is_replaced:
                return
            station = self.station
            station.received_at = station.last_seen_at = datetime.now(UTC)
            station.frame = text
            try:
                await self._react(self._session.receive(text, time.monotonic()))
            except StorageUnavailable:
                # What the message did to the live state is not stored; a transaction that never was must not
                # keep a card from charging elsewhere. The station's next connection loads what is.
                for transaction in station.transactions.values():
                    live.state().transaction_abandoned(transaction.id, transaction.token_key)
                # 1013: try again later. The station keeps what was not answered.
                await self._close(1013, "The database is away; try again later.")
            except CommitRefused:
                log.exception("connection.unstorable", station=station.identity, action=station.action)
                await self._close(1011, "The message could not be stored.")

    async def _react(self, event: object) -> None:
        if isinstance(event, Incoming):
            await self._serve(event)
        elif isinstance(event, Repeated):
            self.station.action = event.call.action
            self.station.deviation("repeated-message")
            await self._send(event.text)
        elif isinstance(event, Answered):
            if event.next:
                await self._send(event.next)
                await self._note_sent()
            await self._answered(event.outgoing, event.frame)
        elif isinstance(event, Refused):
            self._count(event)
            if event.text:
                await self._send(event.text)
            if event.close:
                await self._close(1002, "Too many broken frames in a row.")
        elif isinstance(event, Streamed) and self._serves(event.send.action):
            await dispatch(self.station, event.send, self._commit)
        elif isinstance(event, Late) and event.late:
            self._count(event)
            await self._late(event)
        else:
            self._count(event)

    def _serves(self, action: str) -> bool:
        self.station.action = action
        return registry.handler(self.station.version, action) is not None

    def _count(self, event: object) -> None:
        """Note a frame that has no other effect, or an odd one."""
        station = self.station
        if isinstance(event, Refused):
            station.action = ""
            station.deviation("broken-frame", event.reason)
        elif isinstance(event, Late):
            station.deviation("late-answer" if event.late else "unknown-answer")
        elif isinstance(event, Streamed):
            station.deviation("unserved-stream", event.send.action)
        elif isinstance(event, ResultRefused):
            station.deviation("refused-our-answer", f"{event.frame.code}: {event.frame.description}")
        elif isinstance(event, Ignored):
            station.deviation("ignored-frame", event.reason)

    async def _serve(self, event: Incoming) -> None:
        station, call = self.station, event.call
        station.action, station.payload = call.action, call.payload
        exchange = await dispatch(station, call, self._commit)
        text = packed(exchange, station.version)
        assert text is not None
        self._session.answered(call, text, time.monotonic())
        await self._send(text)
        if exchange.error is None:
            after = registry.after_handler(station.version, call.action)
            if after is not None:
                await after(station, exchange.payload)
                await self._store(station.unit)
            self._settled()

    async def _commit(self, exchange: Exchange) -> None:
        """Store what the message in hand changed, with its row of the log. See `dispatch`."""
        station = self.station
        # A handler that failed may have done half its work, on the live state and in the unit.
        is_half_done = isinstance(exchange.error, InternalError)
        if exchange.error is not None:
            station.unit.clear()
            quarantine.keep_refused(station, exchange)
        message_log.record_incoming(station, exchange)
        try:
            await self._store(station.unit)
        except CommitRefused:
            is_half_done = True
            raise
        else:
            station.in_doubt = False
        finally:
            if is_half_done:
                await self._reload()

    @staticmethod
    async def _store(unit: Unit) -> None:
        if not unit:
            return
        try:
            await journal.commit(unit)
        except (DatabaseError, ValueError, OverflowError) as error:
            raise CommitRefused(str(error)) from error
        finally:
            unit.clear()

    async def _reload(self) -> None:
        """Take the station's state from the database again, in place: handlers and commands hold this
        object.
        """
        fresh = await journal.run(load_station, self.station.pk, self.station.version)
        self.station.take_over(fresh)
        for transaction in fresh.transactions.values():
            live.state().transaction_changed(transaction)

    # -- what we say ----------------------------------------------------------------------------

    async def call(
        self, *, command_id: str, action: str, payload: dict[str, Any], timeout: float, reply_to: str
    ) -> None:
        """Send a command, or let it wait its turn. Its end is told to `reply_to`."""
        self._reply_channels[command_id] = reply_to
        outgoing = OutgoingCall(command_id, action, payload, timeout)
        if self._settle is not None:
            self._waiting.append(outgoing)
            return
        await self._submit(outgoing)

    async def _submit(self, outgoing: OutgoingCall) -> None:
        try:
            text = self._session.submit(outgoing, time.monotonic())
        except QueueFull:
            await self._finish(
                outgoing,
                state=Command.State.ERROR,
                error_code=QUEUE_FULL,
                error_description=DomainQueueFull.sentence,
            )
            return
        except SessionClosed:
            await self._finish(outgoing, state=Command.State.DISCONNECTED)
            return
        if text is not None:
            await self._send(text)
            await self._note_sent()

    async def _note_sent(self) -> None:
        """Arm the deadline of the call in flight and record that it was sent."""
        outgoing = self._session.outstanding
        if outgoing is None or outgoing.deadline is None:
            return
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self._loop.call_later(
            max(0.0, outgoing.deadline - time.monotonic()), self._spawn, self._expire
        )
        await journal.run(_mark_sent, outgoing.id, datetime.now(UTC))

    def _settled(self) -> None:
        """The station has shown that it listens: send what waited."""
        if self._settle is None:
            return
        self._settle.cancel()
        self._settle = None
        waiting, self._waiting = self._waiting, []
        for outgoing in waiting:
            self._spawn(self._submit, outgoing)

    def _spawn(self, function: Callable[..., Awaitable[None]], *args: Any) -> None:
        task = self._loop.create_task(self._guarded(function, *args))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, function: Callable[..., Awaitable[None]], *args: Any) -> None:
        try:
            await function(*args)
        except StorageUnavailable:
            await self._close(1013, "The database is away; try again later.")
        except Exception:
            log.exception("connection.failed", station=self.station.identity)

    async def _expire(self) -> None:
        expired, text = self._session.expire(time.monotonic())
        if text is not None:
            await self._send(text)
            await self._note_sent()
        for outgoing in expired:
            await self._finish(outgoing, state=Command.State.TIMEOUT)

    async def _answered(self, outgoing: OutgoingCall, frame: CallResult | CallError) -> None:
        station = self.station
        station.action = outgoing.action
        if isinstance(frame, CallError):
            await self._finish(
                outgoing,
                unit=station.unit,
                state=Command.State.ERROR,
                error_code=frame.code[:64],
                error_description=frame.description[:1000],
                error_details=masked(frame.details),
            )
            return
        try:
            response = frame.json()
            for deviation in schemas.check(
                station.version, outgoing.action, "response", response, strict=station.strict
            ):
                station.deviation(deviation.kind, deviation.detail, path=deviation.path)
        except OcppError as error:
            station.deviation("invalid-answer", error.description)
            if station.version == V21:
                await self._send(pack_result_error(outgoing.id, error))
            await self._finish(
                outgoing,
                unit=station.unit,
                state=Command.State.INVALID,
                response={"raw": masked_text(frame.payload)},
                error_code=error.code_for(station.version),
                error_description=error.description,
            )
            return
        state, status = outcomes.judge(response)
        reply = registry.reply_handler(station.version, outgoing.action)
        if reply is not None:
            await reply(station, outgoing.payload, response, outgoing.id)
        await self._finish(
            outgoing,
            unit=station.unit,
            state=state,
            status=status,
            response=masked(response),
            answer=frame.payload,
        )

    async def _late(self, event: Late) -> None:
        payload = (
            event.frame.payload
            if isinstance(event.frame, CallResult)
            else orjson.dumps(event.frame.details).decode()
        )
        await journal.run(_mark_late, event.outgoing_id, masked_text(payload))

    async def _finish(
        self, outgoing: OutgoingCall, *, state: str, unit: Unit | None = None, answer: str = "", **values: Any
    ) -> None:
        """Store the final state of a command, then tell who waits for it.

        `unit` is the message's own when the station's answer brought the end; timers have one for themselves,
        because the station's may be in use.
        """
        station, now = self.station, datetime.now(UTC)
        unit = Unit() if unit is None else unit
        sent_at = outgoing.sent_at
        message_log.record_outgoing(
            station,
            unit,
            message_id=outgoing.id,
            action=outgoing.action,
            request=orjson.dumps(outgoing.payload).decode(),
            response=answer,
            error_code=values.get("error_code", "") or ("" if answer else state),
            error_description=values.get("error_description", ""),
            duration_ms=None if sent_at is None else (time.monotonic() - sent_at) * 1000,
        )
        unit.update(COMMANDS, outgoing.id, state=state, finished_at=now, **values)
        await self._store(unit)
        log.info(
            "command.finished",
            station=station.identity,
            message_id=outgoing.id,
            action=outgoing.action,
            state=state,
        )
        reply_to = self._reply_channels.pop(outgoing.id, "")
        if reply_to:
            await self._finished(outgoing.id, reply_to)

    # -- the end --------------------------------------------------------------------------------

    async def replace(self) -> None:
        """A newer connection of the station wins: finish the message in hand, take no other, close."""
        self.is_replaced = True
        async with self._busy:
            pass
        await self._close(1001, "Replaced by a newer connection.")

    async def changed(self) -> bool:
        """The operator changed the station's settings: take them over; whether it may work only from now
        on.
        """
        async with self._busy:
            was_accepted = self.station.is_accepted
            await self._reload()
            return self.station.is_accepted and not was_accepted

    async def dismiss(self, code: int, reason: str) -> None:
        """Close for a reason of ours."""
        await self._close(code, reason)

    async def closed(self) -> None:
        """The socket is gone: what was not answered never will be. Nothing is replayed to the next
        connection.
        """
        if self._settle is not None:
            self._settle.cancel()
            self._settle = None
        if self._deadline is not None:
            self._deadline.cancel()
        for outgoing in [*self._session.close(), *self._waiting]:
            await self._finish(outgoing, state=Command.State.DISCONNECTED)
        self._waiting.clear()


def _mark_sent(command_id: str, at: datetime) -> None:
    Command.objects.filter(pk=command_id, state=Command.State.QUEUED).update(
        state=Command.State.SENT, sent_at=at
    )


def _mark_late(command_id: str, payload: str) -> None:
    """The command timed out; what the station did all the same is worth knowing."""
    Command.objects.filter(pk=command_id, state=Command.State.TIMEOUT).update(
        state=Command.State.LATE, response={"late": orjson.loads(payload)}
    )
