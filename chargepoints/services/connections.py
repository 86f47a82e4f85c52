"""Connections as the database shows them: fills the engine's port `StationStore`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Q

from chargepoints.models import ChargePoint, Command
from chargepoints.models.charge_point import DUPLICATE_OVER_AFTER
from chargepoints.services import commands, deviations, security
from chargepoints.tables import CHARGE_POINTS, MESSAGES
from ocpp_server.storage.unit import Unit

log = structlog.get_logger(__name__)

messages = MESSAGES
add_deviations = deviations.store


def load(charge_point_pk: int) -> ChargePoint:
    """The row of a station."""
    return ChargePoint.objects.get(pk=charge_point_pk)


def show_connected(
    unit: Unit, charge_point_pk: int, *, version: str, connection_id: str, address: str, at: datetime
) -> None:
    """Show a station as online over this connection."""
    unit.update(
        CHARGE_POINTS,
        charge_point_pk,
        is_online=True,
        ocpp_version=version,
        connection_id=connection_id,
        remote_address=address[:64],
        connected_at=at,
        last_seen_at=at,
    )


def show_connected_again(unit: Unit, charge_point_pk: int, *, connection_id: str) -> None:
    """Show a station as online that another process may have shown as offline."""
    unit.update(CHARGE_POINTS, charge_point_pk, is_online=True, connection_id=connection_id)


def show_disconnected(unit: Unit, charge_point_pk: int, **columns: Any) -> None:
    """Show a station as offline."""
    unit.update(CHARGE_POINTS, charge_point_pk, is_online=False, **columns)


def show_disconnected_if_current(departures: Iterable[tuple[int, str, dict[str, Any]]]) -> None:
    """The same, unless the station has connected to another process, which has written before."""
    for pk, connection_id, columns in departures:
        current = ChargePoint.objects.filter(pk=pk, connection_id=connection_id)
        current.update(is_online=False, **columns)


def show_duplicate(charge_point_pk: int, addresses: tuple[str, str], at: datetime) -> bool:
    """Show that two devices use the identity of a station. The first report of a storm is a security event.

    Each step is one conditional update, so that of several processes one begins the storm.
    """
    older, newer = (address[:64] for address in addresses)
    rows = ChargePoint.objects.filter(pk=charge_point_pk)
    now = {"duplicate_at": at, "duplicate_addresses": [older, newer]}
    if rows.filter(duplicate_at__gt=at - DUPLICATE_OVER_AFTER).update(**now):
        return False
    with transaction.atomic():
        is_over = Q(duplicate_at=None) | Q(duplicate_at__lte=at - DUPLICATE_OVER_AFTER)
        if not rows.filter(is_over).update(duplicate_since=at, **now):
            return False
        security.record(
            charge_point=rows.get(),
            type="DuplicateIdentity",
            tech_info=f"Two devices use this identity, from {older} and {newer}. They replaced each other's "
            "connection; from now on the newer one waits.",
        )
    return True


def connection_ids() -> dict[str, str]:
    """The connection id of every station that is shown as online, by identity."""
    return dict(ChargePoint.objects.online().values_list("identity", "connection_id"))


def end_connections(gone: Mapping[str, datetime | None]) -> None:
    """Show the stations of dead processes as offline and end the commands to these connections.

    `gone` has the ids of the connections, each with the time at which the station connected again, None if it
    has not. One that has stays online: its next process shows the new connection when it loads the station.
    """
    now = datetime.now(UTC)
    # Every connection has an id of its own: a station whose new connection is stored has another.
    rows = ChargePoint.objects.online().filter(connection_id__in=list(gone))
    since = {pk: gone[connection_id] for pk, connection_id in rows.values_list("pk", "connection_id")}
    unfinished = Command.objects.unfinished()
    sent = unfinished.filter(charge_point__in=since).values_list("pk", "charge_point", "created_at")
    # A command has no connection: a later one is for the new connection of its station.
    ended = [pk for pk, station, created_at in sent if created_at < (since[station] or now)]
    commands.end_all(
        unfinished.filter(pk__in=ended),
        state=Command.State.DISCONNECTED,
        finished_at=now,
        error_description="The server's process has died.",
    )
    lost = rows.filter(pk__in=[pk for pk, again in since.items() if again is None])
    for identity in lost.values_list("identity", flat=True):
        log.warning("station.disconnected", station=identity, reason="its process has died")
    lost.update(is_online=False, disconnected_at=now, close_code=None)
