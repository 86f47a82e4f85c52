"""The checks of a firmware's signature and signing certificate, before a station gets them.

Secure firmware: 1.6 security extension, 2.x L01 and A00.FR.706. The signature is over the whole file, with
SHA-256: RSA-PSS, RSA PKCS#1 v1.5, or ECDSA. It is verified over the SHA-256 of the file, so the file need
not be read again, and need not be here.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding

from chargepoints.models.firmware import MOST_CERTIFICATE, MOST_SIGNATURE
from ocpp_server.domain import Invalid
from ocpp_server.pki import parsing, paths

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey

_FIELD: Final = "signingCertificate"
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_PREHASHED: Final = Prehashed(hashes.SHA256())


class Signed(NamedTuple):
    """A verified signature in the spelling of OCPP, the certificate in PEM, and the end of its validity."""

    signature: str
    certificate: str
    expires_at: datetime


def check(
    *,
    signature: str,
    certificate: str,
    sha256: str,
    now: datetime,
    roots: Sequence[x509.Certificate] = (),
) -> Signed:
    """Verify a signature over a file with this SHA-256. Raises Invalid with the field and the reason.

    With `roots`, the certificate must lead to one of them (A00.FR.706); the CAs between them may follow it in
    the text, and are not sent to stations.
    """
    if not signature.strip():
        raise Invalid("A signing certificate needs the signature of the file.", field="signature")
    if not certificate.strip():
        raise Invalid("A signature needs the certificate of its key.", field="signingCertificate")
    if not sha256:
        raise Invalid("The signature can't be checked without the SHA-256 of the file.", field="sha256")
    raw = decoded(signature)
    signing = certified(certificate, now=now)
    if not _is_valid(raw, _key_of(signing), bytes.fromhex(sha256)):
        raise Invalid(
            "The signature does not belong to this file and this certificate. RSA-PSS, RSA PKCS#1 v1.5 and "
            "ECDSA with SHA-256 are supported.",
            field="signature",
        )
    if roots:
        _check_path(certificate, roots, now)
    return Signed(
        base64.b64encode(raw).decode(),
        signing.public_bytes(Encoding.PEM).decode(),
        signing.not_valid_after_utc,
    )


def checked_sha256(text: str) -> str:
    """A SHA-256 in lower case; empty for none. Raises Invalid."""
    found = re.sub(r"[\s:]", "", text).lower()
    if found and not _SHA256.fullmatch(found):
        raise Invalid("A SHA-256 has 64 hexadecimal digits.", field="sha256")
    return found


def decoded(signature: str) -> bytes:
    """The bytes of a signature. Raises Invalid, field `signature`."""
    text = "".join(signature.split())
    if len(text) > MOST_SIGNATURE:
        raise Invalid(f"OCPP allows {MOST_SIGNATURE} characters.", field="signature")
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if not raw:
        raise Invalid("Use the signature in base64.", field="signature")
    return raw


def certified(pem: str, *, now: datetime) -> x509.Certificate:
    """The signing certificate, the first of the text. Raises Invalid, field `signingCertificate`, unless
    firmware may be signed with it now. `_key_of` checks its key.
    """
    found = parsing.certificates(pem, field=_FIELD)
    if any(one.issuer != ca.subject or not parsing.is_ca(ca) for one, ca in pairwise(found)):
        raise _unfit("Only the CAs above the certificate may follow it, each the issuer of the one before.")
    certificate = found[0]
    if certificate.not_valid_before_utc > now:
        raise _unfit(f"The certificate is not valid before {parsing.day(certificate.not_valid_before_utc)}.")
    if certificate.not_valid_after_utc <= now:
        raise _unfit(f"The certificate has expired on {parsing.day(certificate.not_valid_after_utc)}.")
    constraints = parsing.extension(certificate.extensions, x509.BasicConstraints)
    if constraints is not None and constraints.ca:
        raise _unfit("This is the certificate of a CA, which must not sign firmware itself.")
    usage = parsing.extension(certificate.extensions, x509.KeyUsage)
    if usage is not None and not usage.digital_signature:
        raise _unfit("The key usage of the certificate does not allow digital signatures.")
    if len(certificate.public_bytes(Encoding.PEM)) > MOST_CERTIFICATE:
        raise _unfit(f"OCPP allows {MOST_CERTIFICATE:,} characters.")
    return certificate


def _check_path(pem: str, roots: Sequence[x509.Certificate], now: datetime) -> None:
    leaf, *others = parsing.certificates(pem, field=_FIELD)
    try:
        paths.verify(leaf, others, roots, at=now)
    except paths.PathRefused as refused:
        raise _unfit(f"It leads to no trusted root of a manufacturer. {refused}") from None


def _unfit(sentence: str) -> Invalid:
    return Invalid(sentence, field=_FIELD)


def _key_of(certificate: x509.Certificate) -> PublicKey:
    """The public key of a certificate. Raises Invalid for a key that is short or of another kind."""
    key = parsing.key_of(certificate, field=_FIELD)
    if not isinstance(key, PublicKey):
        raise _unfit("The certificate needs an RSA key or an elliptic-curve key.")
    return key


def _is_valid(signature: bytes, key: PublicKey, digest: bytes) -> bool:
    if isinstance(key, ec.EllipticCurvePublicKey):
        return _verifies(lambda: key.verify(signature, digest, ec.ECDSA(_PREHASHED)))
    pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.AUTO)
    return _verifies(lambda: key.verify(signature, digest, pss, _PREHASHED)) or _verifies(
        lambda: key.verify(signature, digest, padding.PKCS1v15(), _PREHASHED)
    )


def _verifies(verify: Callable[[], None]) -> bool:
    try:
        verify()
    except InvalidSignature:
        return False
    return True
