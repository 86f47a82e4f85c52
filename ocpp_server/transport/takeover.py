"""Stations whose connection is replaced by a newer one, or whose process has died."""

from __future__ import annotations

import asyncio
import uuid

import structlog

from ocpp_server import live
from ocpp_server.live.records import Connection
from ocpp_server.protocol.dispatch import StorageUnavailable
from ocpp_server.storage.journal import journal
from ocpp_server.storage.unit import Unit
from ocpp_server.transport import station_store
from ocpp_server.transport.messages import StationReplaced
from ocpp_server.transport.queue import downlink
from ocpp_server.transport.switchboard import switchboard

log = structlog.get_logger(__name__)

# How long a newer connection waits for the older one to finish its current message. The process of the older
# one may be dead.
HANDOVER_S = 2.0
_AT_ONCE = 500


async def replace(replaced: Connection) -> bool:
    """Close the connection that a newer one replaced, in any process. Its current message is stored first.

    False when this was not confirmed in time: the older connection may still store changes after the newer
    one has loaded the station.
    """
    log.warning("station.replaced", station=replaced.identity, address=replaced.remote_address)
    local = switchboard.connections.get(replaced.id)
    if local is not None:
        await local.replace()
        return True
    request = str(uuid.uuid4())
    released = switchboard.expect(request)
    try:
        if downlink.is_at_gateway(replaced):
            await downlink.replaced(replaced, request, switchboard.channel)
        else:
            await switchboard.send(
                replaced.channel,
                StationReplaced(connection_id=replaced.id, id=request, reply_to=switchboard.channel),
            )
        async with asyncio.timeout(HANDOVER_S):
            await released.wait()
    except TimeoutError:
        log.warning("station.handover_unconfirmed", station=replaced.identity)
        return False
    finally:
        switchboard.forget(request)
    return True


async def lost(connection_id: str) -> None:
    """Close a connection that a newer one replaced, after the message about it was lost."""
    connection = switchboard.connections.get(connection_id)
    if connection is not None:
        await connection.replace()


async def regained(connection_id: str) -> None:
    """Reload a station whose lease had expired: another process may have served it meanwhile."""
    connection = switchboard.connections.get(connection_id)
    if connection is None:
        return
    station = connection.station
    unit = Unit()
    station_store.port.app.show_connected_again(unit, station.pk, connection_id=connection_id)
    try:
        await connection.changed()
        await journal.commit(unit)
    except StorageUnavailable as error:
        # Without the database the station cannot be reloaded. It reconnects, and is loaded then.
        await connection.dismiss(1013, error.sentence)


async def end_dead_connections() -> None:
    """Show the stations of dead processes as offline. The stations of other running processes stay online.

    A station may be at a gateway again whose next processor has not loaded it yet. The commands to its new
    connection are not ended: that processor sends them.
    """
    store = station_store.port.app
    shown_online = await journal.run(store.connection_ids)
    gone = list((await live.state().gone(shown_online)).items())
    for start in range(0, len(gone), _AT_ONCE):
        await journal.run(store.end_connections, dict(gone[start : start + _AT_ONCE]))
