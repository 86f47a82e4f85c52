"""Whether a certificate is revoked: by the own list, or by the stored lists (CRLs) of other CAs."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from cryptography import x509

from certificates.services.certificates.trust import Trust


def issuer_hash(name: x509.Name) -> str:
    """The SHA-256 of a name's DER, by which the stored lists are found."""
    return hashlib.sha256(name.public_bytes()).hexdigest()


def serial_of(certificate: x509.Certificate) -> str:
    """The serial number in lower-case hexadecimal digits."""
    return format(certificate.serial_number, "x")


def fault_of(path: Sequence[x509.Certificate], trusted: Trust) -> str:
    """Why a certificate of this path, from the station's to the root, is revoked; empty if none is."""
    for certificate in path[:-1]:
        issuer = issuer_hash(certificate.issuer)
        named = f"The certificate {certificate.subject.rfc4514_string()[:200] or 'without a name'}"
        reason = trusted.revoked.get((issuer, serial_of(certificate)))
        if reason is not None:
            return f"{named} is revoked by the list of this server ({reason})."
        for name, listed in trusted.lists.get(issuer, ()):
            found = listed.get_revoked_certificate_by_serial_number(certificate.serial_number)
            if found is not None:
                return f"{named} is revoked by its CA (revocation list {name[:100]})."
    return ""
