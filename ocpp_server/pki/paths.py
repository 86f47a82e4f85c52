"""Certification paths: from a certificate over its CAs to one of our roots (RFC 5280 6.1).

`cryptography` builds and verifies the path. Its usual policies are those of web servers, which require a
subjectAltName; the certificates of ISO 15118 and of most stations have none, so these policies are our own.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509 import verification
from cryptography.x509.verification import Criticality, ExtensionPolicy

from ocpp_server.pki import parsing

# The CAs between a certificate and its root.
MOST_CAS: Final = 4


class Fault(StrEnum):
    """Why a path is refused, in the order in which it is looked for."""

    EXPIRED = "expired"
    NOT_YET_VALID = "not yet valid"
    WEAK_KEY = "weak key"
    BAD_SIGNATURE = "bad signature"
    NOT_A_CA = "not a CA"
    SELF_SIGNED = "self-signed"
    UNKNOWN_ISSUER = "unknown issuer"
    INVALID = "invalid"


class PathRefused(Exception):
    """No valid path. `str(error)` is a sentence with the subject of the certificate at fault."""

    def __init__(self, fault: Fault, sentence: str) -> None:
        super().__init__(sentence)
        self.fault = fault


def verify(
    leaf: x509.Certificate,
    others: Sequence[x509.Certificate],
    roots: Sequence[x509.Certificate],
    *,
    at: datetime,
) -> list[x509.Certificate]:
    """The path from the leaf to one of the roots, both included, valid at this time. Raises PathRefused.

    `others` are CAs that came with the leaf, in any order; roots among them are not trusted. Revocation,
    names and the key usage of the leaf are the caller's questions.
    """
    # The library checks the keys of CAs alone.
    weakness = _weakness(leaf)
    if weakness:
        raise PathRefused(Fault.WEAK_KEY, f"{_named(leaf)}: {weakness}")
    if not roots:
        raise PathRefused(Fault.UNKNOWN_ISSUER, "There is no root to check the certificate with.")
    policy = (
        verification.PolicyBuilder()
        .store(verification.Store(list(roots)))
        .time(at)
        .max_chain_depth(MOST_CAS)
        .extension_policies(ee_policy=ExtensionPolicy.permit_all(), ca_policy=_ca_policy())
        .build_client_verifier()
    )
    try:
        return policy.verify(leaf, list(others)).chain
    except verification.VerificationError as error:
        raise _explained(leaf, others, roots, at, str(error)) from None


def _ca_policy() -> ExtensionPolicy:
    return (
        ExtensionPolicy.permit_all()
        .require_present(x509.BasicConstraints, Criticality.AGNOSTIC, None)
        .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _signs_certificates)
    )


def _signs_certificates(
    policy: verification.Policy, certificate: x509.Certificate, usage: x509.KeyUsage | None
) -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("the key usage of the CA does not allow it to sign certificates")


def _explained(
    leaf: x509.Certificate,
    others: Sequence[x509.Certificate],
    roots: Sequence[x509.Certificate],
    at: datetime,
    reason: str,
) -> PathRefused:
    """The first fault on the way up, as far as the names lead: the library names only the last candidate."""
    current, seen = leaf, 0
    while True:
        if current.not_valid_after_utc < at:
            day = parsing.day(current.not_valid_after_utc)
            return PathRefused(Fault.EXPIRED, f"{_named(current)} has expired on {day}.")
        if current.not_valid_before_utc > at:
            day = parsing.day(current.not_valid_before_utc)
            return PathRefused(Fault.NOT_YET_VALID, f"{_named(current)} is not valid before {day}.")
        if current in roots or seen > MOST_CAS:
            return PathRefused(Fault.INVALID, f"The certificate is not accepted: {reason}.")
        named = [one for one in (*roots, *others) if one.subject == current.issuer and one != current]
        if not named and parsing.is_self_issued(current):
            return PathRefused(Fault.SELF_SIGNED, f"{_named(current)} is self-signed and no root of ours.")
        if not named:
            issuer = current.issuer.rfc4514_string()[:200] or "without a name"
            return PathRefused(
                Fault.UNKNOWN_ISSUER,
                f"The issuer of {_named(current, is_first=False)} is not known: {issuer}.",
            )
        signers = [one for one in named if _has_signed(one, current)]
        if not signers:
            sentence = f"The signature of {_named(current, is_first=False)} is not that of its issuer."
            return PathRefused(Fault.BAD_SIGNATURE, sentence)
        if not any(parsing.is_ca(one) for one in signers):
            return PathRefused(Fault.NOT_A_CA, f"{_named(signers[0])} must not sign certificates.")
        weakness = _weakness(signers[0])
        if weakness:
            return PathRefused(Fault.WEAK_KEY, f"{_named(signers[0])}: {weakness}")
        current, seen = signers[0], seen + 1


def _has_signed(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, TypeError, ValueError):
        return False
    return True


def _weakness(certificate: x509.Certificate) -> str:
    try:
        return parsing.weakness(certificate.public_key())
    except Exception:  # noqa: BLE001 - UnsupportedAlgorithm or ValueError, by the kind of the key
        return "The key can't be read."


def _named(certificate: x509.Certificate, *, is_first: bool = True) -> str:
    """The certificate in a sentence; `is_first` at its beginning."""
    subject = certificate.subject.rfc4514_string()[:200] or "without a name"
    return f"{'The' if is_first else 'the'} certificate {subject}"
