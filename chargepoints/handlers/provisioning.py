"""Boot, heartbeat and answers to resets (1.6 4.2, 4.6, 5.14; 2.0.1 B01-B03, B11, B12, G02)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from chargepoints.services.firmware import updates
from chargepoints.services.firmware.progress import Boot
from chargepoints.services.provisioning import boot, certificate_names, restarted
from chargepoints.services.provisioning.boot import Identification
from chargepoints.tables import COMMANDS
from ocpp_server.live.station import Station
from ocpp_server.protocol import translate
from ocpp_server.protocol.registry import after, on, reply
from ocpp_server.protocol.versions import V2X, V16
from ocpp_server.storage.journal import journal
from ocpp_server.transport import restarts


@on("BootNotification", V16)
async def boot_notification_16(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    serials = [request.get("chargePointSerialNumber", ""), request.get("chargeBoxSerialNumber", "")]
    # The one in the client certificate of the station, by which its next connection is admitted too.
    in_certificate = [one for one in serials if one and one == station.certificate_name]
    identification = Identification(
        vendor=request["chargePointVendor"],
        model=request["chargePointModel"],
        serial_number=(in_certificate or [one for one in serials if one] or [""])[0],
        firmware_version=request.get("firmwareVersion", ""),
        iccid=request.get("iccid", ""),
        imsi=request.get("imsi", ""),
        meter_type=request.get("meterType", ""),
        meter_serial_number=request.get("meterSerialNumber", ""),
    )
    return await _register(station, identification, reason="")


@on("BootNotification", *V2X)
async def boot_notification(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    described = request["chargingStation"]
    await certificate_names.require(station, described.get("serialNumber", ""))
    modem = described.get("modem") or {}
    identification = Identification(
        vendor=described["vendorName"],
        model=described["model"],
        serial_number=described.get("serialNumber", ""),
        firmware_version=described.get("firmwareVersion", ""),
        iccid=modem.get("iccid", ""),
        imsi=modem.get("imsi", ""),
    )
    return await _register(station, identification, reason=request["reason"])


async def _register(station: Station, identification: Identification, *, reason: str) -> dict[str, Any]:
    status, interval = await boot.register(station=station, identification=identification, reason=reason)
    return {"status": status, "currentTime": translate.time(datetime.now(UTC)), "interval": interval}


@after("BootNotification", V16, *V2X)
async def booted(station: Station, request: dict[str, Any]) -> None:
    """Settle the resets that led to this boot, and compare its version with that of a firmware update."""
    reason = request.get("reason", "")
    if reason != restarted.TRIGGERED:
        await journal.run(restarted.booted, station.pk, station.received_at)
    boot = Boot(station.firmware_version, station.received_at)
    await journal.run(updates.booted, station.pk, boot, reason)


@reply("Reset", V16, *V2X)
async def reset(station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str) -> None:
    """Wait for the boot that follows an accepted reset."""
    status = response["status"]
    if status in ("Accepted", "Scheduled") and restarts.restarts("Reset", request):
        columns = restarts.awaiting(station.received_at, is_scheduled=status == "Scheduled")
        station.unit.update(COMMANDS, command_id, **columns)


@on("Heartbeat", V16, *V2X)
async def heartbeat(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    """Answer the current time. The last-seen time reaches the ORM in batches."""
    # Not the time of receipt: the frame may have waited at a gateway, and the station sets its clock to this.
    return {"currentTime": translate.time(datetime.now(UTC))}
