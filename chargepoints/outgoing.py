"""What we say to one station: commands wait their turn, leave one by one, and every one of them ends."""

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
from ocpp_server.domain import QueueFull as DomainQueueFull
from ocpp_server.journal import Unit, journal
from ocpp_server.live.station import Station
from ocpp_server.masking import masked, masked_text
from ocpp_server.observability import measures
from ocpp_server.protocol import registry, schemas
from ocpp_server.protocol.dispatch import CommitRefused, StorageUnavailable
from ocpp_server.protocol.errors import OcppError
from ocpp_server.protocol.frames import CallError, CallResult, pack_result_error
from ocpp_server.protocol.session import Answered, Late, OutgoingCall, QueueFull, Session, SessionClosed
from ocpp_server.protocol.versions import V21

log = structlog.get_logger(__name__)

# Some stations fall over when they are called before they have finished booting: wait for their first word
# this long, and not so long for one that has booted before and may only have reconnected.
SETTLE_S = 10.0
SETTLE_KNOWN_S = 2.0
# An answer this long after the command's deadline comes when its caller has been told that there is none.
LATE_AFTER_S = 2.0
QUEUE_FULL = "QueueFull"

Send = Callable[[str], Awaitable[None]]
Close = Callable[[int, str], Awaitable[None]]
Finished = Callable[[str, str], Awaitable[None]]


async def store(unit: Unit) -> None:
    """Commit a unit and empty it. Raises CommitRefused for a row the database refuses, StorageUnavailable."""
    if not unit:
        return
    try:
        await journal.commit(unit)
    except (DatabaseError, ValueError, OverflowError) as error:
        raise CommitRefused(str(error)) from error


