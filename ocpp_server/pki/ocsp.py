"""OCSP (RFC 6960): the request about a certificate, and what a response proves. No network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from ocpp_server.pki import hash_data, parsing
from ocpp_server.pki.hash_data import ALGORITHMS, HashData

# Clocks of responders may be so far ahead of ours.
SKEW: Final = timedelta(minutes=5)
# A response without nextUpdate counts for so long.
WITHOUT_NEXT: Final = timedelta(days=1)
_MOST_CERTIFICATES: Final = 8
_SAFE: Final = (hashes.SHA256, hashes.SHA384, hashes.SHA512)


class Status(StrEnum):
    """The status of a certificate (RFC 6960 2.2)."""

    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


class Untrusted(Exception):
    """A response that proves nothing. `str(error)` is a sentence."""


class Response(NamedTuple):
    """A response about one certificate. `is_proved`: its signature is that of the issuer or of a responder
    that the issuer has named; otherwise the issuer's certificate is not known, so nothing was checked.
    """

    status: Status
    this_update: datetime
    next_update: datetime | None
    is_proved: bool


def request(data: HashData) -> bytes:
    """The DER of the request about a certificate. Raises ValueError for hash data that is no such."""
    digest = ALGORITHMS[data.algorithm]()
    name, key = bytes.fromhex(data.issuer_name_hash), bytes.fromhex(data.issuer_key_hash)
    builder = ocsp.OCSPRequestBuilder().add_certificate_by_hash(name, key, int(data.serial, 16), digest)
    return builder.build().public_bytes(Encoding.DER)


def read(der: bytes, data: HashData, issuers: Sequence[x509.Certificate], *, at: datetime) -> Response:
    """The response about this certificate, valid at this time. Raises Untrusted.

    `issuers` are CAs of any kind, one of which may be the issuer. Certificates in the response may be it as
    well: the hash data names its key.
    """
    try:
        whole = ocsp.load_der_ocsp_response(der)
        if whole.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            raise Untrusted(f"The responder answered {whole.response_status.name}.")
        single = _about(whole, data)
        status = Status[single.certificate_status.name]
        this_update, next_update = single.this_update_utc, single.next_update_utc
        given = whole.certificates[:_MOST_CERTIFICATES]
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Untrusted("The answer is no OCSP response.") from None
    if this_update > at + SKEW:
        raise Untrusted("The response is from the future.")
    if (next_update or this_update + WITHOUT_NEXT) < at:
        raise Untrusted("The response is out of date.")
    found = [one for one in (*issuers, *given) if is_issuer(one, data)]
    if found and not _is_signed(whole, found[0], given, at):
        raise Untrusted("The response is not signed by the issuer or a responder that it has named.")
    return Response(status, this_update, next_update, bool(found))


def is_issuer(certificate: x509.Certificate, data: HashData) -> bool:
    """Whether this is the issuer that the hash data names, by its name and its key."""
    # The issuer field of a root that it has signed itself is its own name.
    try:
        own = hash_data.of_issuer(certificate, data.algorithm)
    except (TypeError, ValueError, UnsupportedAlgorithm):
        return False
    return own == (data.issuer_name_hash, data.issuer_key_hash)


def responders(certificate: x509.Certificate) -> list[str]:
    """The addresses of the OCSP responders that a certificate names (authorityInfoAccess)."""
    try:
        access = parsing.extension(certificate.extensions, x509.AuthorityInformationAccess)
    except ValueError:
        return []
    return [
        one.access_location.value
        for one in access or ()
        if one.access_method == x509.oid.AuthorityInformationAccessOID.OCSP
        and isinstance(one.access_location, x509.UniformResourceIdentifier)
    ]


def _about(whole: ocsp.OCSPResponse, data: HashData) -> Any:
    for single in whole.responses:
        if (
            single.hash_algorithm.name.upper() == data.algorithm
            and single.issuer_name_hash.hex() == data.issuer_name_hash
            and single.issuer_key_hash.hex() == data.issuer_key_hash
            and single.serial_number == int(data.serial, 16)
        ):
            return single
    raise Untrusted("The response is about another certificate.")


def _is_signed(
    whole: ocsp.OCSPResponse, issuer: x509.Certificate, given: Iterable[x509.Certificate], at: datetime
) -> bool:
    """RFC 6960 4.2.2.2: by the issuer, or by a certificate of the issuer for signing OCSP responses."""
    if _has_signed(issuer, whole):
        return True
    return any(_is_delegate(one, issuer, at) and _has_signed(one, whole) for one in given)


def _is_delegate(one: x509.Certificate, issuer: x509.Certificate, at: datetime) -> bool:
    try:
        usage = parsing.extension(one.extensions, x509.ExtendedKeyUsage)
        one.verify_directly_issued_by(issuer)
    except (InvalidSignature, TypeError, ValueError):
        return False
    is_valid = one.not_valid_before_utc <= at <= one.not_valid_after_utc
    return is_valid and usage is not None and ExtendedKeyUsageOID.OCSP_SIGNING in usage


def _has_signed(one: x509.Certificate, whole: ocsp.OCSPResponse) -> bool:
    try:
        key, digest = one.public_key(), whole.signature_hash_algorithm
        verify(key, whole.signature, whole.tbs_response_bytes, digest)
    except (InvalidSignature, UnsupportedAlgorithm, TypeError, ValueError):
        return False
    return True


def verify(key: Any, signature: bytes, content: bytes, digest: hashes.HashAlgorithm | None) -> None:
    """Raises InvalidSignature, and ValueError for a weak digest or another kind of key."""
    if isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
        key.verify(signature, content)
        return
    if not isinstance(digest, _SAFE) or parsing.weakness(key):
        raise ValueError("a weak digest or key")
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(signature, content, padding.PKCS1v15(), digest)
    elif isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, content, ec.ECDSA(digest))
