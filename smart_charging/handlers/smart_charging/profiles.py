"""Charging profiles (1.6 5.5, 5.16; 2.0.1 K01-K05, K09-K10; 2.1 K28).

The profiles of a station follow from its answers and reports, and from the ends of sessions.
"""

from __future__ import annotations

from typing import Any

from chargepoints.services.follow_ups import gathering
from chargepoints.services.follow_ups.recording import record
from chargepoints.services.provisioning.restarted import TRIGGERED
from ocpp_server.live.station import Station
from ocpp_server.protocol.registry import after, also, on, reply
from ocpp_server.protocol.translate.charging_profiles import purpose
from ocpp_server.protocol.versions import V2X, V16, V21
from smart_charging.live import SERVER
from smart_charging.services.smart_charging import installed, plans, reports, resuming
from smart_charging.services.smart_charging.installed import Criteria
from transactions.services.transactions.events import RESUMED

_ACCEPTED = "Accepted"
# The answers that no such profile is there.
_UNKNOWN, _NO_PROFILES = "Unknown", "NoProfiles"
# The trigger of an event about a session that is reset and goes on.
_RESET = "ResetCommand"


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
    else:
        resuming.refused(station, command_id=command_id)


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
    """A TxProfile ends with its session, and so does its plan."""
    installed.end_with_sessions(station)
    plans.forget_ended(station)


@also("BootNotification", V16)
async def booted(station: Station, request: dict[str, Any]) -> None:
    """A 1.6 station may lose its profiles when it restarts; a 2.x station keeps them (K01.FR.27)."""
    installed.doubt(station)


# -- a restart in a session --------------------------------------------------------------------------------


@also("BootNotification", V21)
async def restarted(station: Station, request: dict[str, Any]) -> None:
    """A 2.1 station may lose its TxProfiles (K01.FR.27 is about the others)."""
    if request["reason"] != TRIGGERED:
        resuming.note_restart(station)


@also("TransactionEvent", V21)
async def session_reset_or_resumed(station: Station, request: dict[str, Any]) -> None:
    """2.1 B13, E17. A reset of one EVSE leads to no boot."""
    ocpp_id, trigger = request["transactionInfo"]["transactionId"], request["triggerReason"]
    if trigger == _RESET:
        resuming.note_restart(station, ocpp_id=ocpp_id)
    elif trigger == RESUMED:
        resuming.note_resumed(station, ocpp_id=ocpp_id)


@after("TransactionEvent", V21)
async def session_resumed(station: Station, request: dict[str, Any]) -> None:
    if request["triggerReason"] == RESUMED:
        await resuming.send_due(station)


# -- reports -----------------------------------------------------------------------------------------------


@on("ReportChargingProfiles", *V2X)
async def report_charging_profiles(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    record(station=station, request=request)
    installed.report(
        station=station,
        evse=request["evseId"],
        payloads=request["chargingProfile"],
        source=request["chargingLimitSource"],
    )
    return {}


@after("ReportChargingProfiles", *V2X)
async def charging_profiles_reported(station: Station, request: dict[str, Any]) -> None:
    await gathering.gather(station=station, request=request)
    await reports.compare(station=station, request=request)


@reply("GetChargingProfiles", *V2X)
async def charging_profiles_requested(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    gathering.expect(station=station, request=request, response=response, command_id=command_id)
    if response["status"] == _NO_PROFILES:
        installed.remove(station=station, criteria=reports.criteria_of(request), is_missing=True)


# -- dynamic profiles --------------------------------------------------------------------------------------


@reply("UpdateDynamicSchedule", V21)
async def dynamic_schedule_answered(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    """The server repeats the values that hold: an operator may have changed them meanwhile."""
    number, is_accepted = request["chargingProfileId"], response["status"] == _ACCEPTED
    if station.actor == SERVER and not is_accepted:
        installed.stop_pushing(station=station, profile_id=number)
    elif station.actor != SERVER and is_accepted:
        installed.update(station=station, profile_id=number, values=request["scheduleUpdate"])


@on("PullDynamicScheduleUpdate", V21)
async def pull_dynamic_schedule_update(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    """2.1 K28. Rejected: the server has no such dynamic profile, and the station keeps what it has."""
    record(station=station, request=request)
    wanted = installed.wanted_update(station=station, profile_id=request["chargingProfileId"])
    if wanted is None:
        return {"status": "Rejected", "statusInfo": {"reasonCode": "InvalidProfile"}}
    return {"status": _ACCEPTED, "scheduleUpdate": wanted}
