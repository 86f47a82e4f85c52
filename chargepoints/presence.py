"""Who is connected where: the live state says it now, the ORM mirrors it."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import Any

import structlog

from chargepoints.admission import Admitted, Handshake
from chargepoints.calls import switchboard
from chargepoints.connection import StationConnection
from chargepoints.services import deviations
from chargepoints.tables import CHARGE_POINTS
from ocpp_server import live
from ocpp_server.journal import JournalUnavailable, Unit, journal
from ocpp_server.live.loading import load_station
from ocpp_server.live.records import Connection
from ocpp_server.live.station import Station

log = structlog.get_logger(__name__)

# Stations that have gone and are still online in the ORM: primary key and columns by identity.
_unrecorded: dict[str, tuple[int, dict[str, Any]]] = {}


async def arrive(admitted: Admitted, handshake: Handshake, connection_id: str) -> Station:
    """Register an authenticated connection, close the one it replaces, and load the station's state.

    The old connection finishes the message in hand first; what it stored is part of what is loaded.
    """
    charge_point = admitted.charge_point
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
        return await _load(admitted, handshake, connection_id, replaced)
    except BaseException:
        await live.state().disconnect(charge_point.identity, connection_id)
        raise


async def _load(
    admitted: Admitted, handshake: Handshake, connection_id: str, replaced: Connection | None
) -> Station:
    charge_point = admitted.charge_point
    if replaced is not None:
        await _replace(replaced)
    station = await journal.run(load_station, charge_point.pk, admitted.version)
    station.connection_id = connection_id
    station.memory = live.state().replay_memory(charge_point.identity)
    for transaction in station.transactions.values():
        live.state().transaction_changed(transaction)
    unit = Unit()
    unit.update(
        CHARGE_POINTS,
        charge_point.pk,
        is_online=True,
        ocpp_version=admitted.version,
        connection_id=connection_id,
        remote_address=handshake.address[:64],
        connected_at=station.received_at,
        last_seen_at=station.received_at,
    )
    departure = _unrecorded.pop(station.identity, None)
    try:
        await journal.commit(unit)
    except JournalUnavailable:
        if departure is not None:
            _unrecorded.setdefault(station.identity, departure)
        raise
    log.info(
        "station.connected", station=station.identity, version=admitted.version, address=handshake.address
    )
    return station


async def _replace(replaced: Connection) -> None:
    log.warning("station.replaced", station=replaced.identity, address=replaced.remote_address)
    local = switchboard.connections.get(replaced.id)
    if local is not None:
        await local.replace()
    else:
        await switchboard.tell(replaced.channel, {"type": "station.replaced", "connection_id": replaced.id})


async def leave(connection: StationConnection, *, code: int) -> None:
    """The socket is gone. Clean-up compares the connection: a late close changes nothing for the newer one.
    """
    station = connection.station
    switchboard.connections.pop(station.connection_id, None)
    try:
        await connection.closed()
        if station.deviations:
            await journal.run(deviations.store, [(station.pk, station.deviations)], datetime.now(UTC))
    except JournalUnavailable:
        # Open commands end by their deadlines; that the station has gone must be known now.
        log.warning("station.end_unrecorded", station=station.identity)
    if not await live.state().disconnect(station.identity, station.connection_id):
        return
    departure = {
        "is_online": False,
        "disconnected_at": datetime.now(UTC),
        "last_seen_at": station.last_seen_at,
        "close_code": code,
    }
    _unrecorded[station.identity] = (station.pk, departure)
    log.info("station.disconnected", station=station.identity, code=code)
    with contextlib.suppress(JournalUnavailable):
        await record_departures()


async def record_departures() -> None:
    """Write who has gone; also who could not be written when it went, because the database was away.

    Raises JournalUnavailable, and then they wait on for the next time.
    """
    if not _unrecorded:
        return
    departures = dict(_unrecorded)
    _unrecorded.clear()
    unit = Unit()
    for pk, departure in departures.values():
        unit.update(CHARGE_POINTS, pk, **departure)
    try:
        await journal.commit(unit)
    except JournalUnavailable:
        for identity, kept in departures.items():
            if not live.state().is_connected(identity):
                _unrecorded.setdefault(identity, kept)
        raise
