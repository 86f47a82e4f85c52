"""The port of contract certificates, for `transactions`, which may not import the app `certificates`."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple, Protocol

from ocpp_server.live.station import Station
from ocpp_server.ports import Port
from ocpp_server.protocol.translate import IdToken, Verdict


class CertificateStatus(StrEnum):
    """2.x AuthorizeCertificateStatusEnumType; 1.6 has no such status."""

    ACCEPTED = "Accepted"
    SIGNATURE_ERROR = "SignatureError"
    EXPIRED = "CertificateExpired"
    REVOKED = "CertificateRevoked"
    MISSING = "NoCertificateAvailable"
    CHAIN_ERROR = "CertChainError"
    CANCELLED = "ContractCancelled"


class Finding(NamedTuple):
    """The finding about a contract certificate. `reason` is a sentence for the operator, empty when it is
    valid.
    """

    status: CertificateStatus
    reason: str = ""

    @property
    def verdict(self) -> Verdict:
        """The verdict about the token that follows from the certificate alone."""
        if self.status is CertificateStatus.ACCEPTED:
            return Verdict.ACCEPTED
        return Verdict.EXPIRED if self.status is CertificateStatus.EXPIRED else Verdict.INVALID


class ContractCertificates(Protocol):
    """Checks contract certificates. The app `certificates` fills the port."""

    async def check(self, station: Station, token: IdToken, request: Mapping[str, Any]) -> Finding | None:
        """The finding about the certificate of an Authorize of 2.x: its chain (`certificate`), or its hash
        data (`iso15118CertificateHashData`). None where the message has neither.

        It asks OCSP responders, within the time that a vehicle waits (4 s).
        """


class _NoCertificates:
    async def check(self, station: Station, token: IdToken, request: Mapping[str, Any]) -> Finding | None:
        return None


port: Final = Port[ContractCertificates]("ContractCertificates", default=_NoCertificates())

# The verdicts about a token that say that there is no contract any more.
_WITHOUT_CONTRACT: Final = frozenset({Verdict.BLOCKED, Verdict.EXPIRED, Verdict.INVALID, Verdict.UNKNOWN})


def status(finding: Finding, verdict: Verdict) -> CertificateStatus:
    """The certificateStatus of an answer: that of the certificate, and of a valid one that of its contract.

    A token that may only not charge here or now has a contract.
    """
    if finding.status is CertificateStatus.ACCEPTED and verdict in _WITHOUT_CONTRACT:
        return CertificateStatus.CANCELLED
    return finding.status
