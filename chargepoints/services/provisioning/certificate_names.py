"""The serial number of a boot against the client certificate of its connection (2.0.1 B01.FR.11, FR.12)."""

from __future__ import annotations

from chargepoints.models import ChargePoint
from chargepoints.services import security
from ocpp_server.live.station import Station
from ocpp_server.protocol.errors import ClosingError
from ocpp_server.storage.journal import journal
from ocpp_server.transport.handshake.client_certificates import REFUSED

_SENTENCE = "The serial number is not the one in the client certificate."


async def require(station: Station, serial_number: str) -> None:
    """Raise ClosingError, with a security event, when the boot has another serial number than the certificate
    by which the station has logged on.
    """
    fault = fault_of(station.certificate_name, identity=station.identity, serial_number=serial_number)
    if fault:
        # At once: nothing of a refused message is stored with it.
        await journal.run(_record, station.pk, fault)
        raise ClosingError(_SENTENCE)


def fault_of(certificate_name: str, *, identity: str, serial_number: str) -> str:
    """Why the boot doesn't fit the name (CN) of the certificate, as a sentence; empty if it does.

    A certificate whose name is the identity says nothing about the serial number.
    """
    if not certificate_name or certificate_name in (serial_number, identity):
        return ""
    if certificate_name.casefold() == identity.casefold():
        return ""
    return (
        f"The BootNotification has the serial number {serial_number[:100]!r}, the client certificate of the "
        f"connection has {certificate_name[:100]!r} (CN). The connection was closed."
    )


def _record(charge_point_pk: int, fault: str) -> None:
    charge_point = ChargePoint.objects.filter(pk=charge_point_pk).first()
    if charge_point is not None:
        security.record(charge_point=charge_point, type=REFUSED, tech_info=fault)
