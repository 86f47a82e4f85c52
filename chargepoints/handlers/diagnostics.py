"""Upload of diagnostics and logs (1.6 4.4, security extension; 2.0.1 N01), customer information (2.0.1 N09,
N10), and events of the device model (2.0.1 N07, N08).
"""

from __future__ import annotations

from typing import Any

from chargepoints.services.diagnostics import customers, device_events, log_uploads
from chargepoints.services.diagnostics.device_events import Origin
from chargepoints.services.follow_ups import gathering
from chargepoints.services.follow_ups.recording import record, whole
from chargepoints.tables import CHARGE_POINTS
from ocpp_server.events.catalogue import stations
from ocpp_server.live.station import Station
from ocpp_server.protocol import translate
from ocpp_server.protocol.registry import after, on, reply
from ocpp_server.protocol.translate.times import REPLACED
from ocpp_server.protocol.versions import V2X, V16
from ocpp_server.storage.journal import journal

_UPLOADED = "Uploaded"


@on("DiagnosticsStatusNotification", V16)
async def diagnostics_status_notification(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    return _progress(station, request)


@on("LogStatusNotification", V16, *V2X)
async def log_status_notification(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    return _progress(station, request)


def _progress(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    station.unit.update(CHARGE_POINTS, station.pk, diagnostics_status=request["status"][:64])
    record(station=station, request=request)
    if request["status"] == _UPLOADED:
        station.emit(stations.DIAGNOSTICS, status=_UPLOADED, requestId=request.get("requestId"))
    return {}


@on("NotifyCustomerInformation", *V2X)
async def notify_customer_information(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    """2.0.1 N09, N10. The text is personal data: it is encrypted, and deleted after a month or a day."""
    record(station=station, request=request)
    return {}


@after("DiagnosticsStatusNotification", V16)
@after("LogStatusNotification", V16, *V2X)
async def log_followed(station: Station, request: dict[str, Any]) -> None:
    """The log that the notification is about; a job finds it if this process dies before."""
    number = whole(request.get("requestId"))
    await journal.run(log_uploads.follow, station.pk, station.action, number)


@after("DiagnosticsStatusNotification", V16)
@after("LogStatusNotification", V16, *V2X)
@after("NotifyCustomerInformation", *V2X)
async def answer_followed(station: Station, request: dict[str, Any]) -> None:
    await gathering.gather(station=station, request=request)


@reply("CustomerInformation", *V2X)
async def customer_information_requested(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    gathering.expect(station=station, request=request, response=response, command_id=command_id)
    if request.get("clear") and response["status"] == "Accepted":
        station.unit.run(customers.cleared, station.pk, request)


@on("NotifyEvent", *V2X)
async def notify_event(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    """2.0.1 G01, N07, N08. Always answered `{}`; every event is stored once."""
    for event in request["eventData"]:
        component = event["component"]
        for kind in translate.zeros_of_evse(component.get("evse")):
            station.deviation(kind, path="eventData.component.evse")
        at, problem = station.moment_or_problem(event.get("timestamp"))
        await device_events.record(
            station=station,
            event_id=event["eventId"],
            component=component["name"],
            component_instance=component.get("instance", ""),
            place=translate.evse(component.get("evse")),
            variable=event["variable"]["name"],
            variable_instance=event["variable"].get("instance", ""),
            trigger=event["trigger"],
            actual_value=event["actualValue"],
            tech_code=event.get("techCode", ""),
            tech_info=event.get("techInfo", ""),
            is_cleared=bool(event.get("cleared", False)),
            at=at,
            origin=Origin(
                kind=event.get("eventNotificationType", ""),
                monitor_id=event.get("variableMonitoringId"),
                severity=event.get("severity"),
                cause=event.get("cause"),
                transaction_id=event.get("transactionId", ""),
            ),
            is_timed=problem not in REPLACED,
        )
    return {}
