"""Two devices with one identity: the newer connection waits. Otherwise the two would replace each other's
connection each second.

1. A connection replaces an older one at once (F03), but only LIMIT times within a minute, counted over all
   processes.
2. From then on the newer connection waits: its handshake is not answered yet. The older one is probed.
3. It enters when the older connection is closed, when the station behind that one does not answer the probe
   (then it was the same station), or when fewer than LIMIT replacements are in the last minute.

One storm makes one security event and a warning on the station's page.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import structlog

from ocpp_server import live
from ocpp_server.live.records import Connection
from ocpp_server.observability import measures
from ocpp_server.storage.journal import JournalUnavailable, journal
from ocpp_server.transport import shutdown, station_store
from ocpp_server.transport.handshake import denial
from ocpp_server.transport.handshake.admission import Admitted, Handshake

log = structlog.get_logger(__name__)

# The kind under which `live.state().recent` counts replacements.
REPLACED: Final = "replaced"
# So many replacements within a minute happen at once; the next connection waits.
LIMIT: Final = 2
# How often a waiting connection looks at the older one.
POLL_S: Final = 1.0
# A station that does not answer a probe within this time has left the older connection.
UNANSWERED_S: Final = 5.0
# How often a waiting connection reports that the storm goes on.
REPORT_S: Final = 20.0
# The most connections that wait in one process, of which each identity has one.
MAX_WAITING: Final = 1000


@dataclass(eq=False)
class _Waiting:
    """A connection that waits. The next one of the same identity takes its place."""

    superseded: asyncio.Event = field(default_factory=asyncio.Event)
    # The older connection, and when it last answered (monotonic seconds; first when its first probe began).
    older: str = ""
    answered_at: float = field(init=False)
    is_answered: bool = field(init=False)
    report_at: float = 0.0  # equivalent: every time that is over


_waiting: dict[str, _Waiting] = {}


async def may_enter(
    admitted: Admitted, handshake: Handshake, *, scope: dict[str, Any], receive: Any, send: Any
) -> bool:
    """Wait until an admitted connection may replace the present one of its identity.

    False when it need not: the client has left, or got the answer 503. Raises LiveStateUnavailable.
    """
    identity = admitted.charge_point.identity
    blocked = await _claim(identity)
    if blocked is None:
        return True
    key = identity.casefold()
    if key not in _waiting and len(_waiting) >= MAX_WAITING:
        await denial.deny(scope, send, 503)
        return False
    if key in _waiting:
        _waiting[key].superseded.set()
    place = _waiting[key] = _Waiting()
    gone = asyncio.ensure_future(receive())  # before it is accepted, a socket receives only its end
    superseded = asyncio.ensure_future(place.superseded.wait())
    log.info("station.waits", station=identity, address=handshake.address, older=blocked[0].remote_address)
    try:
        while blocked is not None:
            older, seconds = blocked
            if not await _may_be_alive(older, place):
                break
            if place.is_answered:
                await _report(admitted, handshake, older, place)
            await asyncio.wait(
                {gone, superseded}, timeout=min(POLL_S, seconds), return_when=asyncio.FIRST_COMPLETED
            )
            if gone.done():
                return False
            if superseded.done() or shutdown.is_under_way():
                await denial.deny(scope, send, 503)
                return False
            blocked = await _claim(identity)
        return True
    finally:
        gone.cancel()
        superseded.cancel()
        if _waiting.get(key) is place:
            del _waiting[key]


async def _claim(identity: str) -> tuple[Connection, float] | None:
    """The present connection of a station, and the seconds until it may be replaced. None when there is none,
    or when it may be replaced now, which counts as the replacement.
    """
    state = live.state()
    older = await state.registered(identity)
    if older is None:
        return None
    seconds = await state.recent.take("", identity, REPLACED, LIMIT)
    return (older, seconds) if seconds else None


async def _may_be_alive(older: Connection, place: _Waiting) -> bool:
    """Probe the older connection. False when its station has not answered in time."""
    probes, now = live.state().probes, time.monotonic()
    await probes.request(older.id)
    place.is_answered = await probes.is_confirmed(older.id)
    if older.id != place.older or place.is_answered:
        place.older, place.answered_at = older.id, now
    return now - place.answered_at < UNANSWERED_S


async def _report(admitted: Admitted, handshake: Handshake, older: Connection, place: _Waiting) -> None:
    now = time.monotonic()
    if now < place.report_at:
        return
    place.report_at = now + REPORT_S
    await report(
        admitted.charge_point.pk,
        admitted.charge_point.identity,
        addresses=(older.remote_address, handshake.address),
    )


async def report(charge_point_pk: int, identity: str, *, addresses: tuple[str, str]) -> None:
    """Store that two devices use the identity. The first report of a storm is a security event."""
    store = station_store.port.app
    try:
        is_new = await journal.run(store.show_duplicate, charge_point_pk, addresses, datetime.now(UTC))
    except JournalUnavailable:
        log.warning("station.duplicate_unrecorded", station=identity)
        return
    if is_new:
        measures.replacements.add("duplicate-identity")
        log.warning("station.flapping", station=identity, addresses=list(addresses))
