"""GetCertificateStatus (2.x M06) and GetCertificateChainStatus (2.1 M07)."""

from __future__ import annotations

from typing import Any

from certificates.services.certificates import statuses
from chargepoints.services.data_transfer import carries
from ocpp_server.live.station import Station
from ocpp_server.pki import hash_data
from ocpp_server.protocol.errors import OccurrenceConstraintViolation, PropertyConstraintViolation
from ocpp_server.protocol.registry import on
from ocpp_server.protocol.translate.times import time
from ocpp_server.protocol.versions import V21, V201

# The longest ocspResult.
MOST_201, MOST_21 = 5500, 18_000
_LONGEST = {"hashAlgorithm": 6, "issuerNameHash": 128, "issuerKeyHash": 128, "serialNumber": 40}
_SOURCES = frozenset({"OCSP", "CRL"})


@carries("GetCertificateStatus")
@on("GetCertificateStatus", V201)
async def get_certificate_status(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    return await ocsp_result(request, MOST_201)


@on("GetCertificateStatus", V21)
async def get_certificate_status_21(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    return await ocsp_result(request, MOST_21)


async def ocsp_result(request: dict[str, Any], most_characters: int) -> dict[str, Any]:
    """Accepted with the response of the responder, whatever it says; Failed with the reason without one."""
    asked = request["ocspRequestData"]
    result = await statuses.response(hash_data.read(asked), asked["responderURL"], most_characters)
    if isinstance(result, str):
        return {"status": "Accepted", "ocspResult": result}
    return {"status": "Failed", "statusInfo": {"reasonCode": result.code, "additionalInfo": str(result)}}


@on("GetCertificateChainStatus", V21)
async def get_certificate_chain_status(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    asked = request["certificateStatusRequests"]
    if not asked:  # a tolerant server takes it in a request, and no answer may be empty
        raise OccurrenceConstraintViolation("certificateStatusRequests: at least one is required")
    echoed = [_echo(one) for one in asked]
    wanted = [
        statuses.Wanted(hash_data.read(one["certificateHashData"]), one["source"], tuple(one["urls"]))
        for one in asked
    ]
    found = await statuses.of_chain(wanted, station.received_at)
    return {
        "certificateStatus": [
            {
                **one,
                "status": status.word,
                "nextUpdate": time(status.next_update),
            }
            for one, status in zip(echoed, found, strict=True)
        ]
    }


def _echo(asked: dict[str, Any]) -> dict[str, Any]:
    """The part of a question that the answer repeats. Raises PropertyConstraintViolation for what no answer
    may hold: a tolerant server takes it in a request.
    """
    data = {name: asked["certificateHashData"][name] for name in _LONGEST}
    for name, most in _LONGEST.items():
        if len(data[name]) > most:
            raise PropertyConstraintViolation(f"certificateHashData.{name}: at most {most} characters")
    if data["hashAlgorithm"] not in hash_data.ALGORITHMS:
        raise PropertyConstraintViolation("certificateHashData.hashAlgorithm: unknown")
    if asked["source"] not in _SOURCES:
        raise PropertyConstraintViolation("source: must be OCSP or CRL")
    return {"source": asked["source"], "certificateHashData": data}
