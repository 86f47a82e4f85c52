"""The connection of each station: the live state knows it, and the database has a copy of it."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from django.conf import settings

from ocpp_server import live
from ocpp_server.events import outbox
from ocpp_server.events.catalogue import stations
from ocpp_server.live.extensions import load_stations
from ocpp_server.live.records import Connection
from ocpp_server.live.station import Station
from ocpp_server.observability import measures
from ocpp_server.storage.journal import JournalUnavailable, journal
from ocpp_server.storage.unit import Unit
from ocpp_server.transport import station_store, takeover
from ocpp_server.transport.conversation import StationConnection
from ocpp_server.transport.handshake import duplicates
from ocpp_server.transport.handshake.admission import Admitted, Handshake, Refusal
from ocpp_server.transport.switchboard import switchboard

# So many replacements within a minute show that two devices use one identity. There are so many only at a
# gateway of an earlier release or a legacy one; with `duplicates`, the newer connection waits earlier.
MAX_REPLACED = 6
_SEEN = "replacement-seen"

log = structlog.get_logger(__name__)

# By identity, the stations that are offline but shown as online in the database: key, connection and columns.
_unrecorded: dict[str, tuple[int, str, dict[str, Any]]] = {}


def silence_allowed(heartbeat_interval: int) -> timedelta:
    """How long a station may send nothing: three heartbeats. Any frame counts as a sign of life."""
    seconds = max(heartbeat_interval or settings.OCPP_HEARTBEAT_INTERVAL, settings.OCPP_PING_INTERVAL)
    return timedelta(seconds=3 * seconds)


async def arrive(admitted: Admitted, handshake: Handshake, connection_id: str) -> Station:
    """Register an authenticated connection, close the one it replaces, and load the station's state.

    The old connection finishes the current message first, so that its changes are loaded too.
    """
    charge_point = admitted.charge_point
    with switchboard.arriving(connection_id) as arrival:
        replaced = await live.state().connect(
            Connection(
                id=connection_id,
                identity=charge_point.identity,
                version=admitted.version,
                channel=switchboard.channel,
                remote_address=handshake.address,
                connected_at=datetime.now(UTC),
            )
        )
        try:
            station = await load(
                charge_point.pk,
                version=admitted.version,
                address=handshake.address,
                connection_id=connection_id,
                certificate_name=admitted.certificate_name,
                replaced=replaced,
            )
            if arrival.is_replaced:
                raise Refusal(503, "The station connected once more while this connection was being opened.")
        except BaseException:
            await live.state().disconnect(charge_point.identity, connection_id)
            raise
    return station


async def load(
    charge_point_pk: int,
    *,
    version: str,
    address: str,
    connection_id: str,
    replaced: Connection | None,
    certificate_name: str = "",
    is_finished: bool = False,
) -> Station:
    """Load a station whose connection is registered, and copy the connection into the database.

    The connection that it replaces finishes its current message first; `is_finished` when it already has.
    """
    is_all_stored = is_finished or replaced is None or await takeover.replace(replaced)
    station = await load_connected(charge_point_pk, version=version, connection_id=connection_id)
    station.certificate_name = certificate_name
    station.in_doubt = not is_all_stored
    if replaced is not None:
        await _count_replacement(station, address, replaced)
    unit = station.unit
    station_store.port.app.show_connected(
        unit,
        charge_point_pk,
        version=version,
        connection_id=connection_id,
        address=address,
        at=station.received_at,
    )
    station.emit(
        stations.CONNECTED, connectionId=connection_id, ocppVersion=version, remoteAddress=address[:64]
    )
    departure = _unrecorded.pop(station.identity, None)
    try:
        await journal.commit(unit)
    except JournalUnavailable:
        if departure is not None:
            _unrecorded.setdefault(station.identity, departure)
        raise
    live.state().station_changed(station)
    log.info("station.connected", station=station.identity, version=version, address=address)
    return station


async def load_connected(charge_point_pk: int, *, version: str, connection_id: str) -> Station:
    """Load the live state of a connected station."""
    station = await journal.run_batched(load_stations, (charge_point_pk, version))
    station.connection_id = connection_id
    station.memory = live.state().replay_memory(station.identity)
    for transaction in station.transactions.values():
        live.state().transaction_changed(transaction)
    # Publish the loaded state now: the next message may end a transaction this process has not published yet.
    live.state().station_changed(station)
    return station


async def _count_replacement(station: Station, address: str, replaced: Connection) -> None:
    """Count that a connection has replaced another, and report two devices with one identity (F04)."""
    measures.replacements.add("replaced")
    if await live.state().recent.note("", station.identity, _SEEN) >= MAX_REPLACED:
        await duplicates.report(station.pk, station.identity, addresses=(replaced.remote_address, address))


async def leave(connection: StationConnection, *, code: int) -> None:
    """Clean up after a closed socket. A newer connection of the station is not changed."""
    station = connection.station
    switchboard.connections.pop(station.connection_id, None)
    try:
        await connection.closed()
        if station.deviations:
            await journal.run(
                station_store.port.app.add_deviations, [(station.pk, station.deviations)], datetime.now(UTC)
            )
    except JournalUnavailable:
        # Open commands end by their deadlines; the live state must know at once that the station is offline.
        log.warning("station.end_unrecorded", station=station.identity)
    if await live.state().disconnect(station.identity, station.connection_id):
        await depart(
            station.pk,
            station.identity,
            station.connection_id,
            close_code=code,
            last_seen_at=station.last_seen_at,
        )


async def depart(pk: int, identity: str, connection_id: str, **columns: Any) -> None:
    """Store the end of a connection in the database: now, or as soon as the database is available again."""
    departure = {"disconnected_at": datetime.now(UTC), **columns}
    _unrecorded[identity] = (pk, connection_id, departure)
    log.info("station.disconnected", station=identity, code=columns["close_code"])
    with contextlib.suppress(JournalUnavailable):
        await record_departures()


async def record_departures() -> None:
    """Store the ends of connections, also of those that ended while the database was unavailable.

    Raises JournalUnavailable, and keeps them for the next call.
    """
    if not _unrecorded:
        return
    departures = dict(_unrecorded)
    _unrecorded.clear()
    unit, shown = Unit(), station_store.port.app
    for identity, (pk, connection_id, departure) in departures.items():
        if not live.state().is_shared:
            shown.show_disconnected(unit, pk, **departure)
        ended = {"connectionId": connection_id, "closeCode": departure["close_code"]}
        outbox.add(unit, stations.DISCONNECTED, ended, station=identity)
    try:
        if live.state().is_shared:
            await journal.run(shown.show_disconnected_if_current, departures.values())
        if unit:
            await journal.commit(unit)
    except JournalUnavailable:
        for identity, kept in departures.items():
            if not live.state().is_connected(identity):
                _unrecorded.setdefault(identity, kept)
        raise
