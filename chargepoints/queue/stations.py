"""The stations a processor knows, and what their envelopes mean: frames, and what the gateway says."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import structlog

from chargepoints import presence
from chargepoints.calls import ask_to_boot, switchboard
from chargepoints.models import ChargePoint
from chargepoints.outgoing import SETTLE_KNOWN_S, SETTLE_S
from chargepoints.queue import envelope, line, poison
from chargepoints.queue.claims import Claim
from chargepoints.queue.envelope import Envelope
from chargepoints.queue.redis import QueueRedis
from chargepoints.queue.station import Outcome, QueuedStation
from chargepoints.services import deviations
from ocpp_server import live
from ocpp_server.journal import JournalUnavailable, journal
from ocpp_server.live.records import Connection
from ocpp_server.live.station import Station
from ocpp_server.protocol.versions import V16, VERSIONS

log = structlog.get_logger(__name__)

MAX_KNOWN = 20_000
MAX_ATTEMPTS = 5
_LOOKED_AT = 500


class Stations:
    """Belongs to one event loop. What is known of a station holds until another processor has claimed it."""

    def __init__(self, redis: QueueRedis) -> None:
        self._redis = redis
        self._known: dict[bytes, QueuedStation] = {}
        self._tasks: set[asyncio.Future[None]] = set()

    def __len__(self) -> int:
        return len(self._known)

    # -- what is known ------------------------------------------------------------------------------

    def claimed(self, claim: Claim) -> None:
        """The station is ours again: what we know of it holds if nobody else has had it meanwhile."""
        known = self._known.get(claim.key)
        if known is None:
            return
        if known.epoch == claim.epoch - 1:
            known.epoch = claim.epoch
        else:
            self.forget(claim.key)

    def forget(self, key: bytes) -> None:
        """What is known of the station may be old; its next message loads it again."""
        known = self._known.pop(key, None)
        if known is None:
            return
        station = known.station
        switchboard.at_gateways.pop(station.connection_id, None)
        live.state().unserve(station.identity)
        if station.deviations:
            task = asyncio.ensure_future(_store_deviations(station))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def forget_all(self) -> None:
        for key in list(self._known):
            self.forget(key)
        await asyncio.gather(*self._tasks)

    async def forget_old(self, working: set[bytes]) -> None:
        """Forget those that another processor has claimed since. Raises LiveStateUnavailable."""
        idle = [key for key in self._known if key not in working]
        for start in range(0, len(idle), _LOOKED_AT):
            some = idle[start : start + _LOOKED_AT]
            epochs = await self._redis.call("HMGET", self._redis.keys.epoch, *some)
            for key, epoch in zip(some, epochs, strict=True):
                known = self._known.get(key)
                if known is not None and (epoch is None or int(epoch) > known.epoch):
                    self.forget(key)

    def _know(self, claim: Claim, station: Station, *, is_settled: bool) -> QueuedStation:
        known = QueuedStation(station, self._redis, epoch=claim.epoch, is_settled=is_settled)
        self._known[claim.key] = known
        switchboard.at_gateways[station.connection_id] = known.connection
        if len(self._known) > MAX_KNOWN:
            self.forget(next(key for key in self._known if key != claim.key))
        return known

    # -- what is said -------------------------------------------------------------------------------

    async def handle(self, claim: Claim) -> Outcome:
        """Handle the head of a claimed station's queue; what it changed is stored.

        Raises StorageUnavailable when it is not and may be later; all else it raises is a failed attempt.
        """
        if claim.attempts > MAX_ATTEMPTS:
            return await poison.put_aside(claim)
        try:
            message = envelope.parse(claim.head)
        except envelope.Unreadable as error:
            log.error("processor.unreadable", station=claim.identity, reason=str(error))
            return Outcome(letter=poison.letter(claim, f"unreadable: {error}"))
        if not message.event:
            return await self._frame(claim, message)
        control = {
            envelope.CONNECT: self._connect,
            envelope.DISCONNECT: self._disconnect,
            envelope.OVERFLOW: self._overflow,
            envelope.CHANGED: self._changed,
            envelope.REPLACED: self._replaced,
        }.get(message.event)
        if control is None:
            log.warning("processor.unknown_event", station=claim.identity, event_name=message.event)
            return Outcome()
        return await control(claim, message)

    async def _frame(self, claim: Claim, message: Envelope) -> Outcome:
        session_id = message.session_id or claim.session_id
        if claim.channel and session_id != claim.session_id:
            # The station is at a socket of another process by now, and repeats there what was not answered.
            log.info("processor.frame_of_old_session", station=claim.identity, session=session_id)
            self.forget(claim.key)
            return Outcome()
        known = self._known.get(claim.key)
        if known is None or known.session_id != session_id:
            known = await self._take_up(claim, message, session_id)
            if known is None:
                return _of_nobody(claim)
        return await known.handle(message, is_repeated=claim.attempts > 1)

    async def _take_up(self, claim: Claim, message: Envelope, session_id: str) -> QueuedStation | None:
        """A station that another processor served until now, or nobody; None when there is none."""
        row = await journal.together(_rows, claim.identity)
        if row is None:
            return None
        self.forget(claim.key)
        version = message.protocol or row.ocpp_version
        live.state().serve(row.identity)
        station = await presence.take_up(
            row.pk, version=version if version in VERSIONS else V16, connection_id=session_id
        )
        # What we answered when we had it last may have been asked anew elsewhere; the services know better.
        station.memory.clear()
        station.in_doubt = True
        return self._know(claim, station, is_settled=claim.settles_at == "0")

    # -- what the gateway says ------------------------------------------------------------------------

    async def _connect(self, claim: Claim, message: Envelope) -> Outcome:
        """The station is at a gateway: as when it comes to a socket of ours."""
        row = await journal.together(_rows, claim.identity)
        if row is None:
            return _of_nobody(claim)
        await line.drop(self._redis, claim.key)
        self.forget(claim.key)
        session = await self._session(claim)
        if session.get("session_id") != message.session_id:
            # It has left again, or connected once more: the next envelopes say so.
            session = {}
        replaced = _replaced(session, row.identity)
        live.state().serve(row.identity)
        station = await presence.load(
            row.pk,
            version=message.protocol if message.protocol in VERSIONS else V16,
            address=session.get("remote_addr", ""),
            connection_id=message.session_id,
            replaced=replaced,
            is_finished=replaced is None or not replaced.channel,
        )
        station.memory.clear()
        station.in_doubt = True
        self._know(claim, station, is_settled=False)
        settle_s = SETTLE_KNOWN_S if station.has_booted else SETTLE_S
        return Outcome(session_id=message.session_id, settles=f"+{settle_s * 1000:.0f}")

    async def _session(self, claim: Claim) -> dict[str, str]:
        flat = await self._redis.call("HGETALL", self._redis.keys.session(claim.identity))
        texts = [part.decode("utf-8", "replace") for part in flat]
        return dict(zip(texts[::2], texts[1::2], strict=True))

    async def _disconnect(self, claim: Claim, message: Envelope) -> Outcome:
        """The station has left its gateway, unless it has come back meanwhile."""
        await line.drop(self._redis, claim.key)
        known = self._known.get(claim.key)
        if known is not None and known.session_id != message.session_id:
            return Outcome()
        last_seen: dict[str, Any] = {}
        if known is not None:
            last_seen = {"last_seen_at": known.station.last_seen_at}
            self.forget(claim.key)
        row = await journal.together(_rows, claim.identity)
        if row is not None:
            await presence.depart(
                row.pk, row.identity, message.session_id, close_code=message.code, **last_seen
            )
        return Outcome()

    async def _overflow(self, claim: Claim, message: Envelope) -> Outcome:
        log.warning("station.overflow", station=claim.identity, reason=message.reason)
        known = self._known.get(claim.key)
        if known is not None:
            known.station.deviation("overflow", message.reason)
        return Outcome()

    async def _changed(self, claim: Claim, message: Envelope) -> Outcome:
        """The operator changed its settings. Who does not know the station reads them with the rest."""
        known = self._known.get(claim.key)
        if known is not None and await known.connection.changed():
            await ask_to_boot(known.station.pk)
        return Outcome()

    async def _replaced(self, claim: Claim, message: Envelope) -> Outcome:
        """A socket elsewhere took over: everything that came before is stored by now."""
        await line.drop(self._redis, claim.key)
        self.forget(claim.key)
        claim.channel = claim.channel or message.reply_to
        claim.session_id = ""
        await switchboard.finished(str(message.message_id), message.reply_to)
        return Outcome()


def _of_nobody(claim: Claim) -> Outcome:
    """The charge point was removed, or was never entered: the gateway has let it in before."""
    log.warning("processor.unknown_station", station=claim.identity)
    return Outcome(letter=poison.letter(claim, "no such charge point"))


def _replaced(session: dict[str, str], identity: str) -> Connection | None:
    if not session.get("replaced_id"):
        return None
    return Connection(
        id=session["replaced_id"],
        identity=identity,
        version="",
        channel=session.get("replaced_channel", ""),
        remote_address=session.get("replaced_addr", "another connection"),
        connected_at=datetime.now(UTC),
        server=session.get("replaced_server", ""),
    )


def _rows(identities: list[str]) -> list[ChargePoint | None]:
    """The charge points of these identities, however they are spelled."""
    keys = {identity.casefold() for identity in identities}
    found = {row.identity_key: row for row in ChargePoint.objects.filter(identity_key__in=keys)}
    return [found.get(identity.casefold()) for identity in identities]


async def _store_deviations(station: Station) -> None:
    counted, station.deviations = station.deviations, {}
    try:
        await journal.run(deviations.store, [(station.pk, counted)], datetime.now(UTC))
    except JournalUnavailable:
        log.warning("station.deviations_unrecorded", station=station.identity)
