"""Firmware (1.6 4.5 and security extension; 2.0.1 L): the progress of updates and publications."""

from __future__ import annotations

from typing import Any

from chargepoints.services import asking
from chargepoints.services.firmware import publishing, updates
from chargepoints.services.follow_ups import gathering
from chargepoints.services.follow_ups.recording import record, whole
from chargepoints.tables import CHARGE_POINTS
from ocpp_server.events.catalogue import stations
from ocpp_server.live.station import Station
from ocpp_server.protocol.registry import after, on, reply
from ocpp_server.protocol.versions import V2X, V16
from ocpp_server.storage.journal import journal


@on("FirmwareStatusNotification", V16, *V2X)
async def firmware_status_notification(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    return _progress(station, request)


@on("SignedFirmwareStatusNotification", V16)
async def signed_firmware_status_notification(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    return _progress(station, request)


def _progress(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    station.unit.update(CHARGE_POINTS, station.pk, firmware_status=request["status"][:64])
    record(station=station, request=request)
    station.emit(stations.FIRMWARE, status=request["status"][:64], requestId=request.get("requestId"))
    return {}


@on("PublishFirmwareStatusNotification", *V2X)
async def publish_firmware_status_notification(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    record(station=station, request=request)
    known = await journal.run(publishing.find, station.pk, whole(request.get("requestId")))
    if known is not None:
        locations = request.get("location", ())
        publishing.reported(
            station=station, known=known, status=request.get("status", ""), locations=locations
        )
    return {}


@reply("PublishFirmware", *V2X)
async def publishing_answered(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    publishing.answered(
        station=station,
        command_id=command_id,
        request=request,
        is_accepted=response["status"] == "Accepted",
        reason=asking.reason_of(response),
    )


@reply("UnpublishFirmware", *V2X)
async def unpublishing_answered(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    """NoFirmware: the controller does not publish it, so it is not published here either."""
    if response["status"] in publishing.GONE:
        keys = await journal.run(publishing.published, station.pk, request["checksum"])
        publishing.unpublish(station=station, keys=keys)


@after("FirmwareStatusNotification", V16, *V2X)
@after("SignedFirmwareStatusNotification", V16)
async def update_followed(station: Station, request: dict[str, Any]) -> None:
    """The update that the notification is about; a job finds it if this process dies before."""
    await journal.run(updates.follow, station.pk, whole(request.get("requestId")))


@after("FirmwareStatusNotification", V16, *V2X)
@after("SignedFirmwareStatusNotification", V16)
@after("PublishFirmwareStatusNotification", *V2X)
async def progress_reported(station: Station, request: dict[str, Any]) -> None:
    await gathering.gather(station=station, request=request)
