"""Certificate revocation lists (RFC 5280 5). No network."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from ocpp_server.pki import hash_data, ocsp
from ocpp_server.pki.hash_data import HashData
from ocpp_server.pki.ocsp import SKEW, WITHOUT_NEXT, Untrusted


class Listed(NamedTuple):
    """Whether a list has the certificate, and when the next list comes."""

    is_revoked: bool
    next_update: datetime


def read(content: bytes, data: HashData, issuers: Sequence[x509.Certificate], *, at: datetime) -> Listed:
    """Look for a certificate in the list of its issuer, in DER or PEM. Raises Untrusted.

    The signature is checked where one of `issuers` is the issuer.
    """
    try:
        is_pem = content.lstrip().startswith(b"-----BEGIN")
        crl = x509.load_pem_x509_crl(content) if is_pem else x509.load_der_x509_crl(content)
        if hash_data.of_name(crl.issuer, data.algorithm) != data.issuer_name_hash:
            raise Untrusted("The list is that of another issuer.")
        starts, ends = crl.last_update_utc, crl.next_update_utc or crl.last_update_utc + WITHOUT_NEXT
        known = next((one for one in issuers if ocsp.is_issuer(one, data)), None)
        if known is not None and not crl.is_signature_valid(known.public_key()):  # type: ignore[arg-type]
            raise Untrusted("The list is not signed by the issuer.")
        found = crl.get_revoked_certificate_by_serial_number(int(data.serial, 16))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Untrusted("The answer is no revocation list.") from None
    if starts > at + SKEW:
        raise Untrusted("The list is from the future.")
    if ends < at:
        raise Untrusted("The list is out of date.")
    return Listed(found is not None, ends)
