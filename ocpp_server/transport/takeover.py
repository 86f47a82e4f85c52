"""Stations that change hands: from one connection to a newer one, and from a dead process to nobody."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import structlog

from chargepoints.models import ChargePoint, Command
from chargepoints.tables import CHARGE_POINTS
from ocpp_server import live
from ocpp_server.live.records import Connection
from ocpp_server.protocol.dispatch import StorageUnavailable
from ocpp_server.storage.journal import journal
from ocpp_server.storage.unit import Unit
from ocpp_server.transport.messages import StationReplaced
from ocpp_server.transport.queue import downlink
from ocpp_server.transport.switchboard import switchboard

log = structlog.get_logger(__name__)

# How long a newer connection waits for the older one to finish the message in hand. Its process may be dead.
HANDOVER_S = 2.0
_AT_ONCE = 500


async def replace(replaced: Connection) -> bool:
    """Close the connection that a newer one replaced, wherever it is; its message in hand is stored first.

    False when nobody said so in time: what is loaded now may not be all that will be stored.
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
        await asyncio.wait_for(released.wait(), HANDOVER_S)
    except TimeoutError:
        log.warning("station.handover_unconfirmed", station=replaced.identity)
        return False
    finally:
        switchboard.forget(request)
    return True


async def lost(connection_id: str) -> None:
    """A newer connection took over, and the message that should have said so did not come."""
    connection = switchboard.connections.get(connection_id)
    if connection is not None:
        await connection.replace()


async def regained(connection_id: str) -> None:
    """We were taken for dead, and are not: another process may have served the station meanwhile."""
    connection = switchboard.connections.get(connection_id)
    if connection is None:
        return
    station = connection.station
    unit = Unit()
    unit.update(CHARGE_POINTS, station.pk, is_online=True, connection_id=connection_id)
    try:
        await connection.changed()
        await journal.commit(unit)
    except StorageUnavailable as error:
        # What it knows can't be checked: it comes back and is loaded as any other.
        await connection.dismiss(1013, error.sentence)


async def bury() -> None:
    """Mark as offline whose process has died. Other processes' stations are none of ours to end."""
    believed = await journal.run(_believed)
    gone = await live.state().gone(believed)
    for start in range(0, len(gone), _AT_ONCE):
        await journal.run(_mark_gone, gone[start : start + _AT_ONCE])


def _believed() -> dict[str, str]:
    return dict(ChargePoint.objects.online().values_list("identity", "connection_id"))


def _mark_gone(connection_ids: list[str]) -> None:
    now = datetime.now(UTC)
    # A connection's id is new with every connection: a station that has come back meanwhile has another.
    rows = ChargePoint.objects.online().filter(connection_id__in=connection_ids)
    gone = list(rows.values_list("pk", "identity"))
    for _, identity in gone:
        log.warning("station.disconnected", station=identity, reason="its process has died")
    Command.objects.unfinished().filter(charge_point__in=[pk for pk, _ in gone], created_at__lt=now).update(
        state=Command.State.DISCONNECTED, finished_at=now, error_description="The server's process has died."
    )
    rows.update(is_online=False, disconnected_at=now, close_code=None)


def record_if_current(departures: Iterable[tuple[int, str, dict[str, Any]]]) -> None:
    """Write who has gone, unless the station has come back to another process, which wrote before us."""
    for pk, connection_id, columns in departures:
        ChargePoint.objects.filter(pk=pk, connection_id=connection_id).update(**columns)
