"""Monitors of variables (2.0.1 N02-N06) and their event streams (2.1 N11-N15)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chargepoints.services.follow_ups import gathering
from chargepoints.services.follow_ups.recording import record, whole
from configuration.services.monitoring import monitors, observed, streams
from configuration.services.monitoring.observed import Seen
from configuration.services.monitoring.streams import Listed
from configuration.services.variables import reported
from ocpp_server.live.station import Station
from ocpp_server.observability.masking import masked_words
from ocpp_server.protocol import translate
from ocpp_server.protocol.registry import after, on, reply
from ocpp_server.protocol.translate import monitors as words
from ocpp_server.protocol.translate.times import REPLACED
from ocpp_server.protocol.versions import V2X, V21
from ocpp_server.storage.journal import journal

_ACCEPTED, _REJECTED = "Accepted", "Rejected"
_PERIODIC = "Periodic"
# 2.0.1 part 2 appendix 3: the variables in which a station reports what was set.
_BASE = "MonitoringCtrlr.ActiveMonitoringBase"
_LEVEL = "MonitoringCtrlr.ActiveMonitoringLevel"


# -- reports -------------------------------------------------------------------------------------------------


@on("NotifyMonitoringReport", *V2X)
async def notify_monitoring_report(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    """N02: store the part, and the monitors that it names."""
    record(station=station, request=request)
    found = list(words.reported_monitors(request))
    if found:
        station.unit.run(monitors.store, station.pk, found, station.received_at, is_report=True)
    return {}


@after("NotifyMonitoringReport", *V2X)
async def monitoring_reported(station: Station, request: dict[str, Any]) -> None:
    """A complete report ends the monitors that it does not name; a job does so if this process dies first."""
    await gathering.gather(station=station, request=request)
    await journal.run(monitors.settle, station.pk, whole(request.get("requestId")))


@reply("GetMonitoringReport", *V2X)
async def monitoring_report_requested(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    gathering.expect(station=station, request=request, response=response, command_id=command_id)
    if response.get("status") == "EmptyResultSet":
        station.unit.run(monitors.missing, station.pk, request, before=station.asked_at)


# -- changes of monitors -------------------------------------------------------------------------------------


@reply("SetVariableMonitoring", *V2X)
async def monitors_set(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    found = list(words.set_monitors(request, response))
    if found:
        station.unit.run(monitors.store, station.pk, found, station.received_at, is_report=False)


@reply("ClearVariableMonitoring", *V2X)
async def monitors_cleared(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    asked = set(request["id"])
    gone = [id for id in words.cleared_monitors(response) if id in asked]
    if gone:
        station.unit.run(monitors.remove, station.pk, gone)


@reply("SetMonitoringBase", *V2X)
async def base_set(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    if response["status"] == _ACCEPTED:
        base = request["monitoringBase"]
        station.unit.run(monitors.reset, station.pk, base)
        reported.store(station=station, keys={_BASE: (base, True)})


@reply("SetMonitoringLevel", *V2X)
async def level_set(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    if response["status"] == _ACCEPTED:
        reported.store(station=station, keys={_LEVEL: (str(request["severity"]), True)})


# -- event streams -------------------------------------------------------------------------------------------


@on("OpenPeriodicEventStream", V21)
async def open_periodic_event_stream(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    """N11. A station may open a stream of a monitor that it has not reported, such as a hard-wired one."""
    record(station=station, request=request)
    is_open = streams.begin(station=station, listed=_listed(request["constantStreamData"]))
    return {"status": _ACCEPTED if is_open else _REJECTED}


@on("NotifyPeriodicEventStream", V21)
async def notify_periodic_event_stream(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    """A SEND, which is never answered (N15)."""
    streams.receive(
        station=station,
        stream_id=request["id"],
        base_at=station.moment(request["basetime"]),
        pending=request["pending"],
        data=[(element["t"], element["v"]) for element in request["data"]],
    )
    return {}


@on("ClosePeriodicEventStream", V21)
async def close_periodic_event_stream(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    record(station=station, request=request)
    streams.end(station=station, stream_id=request["id"])
    return {}


@reply("AdjustPeriodicEventStream", V21)
async def event_stream_adjusted(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    if response["status"] == _ACCEPTED:
        streams.adjust(station=station, stream_id=request["id"], params=words.stream(request["params"]))


@reply("GetPeriodicEventStream", V21)
async def event_streams_listed(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    """N12. Without a list no stream is open."""
    streams.rebuild(station=station, listed=map(_listed, response.get("constantStreamData") or ()))


def _listed(constant: Mapping[str, Any]) -> Listed:
    return Listed(constant["id"], constant["variableMonitoringId"], words.stream(constant["params"]))


# -- events --------------------------------------------------------------------------------------------------


@after("NotifyEvent", *V2X)
async def values_observed(station: Station, request: dict[str, Any]) -> None:
    """The new values of variables. A periodic event is a measurement, and one without a time may be old."""
    seen: dict[str, Seen] = {}
    for event in request["eventData"]:
        at, problem = translate.moment(
            event.get("timestamp"), received_at=station.received_at, zone=station.zone
        )
        if event["trigger"] != _PERIODIC and problem not in REPLACED:
            name, at = reported.placed_name(event)[:255], min(at, station.received_at)
            if name not in seen or seen[name].at <= at:
                seen[name] = Seen(masked_words(event["actualValue"]), at)
    if seen:
        await journal.run(observed.store, station.pk, seen)
