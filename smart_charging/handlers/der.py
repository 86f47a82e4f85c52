"""Distributed energy resources (2.1 R): the controls of stations, and faults of the grid."""

from __future__ import annotations

from typing import Any

from chargepoints.services.follow_ups import gathering
from chargepoints.services.follow_ups.recording import record
from ocpp_server.live.station import Station
from ocpp_server.protocol.registry import after, on, reply
from ocpp_server.protocol.versions import V21
from smart_charging.models import DerControl
from smart_charging.services import der

_ACCEPTED, _NOT_FOUND = "Accepted", "NotFound"


@reply("SetDERControl", V21)
async def der_control_answered(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    if response["status"] == _ACCEPTED:
        kind = request["controlType"]
        der.accept(
            station=station,
            command_id=command_id,
            control_id=request["controlId"],
            control_type=kind,
            is_default=request["isDefault"],
            settings=request.get(der.field_of(kind), {}),
            superseded=response.get("supersededIds", ()),
        )


@reply("ClearDERControl", V21)
async def der_clearing_answered(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    """NotFound: the station has none that fits (R04.FR.41)."""
    states = {_ACCEPTED: DerControl.State.CLEARED, _NOT_FOUND: DerControl.State.MISSING}
    state = states.get(response["status"])
    if state is not None:
        await der.clear(station=station, which=der.wanted(request), state=state)


@on("ReportDERControl", V21)
async def report_der_control(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    record(station=station, request=request)
    der.report(station=station, request=request)
    return {}


@after("ReportDERControl", V21)
async def der_control_reported(station: Station, request: dict[str, Any]) -> None:
    await gathering.gather(station=station, request=request)
    await der.compare(station=station, request=request)


@reply("GetDERControl", V21)
async def der_control_requested(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    gathering.expect(station=station, request=request, response=response, command_id=command_id)
    if response["status"] == _NOT_FOUND:
        await der.clear(station=station, which=der.wanted(request), state=DerControl.State.MISSING)


@on("NotifyDERAlarm", V21)
async def notify_der_alarm(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    record(station=station, request=request)
    der.alarm(station=station, request=request)
    return {}


@after("NotifyDERAlarm", V21)
async def der_alarm_notified(station: Station, request: dict[str, Any]) -> None:
    await der.end_all(station=station, request=request)


@on("NotifyDERStartStop", V21)
async def notify_der_start_stop(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    record(station=station, request=request)
    der.run(
        station=station,
        control_id=request["controlId"],
        is_started=request["started"],
        timestamp=request.get("timestamp"),
        superseded=request.get("supersededIds", ()),
    )
    return {}
