"""Contract certificates of vehicles (ISO 15118; 2.x C07): a chain that this server validates, or the hash
data of one that the station has validated.

Revocation is asked by OCSP. OCPP_OCSP_SOFT_FAIL decides about a certificate whose responder is down, does not
know it or can't be believed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from cryptography import x509
from django.conf import settings

from accounts.models.contract import is_same_contract
from certificates.services.certificates import trusted
from certificates.services.certificates.ocsp import Failed, client
from ocpp_server.contract_certificates import CertificateStatus, Finding
from ocpp_server.domain import Invalid
from ocpp_server.live.station import Station
from ocpp_server.pki import hash_data, ocsp, parsing, paths
from ocpp_server.pki.hash_data import HashData
from ocpp_server.pki.paths import Fault, PathRefused
from ocpp_server.protocol.translate import IdToken

# A vehicle waits 5 s for the answer to its PaymentDetailsReq.
WITHIN_S: Final = 4.0
_FAULTS: Final = {
    Fault.EXPIRED: CertificateStatus.EXPIRED,
    Fault.NOT_YET_VALID: CertificateStatus.EXPIRED,
    Fault.BAD_SIGNATURE: CertificateStatus.SIGNATURE_ERROR,
}
_VALID: Final = Finding(CertificateStatus.ACCEPTED)
_MISSING: Final = Finding(CertificateStatus.MISSING, "The message has no contract certificate.")
_UNKNOWN: Final = "The OCSP responder does not know a certificate of the chain."
_NOT_PROVED: Final = (
    "The issuer of a certificate is not known, so its OCSP response can't be checked. Add the issuing CA to "
    "the trusted roots."
)
_REVOKED: Final = Finding(
    CertificateStatus.REVOKED, "The contract certificate, or a CA of its chain, is revoked."
)


class Asked(NamedTuple):
    """A certificate to ask a responder about."""

    data: HashData
    url: str


async def check(station: Station, token: IdToken, request: Mapping[str, Any]) -> Finding | None:
    """See `ContractCertificates.check`."""
    pem, items = request.get("certificate"), request.get("iso15118CertificateHashData")
    if pem is None and items is None:
        return None
    asked = [Asked(hash_data.read(one), str(one["responderURL"])) for one in items or ()]
    if pem is None:
        return await _revocation(asked, await trusted.roots(trusted.CONTRACTS)) if asked else _MISSING
    if not pem.strip():
        return _MISSING
    try:
        chain = parsing.certificates(pem, field="certificate")
    except Invalid as error:
        return Finding(CertificateStatus.CHAIN_ERROR, str(error))
    roots = await trusted.roots(trusted.CONTRACTS)
    try:
        path = validated(chain, roots, token.value, station.received_at)
    except PathRefused as refused:
        return Finding(_FAULTS.get(refused.fault, CertificateStatus.CHAIN_ERROR), str(refused))
    return await _revocation(_responders(path, asked), path)


def validated(
    chain: Sequence[x509.Certificate], roots: Sequence[x509.Certificate], contract_id: str, at: datetime
) -> list[x509.Certificate]:
    """The path from the first certificate to a root, when it is the certificate of this contract. Raises
    PathRefused.
    """
    leaf, *others = chain
    path = paths.verify(leaf, others, roots, at=at)
    if parsing.is_ca(leaf):
        raise PathRefused(Fault.INVALID, "The contract certificate is that of a CA.")
    if not is_same_contract(parsing.common_name(leaf.subject), contract_id):
        raise PathRefused(Fault.INVALID, "The certificate is that of another contract.")
    return path


def _responders(path: Sequence[x509.Certificate], given: Iterable[Asked]) -> list[Asked]:
    """A responder of each certificate below the root: its own, else the one that the station has named.

    A certificate without any is not asked about: ISO 15118-2 has short-lived ones.
    """
    named = {one.data: one.url for one in given}
    found = []
    for certificate, issuer in zip(path, path[1:], strict=False):
        own = ocsp.responders(certificate)
        data = hash_data.of(certificate, issuer)
        url = own[0] if own else named.get(data)
        if url:
            found.append(Asked(data, url))
    return found


async def _revocation(asked: Sequence[Asked], issuers: Sequence[x509.Certificate]) -> Finding:
    """A revoked certificate counts more than one without an answer."""
    answers = await asyncio.gather(*(_fault(one, issuers) for one in asked))
    if any(answer is _REVOKED for answer in answers):
        return _REVOKED
    unclear = next((answer for answer in answers if answer is not None), None)
    return _VALID if unclear is None or settings.OCPP_OCSP_SOFT_FAIL else unclear


async def _fault(asked: Asked, issuers: Sequence[x509.Certificate]) -> Finding | None:
    try:
        found = await client.find(asked.data, asked.url, issuers, within_s=WITHIN_S)
    except Failed as failed:
        return Finding(CertificateStatus.CHAIN_ERROR, f"The revocation can't be checked: {failed}")
    if not found.response.is_proved:
        return Finding(CertificateStatus.CHAIN_ERROR, _NOT_PROVED)
    if found.response.status is ocsp.Status.REVOKED:
        return _REVOKED
    if found.response.status is ocsp.Status.UNKNOWN:
        return Finding(CertificateStatus.CHAIN_ERROR, _UNKNOWN)
    return None
