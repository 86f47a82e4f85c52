"""Connector status (1.6 4.9; 2.0.1 G01). NotifyEvent moves the same state."""

from __future__ import annotations

from typing import Any

from chargepoints.services import device_events, status
from ocpp_server.live.station import Station
from ocpp_server.protocol import translate
from ocpp_server.protocol.registry import on
from ocpp_server.protocol.versions import V2X, V16


@on("StatusNotification", V16)
async def status_notification_16(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    time = request.get("timestamp")
    await status.report(
        station=station,
        place=translate.connector(request["connectorId"]),
        status=request["status"],
        at=station.moment(time) if time else station.received_at,
        error_code=request["errorCode"],
        info=request.get("info", ""),
        vendor_id=request.get("vendorId", ""),
        vendor_error_code=request.get("vendorErrorCode", ""),
    )
    return {}


@on("StatusNotification", *V2X)
async def status_notification(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    await status.report(
        station=station,
        place=translate.place(request["evseId"], request["connectorId"] or None),
        status=request["connectorStatus"],
        at=station.moment(request["timestamp"]),
    )
    return {}


@on("NotifyEvent", *V2X)
async def notify_event(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    """2.0.1 G01, N07, N08. Answered `{}` whatever it says; every event is stored once."""
    for event in request["eventData"]:
        component = event["component"]
        await device_events.record(
            station=station,
            event_id=event["eventId"],
            component=component["name"],
            component_instance=component.get("instance", ""),
            place=translate.evse(component.get("evse")),
            variable=event["variable"]["name"],
            variable_instance=event["variable"].get("instance", ""),
            trigger=event["trigger"],
            actual_value=event["actualValue"],
            tech_code=event.get("techCode", ""),
            tech_info=event.get("techInfo", ""),
            is_cleared=bool(event.get("cleared", False)),
            at=station.moment(event["timestamp"]),
        )
    return {}
