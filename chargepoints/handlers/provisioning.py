"""Boot and heartbeat (1.6 4.2, 4.6; 2.0.1 B01-B03, G02)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from chargepoints.services.provisioning import boot
from chargepoints.services.provisioning.boot import Identification
from ocpp_server.live.station import Station
from ocpp_server.protocol import translate
from ocpp_server.protocol.registry import on
from ocpp_server.protocol.versions import V2X, V16


@on("BootNotification", V16)
async def boot_notification_16(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    identification = Identification(
        vendor=request["chargePointVendor"],
        model=request["chargePointModel"],
        serial_number=request.get("chargePointSerialNumber", "") or request.get("chargeBoxSerialNumber", ""),
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


@on("Heartbeat", V16, *V2X)
async def heartbeat(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    """Answer the current time. The last-seen time reaches the ORM in batches."""
    # Not the time of receipt: the frame may have waited at a gateway, and the station sets its clock to this.
    return {"currentTime": translate.time(datetime.now(UTC))}
