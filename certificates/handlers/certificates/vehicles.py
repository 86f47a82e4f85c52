"""Get15118EVCertificate (2.x M01, M02): a contract certificate for a vehicle."""

from __future__ import annotations

from typing import Any

from certificates.services.certificates.provided import Asked
from certificates.services.certificates.vehicles import MOST_CONTRACTS, Failed, vehicles
from chargepoints.services.data_transfer import carries
from ocpp_server.live.station import Station
from ocpp_server.protocol.registry import after, on
from ocpp_server.protocol.versions import V21, V201

# The longest exiResponse.
MOST_201, MOST_21 = 5600, 17_000


@carries("Get15118EVCertificate")
@on("Get15118EVCertificate", V201)
async def get_15118_ev_certificate(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    return await contract(station, request, MOST_201)


@on("Get15118EVCertificate", V21)
async def get_15118_ev_certificate_21(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    return await contract(station, request, MOST_21)


@after("Get15118EVCertificate", V201, V21)
async def note_taken(station: Station, request: dict[str, Any]) -> None:
    """The next request is for the next contract, once the station has its answer."""
    vehicles.taken(station.pk, _asked(station, request))


async def contract(station: Station, request: dict[str, Any], most_characters: int) -> dict[str, Any]:
    """Failed has an empty exiResponse, which the schema requires."""
    given = await vehicles.next(station.pk, _asked(station, request), most_characters)
    if isinstance(given, Failed):
        why = {"reasonCode": given.code, "additionalInfo": given.sentence}
        return {"status": "Failed", "exiResponse": "", "statusInfo": why}
    answer: dict[str, Any] = {"status": "Accepted", "exiResponse": given.exi}
    if "maximumContractCertificateChains" in request:
        answer["remainingContracts"] = given.remaining
    return answer


def _asked(station: Station, request: dict[str, Any]) -> Asked:
    """ISO 15118-2 has one contract and no number of them."""
    most = request.get("maximumContractCertificateChains", 1)
    return Asked(
        station.identity,
        request["iso15118SchemaVersion"],
        request["action"],
        request["exiRequest"],
        max(1, min(most, MOST_CONTRACTS)),
        tuple(request.get("prioritizedEMAIDs", ())),
    )
