"""Monitors of variables (2.0.1 N02) and their event streams (2.1 N11-N15)."""

from __future__ import annotations

from typing import Any

from chargepoints.services.follow_ups import gathering
from chargepoints.services.follow_ups.recording import record
from ocpp_server.live.station import Station
from ocpp_server.protocol.registry import after, on, reply
from ocpp_server.protocol.versions import V2X, V21


@on("NotifyMonitoringReport", *V2X)
async def notify_monitoring_report(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    record(station=station, request=request)
    return {}


@after("NotifyMonitoringReport", *V2X)
async def monitoring_reported(station: Station, request: dict[str, Any]) -> None:
    await gathering.gather(station=station, request=request)


@reply("GetMonitoringReport", *V2X)
async def monitoring_report_requested(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    await gathering.expect(
        station=station,
        action="NotifyMonitoringReport",
        request=request,
        response=response,
        command_id=command_id,
    )


@on("OpenPeriodicEventStream", V21)
async def open_periodic_event_stream(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    """Rejected: the server does not read streams yet, and the station goes on to send NotifyEvent."""
    record(station=station, request=request)
    return {"status": "Rejected"}


@on("NotifyPeriodicEventStream", V21)
async def notify_periodic_event_stream(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    """A SEND, which is never answered. A stream that was opened elsewhere is stored too."""
    record(station=station, request=request)
    return {}


@on("ClosePeriodicEventStream", V21)
async def close_periodic_event_stream(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    record(station=station, request=request)
    return {}