class OutgoingCalls:
    """The commands of one connection. `finished(command id, reply channel)` tells who waits."""

    def __init__(
        self, station: Station, session: Session, *, send: Send, close: Close, finished: Finished
    ) -> None:
        self._station = station
        self._session = session
        self._send = send
        self._close = close
        self._finished = finished
        self._reply_channels: dict[str, str] = {}
        self._waiting: list[OutgoingCall] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self._deadline: asyncio.TimerHandle | None = None
        self._settle: asyncio.TimerHandle | None = self._loop.call_later(
            SETTLE_KNOWN_S if station.has_booted else SETTLE_S, self.settled
        )

    async def call(
        self, *, command_id: str, action: str, payload: dict[str, Any], timeout: float, reply_to: str
    ) -> None:
        """Send a command, or let it wait its turn. Its end is told to `reply_to`."""
        self._reply_channels[command_id] = reply_to
        outgoing = OutgoingCall(command_id, action, payload, timeout, expires_at=time.monotonic() + timeout)
        if self._settle is not None:
            self._waiting.append(outgoing)
            return
        await self._submit(outgoing)

    def settled(self) -> None:
        """The station has shown that it listens: send what waited."""
        if self._settle is None:
            return
        self._settle.cancel()
        self._settle = None
        waiting, self._waiting = self._waiting, []
        for outgoing in waiting:
            self._spawn(self._submit, outgoing)

    async def answered(self, event: Answered) -> None:
        """The station answered: the next command leaves first, then this one ends."""
        await self._sent(event.next)
        await self._judge(event.outgoing, event.frame)

    async def late(self, event: Late) -> None:
        """Keep the answer to a command that had ended without one."""
        text = (
            event.frame.payload
            if isinstance(event.frame, CallResult)
            else orjson.dumps(event.frame.details).decode()
        )
        await journal.run(_mark_late, event.outgoing_id, text)

    async def closed(self) -> None:
        """The socket is gone: what was not answered never will be, nothing is replayed to the next one."""
        for timer in (self._settle, self._deadline):
            if timer is not None:
                timer.cancel()
        self._settle = self._deadline = None
        waiting, self._waiting = self._waiting, []
        for outgoing in [*self._session.close(), *waiting]:
            await self._finish(outgoing, state=Command.State.DISCONNECTED)

    # -- one after the other --------------------------------------------------------------------

    async def _submit(self, outgoing: OutgoingCall) -> None:
        now = time.monotonic()
        if outgoing.expires_at is not None and now >= outgoing.expires_at:
            await self._finish(outgoing, state=Command.State.TIMEOUT)
            return
        try:
            text = self._session.submit(outgoing, now)
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
        await self._sent(text)

    async def _sent(self, text: str | None) -> None:
        """Send the frame whose turn it is, if any, and note that it was; always mind the next deadline."""
        outgoing = self._session.outstanding
        self._arm()
        if text is None or outgoing is None:
            return
        await self._send(text)
        log.info(
            "command.sent",
            station=self._station.identity,
            message_id=outgoing.id,
            action=outgoing.action,
            version=self._station.version,
        )
        await journal.run(_mark_sent, outgoing.id, datetime.now(UTC))

    def _arm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        deadline = self._session.next_deadline
        if deadline is not None:
            delay = max(0.0, deadline - time.monotonic())
            self._deadline = self._loop.call_later(delay, self._spawn, self._expire)

    async def _expire(self) -> None:
        expired, text = self._session.expire(time.monotonic())
        await self._sent(text)
        for outgoing in expired:
            await self._finish(outgoing, state=Command.State.TIMEOUT)

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
            log.exception("connection.failed", station=self._station.identity)

    # -- how a command ends ---------------------------------------------------------------------

    async def _judge(self, outgoing: OutgoingCall, frame: CallResult | CallError) -> None:
        station = self._station
        station.action = outgoing.action
        if isinstance(frame, CallError):
            await self._finish(
                outgoing,
                unit=station.unit,
                state=self._state_now(outgoing, Command.State.ERROR),
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
                state=self._state_now(outgoing, Command.State.INVALID),
                response={"raw": masked_text(frame.payload)},
                error_code=error.code_for(station.version),
                error_description=error.description,
            )
            return
        state, status = outcomes.judge(response)
        reply = registry.reply_handler(station.version, outgoing.action)
        if reply is not None:
            try:
                await reply(station, outgoing.payload, response, outgoing.id)
            except (CommitRefused, StorageUnavailable):
                raise
            except Exception:
                # The answer is the station's word all the same: the command ends with it.
                log.exception(
                    "reply.failed", station=station.identity, message_id=outgoing.id, action=outgoing.action
                )
                station.unit.clear()
        await self._finish(
            outgoing,
            unit=station.unit,
            state=self._state_now(outgoing, state),
            status=status,
            response=masked(response),
            answer=frame.payload,
        )

    @staticmethod
    def _state_now(outgoing: OutgoingCall, state: str) -> str:
        """A command that was sent shortly before its deadline may be answered long after it."""
        is_late = outgoing.expires_at is not None and time.monotonic() > outgoing.expires_at + LATE_AFTER_S
        return Command.State.LATE if is_late else state

    async def _finish(
        self, outgoing: OutgoingCall, *, state: str, unit: Unit | None = None, answer: str = "", **values: Any
    ) -> None:
        """Store the final state of a command, then tell who waits for it.

        `unit` is the message's own when the station's answer brought the end; timers have one for themselves,
        because the station's may be in use.
        """
        station, now = self._station, datetime.now(UTC)
        unit = Unit() if unit is None else unit
        sent_at = outgoing.sent_at
        seconds = None if sent_at is None else time.monotonic() - sent_at
        measures.finished(outgoing.action, state, seconds)
        message_log.record_outgoing(
            station,
            unit,
            message_id=outgoing.id,
            action=outgoing.action,
            request=orjson.dumps(outgoing.payload).decode(),
            response=answer,
            error_code=values.get("error_code", "") or ("" if answer else state),
            error_description=values.get("error_description", ""),
            duration_ms=None if seconds is None else seconds * 1000,
        )
        unit.update(COMMANDS, outgoing.id, state=state, finished_at=now, **values)
        await store(unit)
        log.info(
            "command.finished",
            station=station.identity,
            message_id=outgoing.id,
            action=outgoing.action,
            version=station.version,
            ms=None if seconds is None else round(seconds * 1000, 1),
            state=state,
            status=values.get("status", ""),
            error_code=values.get("error_code", ""),
        )
        reply_to = self._reply_channels.pop(outgoing.id, "")
        if reply_to:
            await self._finished(outgoing.id, reply_to)


def _mark_sent(command_id: str, at: datetime) -> None:
    Command.objects.filter(pk=command_id, state=Command.State.QUEUED).update(
        state=Command.State.SENT, sent_at=at
    )


def _mark_late(command_id: str, payload: str) -> None:
    """The command timed out; what the station did all the same is worth knowing."""
    kept = masked_text(payload)
    try:
        answer = orjson.loads(kept)
    except orjson.JSONDecodeError:
        answer = kept
    Command.objects.filter(pk=command_id, state=Command.State.TIMEOUT).update(
        state=Command.State.LATE, response={"late": answer}
    )
