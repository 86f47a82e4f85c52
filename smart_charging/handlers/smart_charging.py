"""Charging profiles and limits (2.0.1 K09, K12-K18; 2.1 K21).

The server makes no schedule yet: it stores what stations report.
"""

from __future__ import annotations

from typing import Any

from chargepoints.services.follow_ups import gathering
from chargepoints.services.follow_ups.recording import record
from ocpp_server.live.station import Station
from ocpp_server.protocol.registry import after, on, reply
from ocpp_server.protocol.versions import V2X, V21, V201


@on("ReportChargingProfiles", *V2X)
async def report_charging_profiles(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    record(station=station, request=request)
    return {}


@after("ReportChargingProfiles", *V2X)
async def charging_profiles_reported(station: Station, request: dict[str, Any]) -> None:
    await gathering.gather(station=station, request=request)


@reply("GetChargingProfiles", *V2X)
async def charging_profiles_requested(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    await gathering.expect(
        station=station,
        action="ReportChargingProfiles",
        request=request,
        response=response,
        command_id=command_id,
    )


@on("NotifyChargingLimit", *V2X)
async def notify_charging_limit(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    record(station=station, request=request)
    return {}


@on("ClearedChargingLimit", *V2X)
async def cleared_charging_limit(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    record(station=station, request=request)
    return {}


@on("NotifyEVChargingNeeds", V201)
async def notify_ev_charging_needs_201(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    """2.0.1 K15. Rejected: no SetChargingProfile will follow, and the station keeps its own limits."""
    record(station=station, request=request)
    return {"status": "Rejected"}


@on("NotifyEVChargingNeeds", V21)
async def notify_ev_charging_needs(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    """2.1 K15. NoChargingProfile: no SetChargingProfile will follow."""
    record(station=station, request=request)
    return {"status": "NoChargingProfile"}


@on("NotifyEVChargingSchedule", *V2X)
async def notify_ev_charging_schedule(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    """2.0.1 K15.FR.13: Accepted says only that the server has read the schedule of the vehicle."""
    record(station=station, request=request)
    return {"status": "Accepted"}


@on("NotifyPriorityCharging", V21)
async def notify_priority_charging(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    record(station=station, request=request)
    return {}


@on("PullDynamicScheduleUpdate", V21)
async def pull_dynamic_schedule_update(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    """2.1 K28. Rejected: the server has no update, and the station keeps the schedule that it has."""
    record(station=station, request=request)
    return {"status": "Rejected", "statusInfo": {"reasonCode": "InvalidProfile"}}
