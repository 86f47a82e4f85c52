"""Events of reservations, from messages and from jobs."""

from __future__ import annotations

from typing import Any

from chargepoints.models import ChargePoint
from ocpp_server.events import outbox
from ocpp_server.events.outbox import masked_token
from ocpp_server.events.types import EventType
from ocpp_server.live.station import Station
from transactions.live.reservations import Held, held_of
from transactions.models import Reservation


def emit(station: Station, type: EventType, held: Held, **more: Any) -> None:
    """The event of a message, in its unit of work."""
    station.emit(type, **_data(held), **more)


def emit_stored(type: EventType, row: Reservation, charge_point: ChargePoint, **more: Any) -> None:
    """The event of a change off the message path, in the transaction of the change."""
    outbox.emit(type, station=charge_point.identity, site=charge_point.site_id, **_data(held_of(row)), **more)


def _data(held: Held) -> dict[str, Any]:
    return {
        "reservationId": held.number,
        "evseId": held.evse,
        "expiryDate": held.expires_at,
        "idTag": masked_token(held.id_token),
        "tokenId": held.token_pk,
        "requestId": held.command_id,
    }
