"""Limits that an energy management system or a grid operator sets at a station (2.0.1 K11 to K14)."""

from __future__ import annotations

from typing import Any

from chargepoints.services.follow_ups.recording import record
from ocpp_server.live.station import Station
from ocpp_server.protocol.registry import on
from ocpp_server.protocol.versions import V2X
from smart_charging.services.smart_charging import limits


@on("NotifyChargingLimit", *V2X)
async def notify_charging_limit(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    record(station=station, request=request)
    limits.set_limit(
        station=station,
        evse=request.get("evseId"),
        limit=request["chargingLimit"],
        schedules=request.get("chargingSchedule", ()),
    )
    return {}


@on("ClearedChargingLimit", *V2X)
async def cleared_charging_limit(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    record(station=station, request=request)
    limits.release(station=station, evse=request.get("evseId"), source=request["chargingLimitSource"])
    return {}
