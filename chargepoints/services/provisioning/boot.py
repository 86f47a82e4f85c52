"""BootNotification: store the station's identification, and answer its registration status."""

from __future__ import annotations

import random
from dataclasses import dataclass

from django.conf import settings

from chargepoints.models import ChargePoint
from chargepoints.tables import CHARGE_POINTS
from ocpp_server.events.catalogue import stations
from ocpp_server.live.station import Station

# Seconds until a station that is not accepted sends the next BootNotification.
RETRY_PENDING_S = 60
RETRY_REJECTED_S = 300
# Up to a tenth is added at random, so that stations that booted together do not all return at once.
JITTER = 0.1


@dataclass(frozen=True, slots=True)
class Identification:
    """A station's identification; every field is the station's text."""

    vendor: str = ""
    model: str = ""
    serial_number: str = ""
    firmware_version: str = ""
    iccid: str = ""
    imsi: str = ""
    meter_type: str = ""
    meter_serial_number: str = ""


async def register(*, station: Station, identification: Identification, reason: str = "") -> tuple[str, int]:
    """Store the station's identification. Returns its registration status and the interval in seconds.

    Running transactions stay open: the station may resume them or still send their stop (1.6 4.10).
    """
    lengths = {"iccid": 64, "imsi": 64}
    values = {
        name: getattr(identification, name)[: lengths.get(name, 255)]
        for name in Identification.__dataclass_fields__
    }
    station.unit.update(
        CHARGE_POINTS, station.pk, boot_reason=reason[:64], last_boot_at=station.received_at, **values
    )
    station.has_booted = True
    previous, station.firmware_version = station.firmware_version, values["firmware_version"]
    station.emit(
        stations.BOOTED,
        registrationStatus=station.registration_status,
        bootReason=reason[:64],
        vendor=values["vendor"],
        model=values["model"],
        serialNumber=values["serial_number"],
        firmwareVersion=values["firmware_version"],
        previousFirmwareVersion=previous or None,
        interruptedTransactions=sum(
            transaction.is_active and transaction.interrupted_at is None
            for transaction in station.transactions.values()
        ),
    )
    return station.registration_status, interval(station)


def interval(station: Station) -> int:
    """Accepted: seconds between heartbeats. Otherwise: seconds until the next BootNotification."""
    status = station.registration_status
    if status == ChargePoint.Registration.ACCEPTED:
        return station.heartbeat_interval or int(settings.OCPP_HEARTBEAT_INTERVAL)
    base = RETRY_PENDING_S if status == ChargePoint.Registration.PENDING else RETRY_REJECTED_S
    return base + random.randrange(int(base * JITTER) + 1)  # noqa: S311 - spreading load, not a secret
