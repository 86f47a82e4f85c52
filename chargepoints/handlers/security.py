"""Security events (2.0.1 A04; 1.6 security extension). Any type is stored, known or not."""

from __future__ import annotations

from typing import Any

from chargepoints.services import security
from ocpp_server.live.station import Station
from ocpp_server.protocol import security_events
from ocpp_server.protocol.registry import on
from ocpp_server.protocol.versions import V2X, V16


@on("SecurityEventNotification", V16, *V2X)
async def security_event_notification(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    security.report(
        station=station,
        type=request["type"],
        tech_info=request.get("techInfo", ""),
        at=station.moment(request.get("timestamp")),
        is_critical=security_events.is_critical(station.version, request["type"]),
    )
    return {}
