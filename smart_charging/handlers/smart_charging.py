"""Charging profiles and limits (1.6 5.5, 5.16; 2.0.1 K01-K05, K09-K18; 2.1 K21).

The profiles of a station follow from its answers and from the ends of sessions. The server makes no schedule
yet: it stores the limits and needs that stations report.
"""

from __future__ import annotations

from typing import Any

from chargepoints.services.follow_ups import gathering
from chargepoints.services.follow_ups.recording import record
from ocpp_server.live.station import Station
from ocpp_server.protocol.registry import after, also, on, reply
from ocpp_server.protocol.translate.charging_profiles import purpose
from ocpp_server.protocol.versions import V2X, V16, V21, V201
from smart_charging.services.smart_charging import installed
from smart_charging.services.smart_charging.installed import Criteria

_ACCEPTED = "Accepted"
# The answers that no such profile is there.
_UNKNOWN, _NO_PROFILES = "Unknown", "NoProfiles"
_OUR_SOURCE = "CSO"  # the limits of the CSMS; other sources are outside of its reach (2.0.1 K12)


# -- set, clear and get ------------------------------------------------------------------------------------


@reply("SetChargingProfile", V16)
async def profile_answered_16(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    if response["status"] == _ACCEPTED:
        installed.install(
            station=station,
            command_id=command_id,
            evse=request["connectorId"],
            payload=request["csChargingProfiles"],
        )


@reply("SetChargingProfile", *V2X)
async def profile_answered(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    if response["status"] == _ACCEPTED:
        installed.install(
            station=station,
            command_id=command_id,
            evse=request["evseId"],
            payload=request["chargingProfile"],
        )


@reply("ClearChargingProfile", V16)
async def clearing_answered_16(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    _remove(station, response, request.get("id"), request.get("connectorId"), request)


@reply("ClearChargingProfile", *V2X)
async def clearing_answered(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    criteria = request.get("chargingProfileCriteria", {})
    _remove(station, response, request.get("chargingProfileId"), criteria.get("evseId"), criteria)


def _remove(
    station: Station, response: dict[str, Any], id: int | None, evse: int | None, where: dict[str, Any]
) -> None:
    """Accepted: the station has cleared all that fit. Unknown: it has none that fits."""
    status = response["status"]
    if status in (_ACCEPTED, _UNKNOWN):
        word = where.get("chargingProfilePurpose")
        criteria = Criteria(
            ids=None if id is None else (id,),
            evse=evse,
            purpose=None if word is None else purpose(word),
            stack_level=where.get("stackLevel"),
        )
        installed.remove(station=station, criteria=criteria, is_missing=status == _UNKNOWN)


@also("StartTransaction", V16)
@also("StopTransaction", V16)
@also("TransactionEvent", *V2X)
@also("StatusNotification", V16, *V2X)
async def session_changed(station: Station, request: dict[str, Any]) -> None:
    """A TxProfile ends with its session."""
    installed.end_with_sessions(station)


@also("BootNotification", V16)
async def booted(station: Station, request: dict[str, Any]) -> None:
    """A 1.6 station may lose its profiles when it restarts; a 2.x station keeps them (K01.FR.27)."""
    installed.doubt(station)


@on("ReportChargingProfiles", *V2X)
async def report_charging_profiles(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    record(station=station, request=request)
    if request["chargingLimitSource"] == _OUR_SOURCE:
        installed.report(station=station, evse=request["evseId"], payloads=request["chargingProfile"])
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
    where = request["chargingProfile"]
    ids, sources = where.get("chargingProfileId"), where.get("chargingLimitSource")
    if response["status"] == _NO_PROFILES and (sources is None or _OUR_SOURCE in sources):
        criteria = Criteria(
            ids=None if ids is None else tuple(ids),
            evse=request.get("evseId"),
            purpose=where.get("chargingProfilePurpose"),
            stack_level=where.get("stackLevel"),
        )
        installed.remove(station=station, criteria=criteria, is_missing=True)


# -- limits and needs --------------------------------------------------------------------------------------


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
