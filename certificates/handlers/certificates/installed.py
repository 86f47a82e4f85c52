"""The answers to requests about installed certificates (1.6 and 2.x M03 to M05)."""

from __future__ import annotations

from typing import Any, Final

from certificates.services.certificates import inventory
from chargepoints.services import asking
from chargepoints.services.data_transfer import answers_carried
from ocpp_server.live.station import Station
from ocpp_server.protocol.registry import reply
from ocpp_server.protocol.translate import installed_certificates
from ocpp_server.protocol.versions import V2X, V16, V201

_ACCEPTED: Final = "Accepted"


@reply("GetInstalledCertificateIds", V16, *V2X)
async def certificates_listed(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    listing = installed_certificates.listing(station.version, request, response)
    station.unit.run(inventory.listed, station.pk, listing, version=station.version, at=station.received_at)


@answers_carried("GetInstalledCertificateIds")
async def certificates_listed_in_data(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    """The list of a 1.6 station with the types of 2.0.1, in a DataTransfer."""
    listing = installed_certificates.listing(V201, request, response)
    station.unit.run(inventory.listed, station.pk, listing, version=station.version, at=station.received_at)


@answers_carried("InstallCertificate")
@reply("InstallCertificate", V16, *V2X)
async def certificate_installed(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    station.unit.run(
        inventory.installed,
        station.pk,
        type_=installed_certificates.certificate_type(request["certificateType"]),
        pem=request["certificate"],
        is_accepted=response["status"] == _ACCEPTED,
        reason=asking.reason_of(response),
        command_id=command_id,
        at=station.received_at,
    )


@answers_carried("DeleteCertificate")
@reply("DeleteCertificate", V16, *V2X)
async def certificate_deleted(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    station.unit.run(
        inventory.deleted,
        station.pk,
        data=request["certificateHashData"],
        status=response["status"],
        reason=asking.reason_of(response),
        at=station.received_at,
    )
