"""Reservations (2.0.1 H04). The server has no reservations of its own yet: it stores what happens to them."""

from __future__ import annotations

from typing import Any

from chargepoints.services.follow_ups import gathering
from chargepoints.services.follow_ups.recording import record
from ocpp_server.live.station import Station
from ocpp_server.protocol.registry import after, on
from ocpp_server.protocol.versions import V2X


@on("ReservationStatusUpdate", *V2X)
async def reservation_status_update(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    record(station=station, request=request)
    return {}


@after("ReservationStatusUpdate", *V2X)
async def reservation_updated(station: Station, request: dict[str, Any]) -> None:
    await gathering.gather(station=station, request=request)
