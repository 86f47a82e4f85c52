"""Connector status (1.6 4.9; 2.0.1 G01). NotifyEvent (`diagnostics`) changes the same state."""

from __future__ import annotations

from typing import Any

from chargepoints.services import availability
from ocpp_server.events.catalogue import stations
from ocpp_server.live.station import Station
from ocpp_server.protocol import translate
from ocpp_server.protocol.registry import on, reply
from ocpp_server.protocol.versions import V2X, V16


@on("StatusNotification", V16)
async def status_notification_16(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    await availability.report(
        station=station,
        place=translate.connector(request["connectorId"]),
        status=request["status"],
        at=station.moment(request.get("timestamp")),
        error_code=request["errorCode"],
        info=request.get("info", ""),
        vendor_id=request.get("vendorId", ""),
        vendor_error_code=request.get("vendorErrorCode", ""),
        by_time=False,
    )
    return {}


@on("StatusNotification", *V2X)
async def status_notification(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    for kind in translate.zeros(request["evseId"], request["connectorId"]):
        station.deviation(kind)
    await availability.report(
        station=station,
        place=translate.place(request["evseId"], request["connectorId"] or None),
        status=request["connectorStatus"],
        at=station.moment(request.get("timestamp")),
    )
    return {}


@reply("ChangeAvailability", V16, *V2X)
async def availability_changed(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    if response["status"] in ("Accepted", "Scheduled"):
        is_16 = "connectorId" in request
        station.emit(
            stations.AVAILABILITY_CHANGED,
            evseId=request["connectorId"] if is_16 else request.get("evse", {}).get("id", 0),
            availability=request["type"] if is_16 else request["operationalStatus"],
            status=response["status"],
            requestId=command_id,
            actor=station.actor,
        )
