"""Firmware status (1.6 4.5): stores the progress of an update."""

from __future__ import annotations

from typing import Any

from chargepoints.tables import CHARGE_POINTS
from ocpp_server.live.station import Station
from ocpp_server.protocol.registry import on
from ocpp_server.protocol.versions import V16


@on("FirmwareStatusNotification", V16)
async def firmware_status_notification(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    station.unit.update(CHARGE_POINTS, station.pk, firmware_status=request["status"][:64])
    return {}
