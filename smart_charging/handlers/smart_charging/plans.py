"""The needs and schedules of vehicles, and priority (2.0.1 K15 to K17; 2.1 K18 to K22)."""

from __future__ import annotations

from typing import Any

from chargepoints.services.follow_ups.recording import record
from ocpp_server.live.station import Station
from ocpp_server.protocol.registry import after, on, reply
from ocpp_server.protocol.versions import V2X, V21, V201
from smart_charging.services.smart_charging import plans
from smart_charging.services.smart_charging.plans import Answer, Answered

_ACCEPTED, _REJECTED = "Accepted", "Rejected"


@on("NotifyEVChargingNeeds", V201)
async def notify_ev_charging_needs_201(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    """2.0.1 K15. Rejected: no SetChargingProfile will follow, and the station keeps its own limits."""
    return _answer(station, request, without_profile=_REJECTED)


@on("NotifyEVChargingNeeds", V21)
async def notify_ev_charging_needs(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    """2.1 K15, K18. NoChargingProfile: no profile will follow. Rejected ends the energy transfer (Q01)."""
    return _answer(station, request, without_profile="NoChargingProfile")


def _answer(station: Station, request: dict[str, Any], *, without_profile: str) -> dict[str, Any]:
    record(station=station, request=request)
    answered: Answered = plans.ask(station=station, request=request)
    words = {Answer.PROFILE: _ACCEPTED, Answer.REFUSED: _REJECTED}
    return {"status": words.get(answered.answer, without_profile)}


@after("NotifyEVChargingNeeds", *V2X)
async def ev_charging_needs_answered(station: Station, request: dict[str, Any]) -> None:
    await plans.follow(station=station, request=request)


@on("NotifyEVChargingSchedule", *V2X)
async def notify_ev_charging_schedule(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    """Rejected: the schedule of the vehicle exceeds its profile (K16); a new profile follows."""
    record(station=station, request=request)
    is_within = plans.compare(station=station, request=request)
    return {"status": _REJECTED if is_within is False else _ACCEPTED}


@after("NotifyEVChargingSchedule", *V2X)
async def ev_charging_schedule_answered(station: Station, request: dict[str, Any]) -> None:
    await plans.repeat(station=station, request=request)


@reply("UsePriorityCharging", V21)
async def priority_answered(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    if response["status"] == _ACCEPTED:
        plans.prioritise(station=station, ocpp_id=request["transactionId"], is_active=request["activate"])


@on("NotifyPriorityCharging", V21)
async def notify_priority_charging(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    """2.1 K22: the driver has asked for priority at the station, or has given it up."""
    record(station=station, request=request)
    plans.prioritise(station=station, ocpp_id=request["transactionId"], is_active=request["activated"])
    return {}
