"""Who is connected where: the live state says it now, the ORM mirrors it."""

from __future__ import annotations

from datetime import UTC, datetime

import structlog

from chargepoints.admission import Admitted, Handshake
from chargepoints.calls import switchboard
from chargepoints.connection import StationConnection
from chargepoints.services import deviations
from chargepoints.tables import CHARGE_POINTS
from ocpp_server import live
from ocpp_server.journal import Unit, journal
from ocpp_server.live.loading import load_station
from ocpp_server.live.records import Connection
from ocpp_server.live.station import Station

log = structlog.get_logger(__name__)


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
    await journal.commit(unit)
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
    await connection.closed()
    if station.deviations:
        await journal.run(deviations.store, [(station.pk, station.deviations)], datetime.now(UTC))
    if not await live.state().disconnect(station.identity, station.connection_id):
        return
    unit = Unit()
    unit.update(
        CHARGE_POINTS,
        station.pk,
        is_online=False,
        disconnected_at=datetime.now(UTC),
        last_seen_at=station.last_seen_at,
        close_code=code,
    )
    await journal.commit(unit)
    log.info("station.disconnected", station=station.identity, code=code)
