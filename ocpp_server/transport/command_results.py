"""How commands to a station end: judged, stored, logged, and told to who waits. Knows no transport."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog

from ocpp_server.live.station import Station
from ocpp_server.live.unit_of_work import UnitOfWork, store
from ocpp_server.observability import measures
from ocpp_server.observability.masking import masked, masked_text, masked_words, secrets_in
from ocpp_server.protocol import registry, schemas
from ocpp_server.protocol.dispatch import CommitRefused, StorageUnavailable
from ocpp_server.protocol.errors import OcppError
from ocpp_server.protocol.frames import CallError, CallResult, pack_result_error
from ocpp_server.protocol.session import Late, OutgoingCall
from ocpp_server.protocol.versions import V21
from ocpp_server.storage.journal import journal
from ocpp_server.storage.unit import Unit
from ocpp_server.transport import command_store, message_log, outcomes
from ocpp_server.transport.command_store import State

log = structlog.get_logger(__name__)

# An answer this long after the command's deadline comes when its caller has been told that there is none.
LATE_AFTER_S = 2.0

Send = Callable[[str], Awaitable[None]]
Finished = Callable[[str, str], Awaitable[None]]


class Endings:
    """The ends of one station's commands. `finished(command id, reply channel)` tells who waits."""

    def __init__(self, station: Station, *, send: Send, finished: Finished) -> None:
        self._station = station
        self._work = UnitOfWork(station)
        self._send = send
        self._finished = finished
        self._reply_channels: dict[str, str] = {}

    def expect(self, command_id: str, reply_to: str) -> None:
        """Somebody waits for the end of this command."""
        self._reply_channels[command_id] = reply_to

    async def late(self, event: Late) -> None:
        """Keep the answer to a command that had ended without one."""
        text = (
            event.frame.payload
            if isinstance(event.frame, CallResult)
            else orjson.dumps(event.frame.details).decode()
        )
        await journal.run(command_store.port.app.mark_late, event.outgoing_id, text)

    async def judge(self, outgoing: OutgoingCall, frame: CallResult | CallError) -> None:
        """The station answered."""
        station = self._station
        station.action = outgoing.action
        echoes = secrets_in(outgoing.payload, outgoing.action)
        if echoes:  # an odd answer becomes the example of a deviation
            station.frame = masked_text(station.frame, echoes=echoes)
        if isinstance(frame, CallError):
            await self.finish(
                outgoing,
                unit=station.unit,
                state=self._state_now(outgoing, State.ERROR),
                error_code=frame.code[:64],
                error_description=masked_words(frame.description, echoes=echoes)[:1000],
                error_details=masked(frame.details, outgoing.action, echoes=echoes),
            )
            return
        try:
            response = frame.json()
            for deviation in schemas.check(
                station.version, outgoing.action, "response", response, strict=station.strict
            ):
                detail = masked_words(deviation.detail, echoes=echoes)
                station.deviation(deviation.kind, detail, path=deviation.path)
        except OcppError as error:
            station.deviation("invalid-answer", masked_words(error.description, echoes=echoes))
            if station.version == V21:
                await self._send(pack_result_error(outgoing.id, error))
            await self.finish(
                outgoing,
                unit=station.unit,
                state=self._state_now(outgoing, State.INVALID),
                response={"raw": masked_text(frame.payload, outgoing.action, echoes=echoes)},
                error_code=error.code_for(station.version),
                error_description=masked_words(error.description, echoes=echoes),
            )
            return
        shown = masked(response, outgoing.action, echoes=echoes)
        ending = {
            "state": self._state_now(outgoing, outcomes.judge(response)[0]),
            # A secret may be the word that the state is known by.
            "status": outcomes.judge(shown)[1],
            "response": shown,
            "answer": frame.payload,
        }
        try:
            await self._take_in(outgoing, response)
            await self.finish(outgoing, unit=station.unit, **ending)
        except CommitRefused as refusal:
            # The answer is the station's word all the same: the command ends with it, without its effects.
            log.error(
                "reply.refused",
                station=station.identity,
                message_id=outgoing.id,
                action=outgoing.action,
                reason=str(refusal),
            )
            await self._work.roll_back()
            await self.finish(outgoing, unit=station.unit, **ending)

    async def _take_in(self, outgoing: OutgoingCall, response: dict[str, Any]) -> None:
        """Run the @reply handler. When it fails, its changes are rolled back and the command ends anyway."""
        station = self._station
        reply = registry.reply_handler(station.version, outgoing.action)
        if reply is None:
            return
        try:
            await reply(station, outgoing.payload, response, outgoing.id)
        except (CommitRefused, StorageUnavailable):
            raise
        except Exception:
            log.exception(
                "reply.failed", station=station.identity, message_id=outgoing.id, action=outgoing.action
            )
            await self._work.roll_back()

    @staticmethod
    def _state_now(outgoing: OutgoingCall, state: str) -> str:
        """A command that was sent shortly before its deadline may be answered long after it."""
        is_late = outgoing.expires_at is not None and time.monotonic() > outgoing.expires_at + LATE_AFTER_S
        return State.LATE if is_late else state

    async def finish(
        self, outgoing: OutgoingCall, *, state: str, unit: Unit | None = None, answer: str = "", **values: Any
    ) -> None:
        """Store the final state of a command, then tell who waits for it.

        `unit` is the message's own when the station's answer brought the end; timers have one for themselves,
        because the station's may be in use.
        """
        station, now = self._station, datetime.now(UTC)
        is_message = unit is not None
        unit = Unit() if unit is None else unit
        sent_at = outgoing.sent_at
        seconds = None if sent_at is None else time.monotonic() - sent_at
        message_log.record_outgoing(
            station,
            unit,
            message_id=outgoing.id,
            action=outgoing.action,
            request=orjson.dumps(outgoing.payload).decode(),
            response=answer,
            echoes=secrets_in(outgoing.payload, outgoing.action) if answer else (),
            error_code=values.get("error_code", "") or ("" if answer else state),
            error_description=values.get("error_description", ""),
            duration_ms=None if seconds is None else seconds * 1000,
        )
        command_store.port.app.store_result(unit, outgoing.id, state=state, finished_at=now, **values)
        await (self._work.store() if is_message else store(unit))
        measures.finished(outgoing.action, state, seconds)
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


async def end_unanswered(
    command_id: str, *, identity: str, state: str, request: str, seconds: float | None
) -> None:
    """End a command of a station that is not in hand here: nobody answered it. One that has ended stays as it
    is.

    `request` is its payload's JSON text, `seconds` how long ago it was sent; None when it never was. Raises
    StorageUnavailable.
    """
    addressee = await journal.run(command_store.port.app.end_unanswered, command_id, state, datetime.now(UTC))
    if addressee is None:
        return
    measures.finished(addressee.action, state, seconds)
    unit = Unit()
    message_log.record_outgoing(
        addressee,
        unit,
        message_id=command_id,
        action=addressee.action,
        request=request,
        error_code=state,
        duration_ms=None if seconds is None else seconds * 1000,
    )
    await store(unit)
    log.info(
        "command.finished", station=identity, message_id=command_id, action=addressee.action, state=state
    )
