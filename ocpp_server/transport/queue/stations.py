"""The stations that a processor has loaded, and the handling of their envelopes: frames and controls."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import structlog
from django.conf import settings

from ocpp_server import live
from ocpp_server.live.records import Connection
from ocpp_server.live.station import Station
from ocpp_server.protocol.versions import V16, VERSIONS
from ocpp_server.storage.journal import JournalUnavailable, journal
from ocpp_server.transport import presence, station_store
from ocpp_server.transport.calls import ask_to_boot
from ocpp_server.transport.command_queue import settle_s
from ocpp_server.transport.handshake import admission
from ocpp_server.transport.handshake.known_station import KnownStation
from ocpp_server.transport.queue import dead_letters, envelope, queued_commands
from ocpp_server.transport.queue.claims import Claim
from ocpp_server.transport.queue.envelope import Envelope
from ocpp_server.transport.queue.legacy_gateway import LegacyGateways, version_of
from ocpp_server.transport.queue.redis import QueueRedis
from ocpp_server.transport.queue.station import Outcome, QueuedStation
from ocpp_server.transport.queue.unknown_stations import first_boot, unknown
from ocpp_server.transport.switchboard import switchboard

log = structlog.get_logger(__name__)

MAX_KNOWN = 20_000
MAX_ATTEMPTS = 5
_AT_ONCE = 500
# Ten years: a station that is not accepted has to send a message before it gets one.
_NEVER_S = 10 * 365 * 86_400


class Stations:
    """The loaded stations, by key. Each is current until another processor claims it. Belongs to one event
    loop.
    """

    def __init__(self, redis: QueueRedis, legacy: LegacyGateways | None = None) -> None:
        self._redis = redis
        self._legacy = legacy
        self._known: dict[bytes, QueuedStation] = {}
        self._tasks: set[asyncio.Future[None]] = set()

    def __len__(self) -> int:
        return len(self._known)

    # -- loaded stations ----------------------------------------------------------------------------

    def claimed(self, claim: Claim) -> None:
        """Keep the loaded station if no other processor has claimed it since the last claim of this one."""
        known = self._known.get(claim.key)
        if known is None:
            return
        if known.epoch == claim.epoch - 1:
            known.epoch = claim.epoch
        else:
            self.forget(claim.key)

    def forget(self, key: bytes) -> None:
        """Unload a station, because another process may have changed it. Its next message reloads it."""
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
        """Unload the stations that another processor has claimed. Raises LiveStateUnavailable."""
        idle = [key for key in self._known if key not in working]
        for start in range(0, len(idle), _AT_ONCE):
            some = idle[start : start + _AT_ONCE]
            epochs = await self._redis.call("HMGET", self._redis.keys.epoch, *some)
            for key, epoch in zip(some, epochs, strict=True):  # equivalent: HMGET returns as many
                known = self._known.get(key)
                # The epoch is lower if Redis has restarted with an earlier copy.
                if known is not None and (epoch is None or int(epoch) != known.epoch):
                    self.forget(key)

    def _know(self, claim: Claim, station: Station, *, is_settled: bool) -> QueuedStation:
        # Another process may have answered messages meanwhile: forget the answers in memory. `in_doubt` makes
        # the services check whether a message is already stored.
        station.memory.clear()
        station.in_doubt = True
        known = QueuedStation(station, self._redis, epoch=claim.epoch, is_settled=is_settled)
        self._known[claim.key] = known
        switchboard.at_gateways[station.connection_id] = known.connection
        if len(self._known) > MAX_KNOWN:
            self.forget(next(key for key in self._known if key != claim.key))
        return known

    # -- envelopes ----------------------------------------------------------------------------------

    async def handle(self, claim: Claim) -> Outcome:
        """Handle the head of a claimed station's queue and store its changes.

        Raises StorageUnavailable when they can be stored later; any other exception is a failed attempt.
        """
        if claim.attempts > MAX_ATTEMPTS:
            return await dead_letters.give_up_head(claim)
        try:
            message = envelope.parse(claim.head)
        except envelope.Unreadable as error:
            log.error("processor.unreadable", station=claim.identity, reason=str(error))
            return Outcome(letter=dead_letters.letter(claim, f"unreadable: {error}"))
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
        if self._legacy is not None and not message.session_id:
            return await self._legacy_frame(claim, message, self._legacy)
        session_id = message.session_id or claim.session_id
        if claim.channel and session_id != claim.session_id:
            # The station is connected to another process by now, and sends unanswered messages again there.
            log.info("processor.frame_of_old_session", station=claim.identity, session=session_id)
            self.forget(claim.key)
            return Outcome()
        known = self._known.get(claim.key)
        if known is None or known.session_id != session_id:
            row = await admission.find(claim.identity)
            if row is None:
                return unknown(claim)
            known = await self._load(claim, row, session_id, message.protocol or row.ocpp_version)
        return await known.handle(message, is_repeated=claim.attempts > 1)

    async def _legacy_frame(self, claim: Claim, message: Envelope, legacy: LegacyGateways) -> Outcome:
        """Handle a frame of a legacy gateway, which has no session id."""
        session_id, is_new, address = await legacy.session(claim, message)
        if claim.channel:
            self.forget(claim.key)
            return Outcome()
        known = self._known.get(claim.key)
        version = version_of(message, known.station.version if known is not None else "")
        if known is None or known.session_id != session_id or known.station.version != version:
            row = await admission.find(claim.identity)
            if row is None:
                added = await first_boot(
                    claim, message, session_id=session_id, version=version, address=address
                )
                if isinstance(added, Outcome):
                    return added
                row, is_new = added, True
            version = version_of(message, row.ocpp_version)
            if is_new or version != row.ocpp_version:
                known = await self._arrive(claim, row, session_id, version, {"remote_addr": address})
            else:
                known = await self._load(claim, row, session_id, version)
            known.is_at_legacy_gateway = True
            await legacy.store_version(claim, session_id, known.station.version)
        outcome = await known.handle(message, is_repeated=claim.attempts > 1)
        if is_new and not outcome.settles:
            outcome.settles = _settle(known.station)
        return outcome

    async def _load(self, claim: Claim, row: KnownStation, session_id: str, version: str) -> QueuedStation:
        """Load a connected station."""
        self.forget(claim.key)
        live.state().serve(row.identity)
        station = await presence.load_connected(
            row.pk, version=version if version in VERSIONS else V16, connection_id=session_id
        )
        session = await self._session(claim)
        if session.get("session_id") == session_id:
            station.certificate_name = session.get(envelope.CERTIFICATE_NAME, "")
        return self._know(claim, station, is_settled=claim.settles_at == "0")

    # -- controls of the gateway ----------------------------------------------------------------------

    async def _connect(self, claim: Claim, message: Envelope) -> Outcome:
        """Load a station that has connected to a gateway, as `presence.arrive` does for a socket of this
        process.
        """
        row = await admission.find(claim.identity)
        if row is None:
            may_boot = self._legacy is not None and settings.OCPP_UNKNOWN_STATIONS != "refuse"
            return Outcome() if may_boot else unknown(claim)
        session = await self._session(claim)
        if session.get("session_id") != message.session_id:
            # The station has disconnected or connected again; envelopes about that follow.
            session = {}
        else:
            # The station may have connected after the claim: the following frames of this claim belong to
            # this session.
            claim.session_id, claim.channel = message.session_id, session.get("channel", "")
        version = message.protocol or row.ocpp_version
        known = await self._arrive(claim, row, message.session_id, version, session)
        if self._legacy is not None and "dialect" in session:
            known.is_at_legacy_gateway = True
            await self._legacy.store_version(claim, message.session_id, known.station.version)
        return Outcome(session_id=message.session_id, settles=_settle(known.station))

    async def _arrive(
        self, claim: Claim, row: KnownStation, session_id: str, version: str, session: dict[str, str]
    ) -> QueuedStation:
        await queued_commands.drop(self._redis, claim.key)
        self.forget(claim.key)
        replaced = _replaced(session, row.identity)
        live.state().serve(row.identity)
        station = await presence.load(
            row.pk,
            version=version if version in VERSIONS else V16,
            address=session.get("remote_addr", ""),
            connection_id=session_id,
            certificate_name=session.get(envelope.CERTIFICATE_NAME, ""),
            replaced=replaced,
            is_finished=replaced is None or not replaced.channel,
        )
        return self._know(claim, station, is_settled=False)

    async def _session(self, claim: Claim) -> dict[str, str]:
        flat = await self._redis.call("HGETALL", self._redis.keys.session(claim.identity))
        texts = [part.decode("utf-8", "replace") for part in flat]
        return dict(zip(texts[::2], texts[1::2], strict=True))  # equivalent: HGETALL returns pairs

    async def _disconnect(self, claim: Claim, message: Envelope) -> Outcome:
        """Store that the station has disconnected from its gateway, unless it has connected again."""
        await queued_commands.drop(self._redis, claim.key)
        known = self._known.get(claim.key)
        if known is not None and known.session_id != message.session_id:
            return Outcome()
        last_seen: dict[str, Any] = {}
        if known is not None:
            last_seen = {"last_seen_at": known.station.last_seen_at}
            self.forget(claim.key)
        row = await admission.find(claim.identity)
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
        """Reload the settings that an operator has changed. A station that is not loaded gets them when it
        is.
        """
        known = self._known.get(claim.key)
        if known is None:
            return Outcome()
        is_accepted_now = await known.connection.changed()
        live.state().station_changed(known.station)
        if not is_accepted_now:
            return Outcome()
        await ask_to_boot(known.station.pk)
        return Outcome(known.session_id, settles="0")

    async def _replaced(self, claim: Claim, message: Envelope) -> Outcome:
        """Confirm to a newer connection elsewhere that the messages of this one are stored."""
        await queued_commands.drop(self._redis, claim.key)
        self.forget(claim.key)
        claim.channel = claim.channel or message.reply_to
        claim.session_id = ""
        await switchboard.finished(str(message.message_id), message.reply_to)
        return Outcome()


def _settle(station: Station) -> str:
    """The new `settles_at`: when calls may be sent to a station that has sent no message, relative to now."""
    seconds = settle_s(station)
    return f"+{(_NEVER_S if seconds is None else seconds) * 1000:.0f}"


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


async def _store_deviations(station: Station) -> None:
    counted, station.deviations = station.deviations, {}
    try:
        await journal.run(station_store.port.app.add_deviations, [(station.pk, counted)], datetime.now(UTC))
    except JournalUnavailable:
        log.warning("station.deviations_unrecorded", station=station.identity)
