"""Certificates for stations: SignCertificate and CertificateSigned (2.0.1 A02, A03; 1.6 security extension
A02).
"""

from __future__ import annotations

from typing import Any

from certificates.models import IssuedCertificate
from certificates.services.certificates import delivery, requesting
from certificates.services.certificates.requesting import Asked, Verdict
from chargepoints.services import asking
from chargepoints.services.data_transfer import answers_carried, carries
from chargepoints.services.follow_ups.recording import whole
from ocpp_server.live.station import Station
from ocpp_server.protocol.registry import after, on, reply
from ocpp_server.protocol.versions import V2X, V16
from ocpp_server.storage.journal import journal

_ACCEPTED, _REJECTED = "Accepted", "Rejected"
# StatusInfoType.additionalInfo of 2.0.1; 2.1 allows more.
_MOST_INFO = 512


@on("SignCertificate", V16)
async def sign_certificate_16(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    asked = Asked(request["csr"], IssuedCertificate.Type.STATION, station.received_at)
    verdict = await _received(station, asked)
    return {"status": _ACCEPTED if verdict.is_accepted else _REJECTED}


@carries("SignCertificate")
@on("SignCertificate", *V2X)
async def sign_certificate(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    """Without a type, the certificate is for the connection to the server, and may serve for vehicles too."""
    asked = Asked(
        request["csr"],
        request.get("certificateType", IssuedCertificate.Type.STATION),
        station.received_at,
        whole(request.get("requestId")),
        request.get("hashRootCertificate"),
    )
    verdict = await _received(station, asked)
    if verdict.is_accepted:
        return {"status": _ACCEPTED}
    info = {"reasonCode": verdict.reason_code, "additionalInfo": verdict.sentence[:_MOST_INFO]}
    return {"status": _REJECTED, "statusInfo": info}


async def _received(station: Station, asked: Asked) -> Verdict:
    verdict = await requesting.receive(station=station, asked=asked)
    if not verdict.is_accepted:
        station.deviation("certificate-request-refused", verdict.sentence)
    return verdict


@answers_carried("CertificateSigned")
@reply("CertificateSigned", V16, *V2X)
async def certificate_answered(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    answer = delivery.Answer(
        command_id=command_id,
        is_accepted=response["status"] == _ACCEPTED,
        reason=asking.reason_of(response),
        at=station.received_at,
    )
    station.unit.run(delivery.answered, station.pk, answer)


@after("BootNotification", V16, *V2X)
async def certificates_due(station: Station, request: dict[str, Any]) -> None:
    """A station that was away gets its certificate now; the job would find it a little later."""
    await journal.run(delivery.wake, station.pk, station.received_at)
