"""Reading certificates from PEM, and the questions that several rules ask of one."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final, TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from ocpp_server.domain import Invalid

# 2.0.1 A00.FR.504 to 506: at least 112 bits of strength. BSI TR-02102-1 wants RSA keys of 3,000 bits from
# 2023 on; many manufacturers still use 2,048.
SHORTEST_RSA: Final = 2048
SHORTEST_EC: Final = 256
# A leaf and up to four CAs; the longest chain of ISO 15118 has a leaf, two CAs and the root.
MOST_IN_CHAIN: Final = 5

E = TypeVar("E", bound=x509.ExtensionType)
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed448.Ed448PublicKey | ed25519.Ed25519PublicKey

# The exceptions of the library for a certificate that can't be read.
UNREADABLE: Final = (
    ValueError,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
_PEM: Final = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----")


def certificate(pem: str, *, field: str) -> x509.Certificate:
    """The one certificate of a text. Raises Invalid with the field and the reason."""
    return certificates(pem, field=field, most=1)[0]


def certificates(pem: str, *, field: str, most: int = MOST_IN_CHAIN) -> list[x509.Certificate]:
    """The certificates of a text, in its order: at least one and at most `most`. Raises Invalid."""
    labels = _PEM.findall(pem)
    if any("PRIVATE KEY" in label for label in labels):
        raise Invalid(
            "This contains a private key. Give the certificate alone, and replace the key.", field=field
        )
    if not 0 < len(labels) <= most or set(labels) != {"CERTIFICATE"}:
        number = "one certificate" if most == 1 else f"1 to {most} certificates"
        raise Invalid(f"Use {number} in PEM, from BEGIN CERTIFICATE to END CERTIFICATE.", field=field)
    try:
        return [read(one) for one in x509.load_pem_x509_certificates(pem.strip().encode("ascii", "replace"))]
    except UNREADABLE:
        raise Invalid("The certificate can't be read.", field=field) from None


def read(certificate: x509.Certificate) -> x509.Certificate:
    """The certificate, whose parts can all be read: the library reads them late. Raises UNREADABLE."""
    _ = certificate.extensions, certificate.not_valid_after_utc, certificate.issuer, certificate.subject
    return certificate


def key_of(certificate: x509.Certificate | x509.CertificateSigningRequest, *, field: str) -> PublicKey:
    """The public key. Raises Invalid for a key that is short or of another kind."""
    try:
        key: PublicKeyTypes | None = certificate.public_key()
    except (UnsupportedAlgorithm, ValueError):
        key = None
    if key is None or (fault := weakness(key)):
        raise Invalid(fault if key is not None else "The key can't be read.", field=field)
    assert isinstance(key, PublicKey)
    return key


def weakness(key: PublicKeyTypes) -> str:
    """Why this key must not be used, as a sentence; empty if it may be."""
    if isinstance(key, rsa.RSAPublicKey):
        short = key.key_size < SHORTEST_RSA
        return f"An RSA key of {key.key_size} bits is too short: {SHORTEST_RSA} at least." if short else ""
    if isinstance(key, ec.EllipticCurvePublicKey):
        short = key.curve.key_size < SHORTEST_EC
        return f"The curve {key.curve.name} is too short: {SHORTEST_EC} bits at least." if short else ""
    # ISO 15118-20 allows Ed448 besides P-521.
    if isinstance(key, ed448.Ed448PublicKey | ed25519.Ed25519PublicKey):
        return ""
    return "The certificate needs an RSA key or an elliptic-curve key."


def extension(extensions: x509.Extensions, kind: type[E]) -> E | None:
    """The value of an extension; None if there is none."""
    try:
        return extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def is_ca(certificate: x509.Certificate) -> bool:
    """Whether it may sign certificates: basicConstraints, and keyCertSign where there is a key usage."""
    constraints = extension(certificate.extensions, x509.BasicConstraints)
    usage = extension(certificate.extensions, x509.KeyUsage)
    return constraints is not None and constraints.ca and (usage is None or usage.key_cert_sign)


def is_self_issued(certificate: x509.Certificate) -> bool:
    """Whether subject and issuer are the same, as in a root."""
    return certificate.subject == certificate.issuer


def common_name(name: x509.Name) -> str:
    """The common name (CN); empty if there is none."""
    return _first(name, NameOID.COMMON_NAME)


def organization(name: x509.Name) -> str:
    """The organization (O); empty if there is none."""
    return _first(name, NameOID.ORGANIZATION_NAME)


def _first(name: x509.Name, oid: x509.ObjectIdentifier) -> str:
    found = name.get_attributes_for_oid(oid)
    return str(found[0].value) if found else ""


def sha256(certificate: x509.Certificate) -> str:
    """The SHA-256 of the certificate's DER, in lower-case hexadecimal digits."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def pem_of(*chain: x509.Certificate) -> str:
    """These certificates in PEM, in this order."""
    return "".join(one.public_bytes(Encoding.PEM).decode() for one in chain)


def day(at: datetime) -> str:
    """The day of a time, as sentences about validity have it."""
    return at.astimezone(UTC).strftime("%Y-%m-%d")
