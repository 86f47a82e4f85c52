"""Command results: each one is stored and logged, and the waiting process is notified.

Commands over a socket of this process and commands over the Redis queue both end here.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import orjson
import structlog

from ocpp_server.events import outbox
from ocpp_server.events.catalogue import charging
from ocpp_server.live.station import Station
from ocpp_server.live.unit_of_work import UnitOfWork, store
from ocpp_server.observability import measures
from ocpp_server.observability.masking import masked, masked_frame, masked_text, masked_words, secrets_in
from ocpp_server.protocol.dispatch import Answer, dispatch_answer, refusal
from ocpp_server.protocol.frames import BrokenAnswer, CallError, CallResult
from ocpp_server.protocol.session import Late, OutgoingCall
from ocpp_server.storage.journal import journal
from ocpp_server.storage.unit import Unit
from ocpp_server.transport import command_store, message_log, outcomes, restarts
from ocpp_server.transport.command_store import State

log = structlog.get_logger(__name__)

# An answer is late when it arrives this many seconds after the deadline of its command: the caller has got a
# timeout by then.
LATE_AFTER_S = 2.0

# The most characters that are stored of an answer that is not JSON.
LONGEST_RAW = 4000

Send = Callable[[str], Awaitable[None]]
Finished = Callable[[str, str], Awaitable[None]]


class CommandResults:
    """Stores the results of one station's commands. `finished(command id, reply channel)` notifies the
    waiting process.
    """

    def __init__(self, station: Station, *, send: Send, finished: Finished) -> None:
        self._station = station
        self._work = UnitOfWork(station)
        self._send = send
        self._finished = finished
        self._reply_channels: dict[str, str] = {}

    def expect(self, command_id: str, reply_to: str) -> None:
        """Notify this channel when the command is finished."""
        self._reply_channels[command_id] = reply_to

    async def late(self, event: Late) -> None:
        """Store the answer to a command that had ended without one."""
        text = (
            orjson.dumps(event.frame.details).decode()
            if isinstance(event.frame, CallError)
            else masked_frame(event.frame.payload)[:LONGEST_RAW]
            if isinstance(event.frame, BrokenAnswer)
            else event.frame.payload
        )
        await journal.run(command_store.port.app.mark_late, event.outgoing_id, text)

    async def answered(self, outgoing: OutgoingCall, frame: CallResult | CallError | BrokenAnswer) -> None:
        """Handle the answer to a command. The command has its final state when this returns."""
        station = self._station
        station.action, station.actor = outgoing.action, outgoing.actor
        if outgoing.sent_at is not None:
            station.asked_at = datetime.now(UTC) - timedelta(seconds=time.monotonic() - outgoing.sent_at)
        echoes = secrets_in(outgoing.payload, outgoing.action)
        if echoes:  # the frame may be stored as the example of a deviation
            station.frame = masked_text(station.frame, echoes=echoes)
        answer = Answer(outgoing, frame, partial(masked_words, echoes=echoes))
        await dispatch_answer(station, answer, self)
        text = refusal(answer, station.version)
        if text is not None:
            await self._send(text)

    async def commit(self, answer: Answer) -> None:
        """Store the changes of the answer, with the final state of its command. See `dispatch.Work`."""
        await self.finish(answer.call, unit=self._station.unit, **self._result(answer))

    async def roll_back(self) -> None:
        """Undo the changes of the answer. See `dispatch.Work`."""
        await self._work.roll_back()

    def _result(self, answer: Answer) -> dict[str, Any]:
        """The columns of the command, and the text of the answer for the message log."""
        call, frame = answer.call, answer.frame
        echoes = secrets_in(call.payload, call.action)
        if isinstance(frame, CallError):
            return {
                "state": self._state_now(call, State.ERROR),
                "error_code": answer.mask(frame.code)[:64],
                "error_description": answer.mask(frame.description)[:1000],
                "error_details": masked(frame.details, call.action, echoes=echoes),
            }
        if answer.error is not None:
            raw = masked_text(frame.payload, call.action, echoes=echoes)
            if isinstance(frame, BrokenAnswer):
                raw = raw[:LONGEST_RAW]
            return {
                "state": self._state_now(call, State.INVALID),
                "response": {"raw": raw},
                "answer": raw,
                "error_code": answer.error.code_for(self._station.version),
                "error_description": answer.mask(answer.error.description),
            }
        response = answer.response or {}
        shown = masked(response, call.action, echoes=echoes)
        return {
            "state": self._state_now(call, outcomes.state_and_status(call.action, response)[0]),
            # The status of the masked answer: a secret that equals the status word is masked there.
            "status": outcomes.state_and_status(call.action, shown)[1],
            "response": shown,
            "answer": frame.payload,
        }

    @staticmethod
    def _state_now(outgoing: OutgoingCall, state: str) -> str:
        """Return LATE instead of `state` for an answer after the deadline: a command may be sent shortly
        before its deadline and answered long after it.
        """
        is_late = outgoing.expires_at is not None and time.monotonic() > outgoing.expires_at + LATE_AFTER_S
        return State.LATE if is_late else state

    async def finish(
        self, outgoing: OutgoingCall, *, state: str, unit: Unit | None = None, answer: str = "", **values: Any
    ) -> None:
        """Store the final state of a command, then notify the caller.

        `unit` is the unit of work of the answer. A timer passes none and gets a new one, because the unit of
        the station may be in use.
        """
        station, now = self._station, datetime.now(UTC)
        is_message = unit is not None
        unit = Unit() if unit is None else unit
        sent_at = outgoing.sent_at
        seconds = None if sent_at is None else time.monotonic() - sent_at
        columns: dict[str, Any] = {"state": state, "finished_at": now, **values}
        if restarts.restarts(outgoing.action, outgoing.payload):
            sent = None if seconds is None else now - timedelta(seconds=seconds)
            columns |= restarts.unanswered(state, now, sent)
        awaits_boot = columns["state"] == State.SENT
        if awaits_boot:
            columns["finished_at"] = None
        message_log.record_outgoing(
            station,
            unit,
            message_id=outgoing.id,
            action=outgoing.action,
            request=orjson.dumps(outgoing.payload).decode(),
            response=answer,
            echoes=secrets_in(outgoing.payload, outgoing.action),
            error_code=values.get("error_code", "") or ("" if answer else state),
            error_description=values.get("error_description", ""),
            duration_ms=None if seconds is None else seconds * 1000,
        )
        if not awaits_boot:
            data = {
                "requestId": outgoing.id,
                "action": outgoing.action,
                "actor": outgoing.actor,
                "state": state,
                "status": values.get("status", ""),
                "errorCode": values.get("error_code", ""),
                "durationMs": None if seconds is None else round(seconds * 1000, 1),
            }
            outbox.add(unit, charging.COMMAND_FINISHED, data, station=station.identity, site=station.site_pk)
        command_store.port.app.store_result(unit, outgoing.id, **columns)
        await (self._work.store() if is_message else store(unit))
        if not awaits_boot:
            measures.finished(outgoing.action, state, seconds)
        log.info(
            "command.awaits_boot" if awaits_boot else "command.finished",
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


async def end_unanswered(
    command_id: str, *, identity: str, state: str, request: str, seconds: float | None
) -> None:
    """End a command that was not answered. Another process may serve its station. A command that has ended
    before is not changed.

    `request` is the JSON text of the payload; `seconds` is the time since the command was sent, None when it
    was not sent. Raises StorageUnavailable.
    """
    now = datetime.now(UTC)
    sent_at = None if seconds is None else now - timedelta(seconds=seconds)
    end = partial(command_store.port.app.end_unanswered, sent_at=sent_at)
    ended = await journal.run(end, command_id, state, now)
    if ended is None:
        return
    if not ended.awaits_boot:
        measures.finished(ended.action, state, seconds)
    unit = Unit()
    message_log.record_outgoing(
        ended,
        unit,
        message_id=command_id,
        action=ended.action,
        request=request,
        error_code=state,
        duration_ms=None if seconds is None else seconds * 1000,
    )
    await store(unit)
    event = "command.awaits_boot" if ended.awaits_boot else "command.finished"
    log.info(event, station=identity, message_id=command_id, action=ended.action, state=state)
