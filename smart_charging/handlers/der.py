"""Distributed energy resources (2.1 R). The server stores the controls and alarms that stations report."""

from __future__ import annotations

from typing import Any

from chargepoints.services.follow_ups import gathering
from chargepoints.services.follow_ups.recording import record
from ocpp_server.live.station import Station
from ocpp_server.protocol.registry import after, on, reply
from ocpp_server.protocol.versions import V21


@on("ReportDERControl", V21)
async def report_der_control(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    record(station=station, request=request)
    return {}


@after("ReportDERControl", V21)
async def der_control_reported(station: Station, request: dict[str, Any]) -> None:
    await gathering.gather(station=station, request=request)


@reply("GetDERControl", V21)
async def der_control_requested(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    await gathering.expect(
        station=station, action="ReportDERControl", request=request, response=response, command_id=command_id
    )


@on("NotifyDERAlarm", V21)
async def notify_der_alarm(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    record(station=station, request=request)
    return {}


@on("NotifyDERStartStop", V21)
async def notify_der_start_stop(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    record(station=station, request=request)
    return {}
