"""CertificateHashData, by which OCPP names a certificate (RFC 6960 4.1.1).

The issuer's key is hashed as the content of its BIT STRING, without tag, length and unused bits. Real
stations send upper and lower case, and leading zeros: compare `HashData`, never the texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ALGORITHMS: Final[dict[str, type[hashes.HashAlgorithm]]] = {
    "SHA256": hashes.SHA256,
    "SHA384": hashes.SHA384,
    "SHA512": hashes.SHA512,
}


class HashData(NamedTuple):
    """A certificate by its issuer and serial number, in the one spelling that compares."""

    algorithm: str
    issuer_name_hash: str
    issuer_key_hash: str
    serial: str

    def wire(self) -> dict[str, str]:
        """CertificateHashDataType."""
        return {
            "hashAlgorithm": self.algorithm,
            "issuerNameHash": self.issuer_name_hash,
            "issuerKeyHash": self.issuer_key_hash,
            "serialNumber": self.serial,
        }


def read(data: Mapping[str, Any]) -> HashData:
    """The hash data of a message, in the one spelling; of any texts that the schema allows."""
    return HashData(
        str(data["hashAlgorithm"]).upper(),
        _digits(data["issuerNameHash"]),
        _digits(data["issuerKeyHash"]),
        _digits(data["serialNumber"]).lstrip("0") or "0",
    )


def of(certificate: x509.Certificate, issuer: x509.Certificate, algorithm: str = "SHA256") -> HashData:
    """The hash data of a certificate; a root is its own issuer. Raises KeyError for an unknown algorithm."""
    return HashData(
        algorithm,
        _digest(certificate.issuer.public_bytes(), algorithm),
        _digest(key_bits(issuer.public_key()), algorithm),  # type: ignore[arg-type]
        format(certificate.serial_number, "x"),
    )


def of_issuer(issuer: x509.Certificate, algorithm: str) -> tuple[str, str]:
    """The issuerNameHash and issuerKeyHash of the certificates that this CA issues."""
    key = key_bits(issuer.public_key())  # type: ignore[arg-type]
    return of_name(issuer.subject, algorithm), _digest(key, algorithm)


def of_name(issuer: x509.Name, algorithm: str) -> str:
    """The issuerNameHash of the certificates of this issuer."""
    return _digest(issuer.public_bytes(), algorithm)


def key_bits(key: CertificateIssuerPublicKeyTypes) -> bytes:
    """The content of the BIT STRING of a key's subjectPublicKey. Raises TypeError for another kind of key."""
    if isinstance(key, rsa.RSAPublicKey):
        return key.public_bytes(Encoding.DER, PublicFormat.PKCS1)
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    if isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
        return key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    raise TypeError(f"no hash data for a key of the kind {type(key).__name__}")


def _digest(content: bytes, algorithm: str) -> str:
    digest = hashes.Hash(ALGORITHMS[algorithm]())
    digest.update(content)
    return digest.finalize().hex()


def _digits(text: Any) -> str:
    return str(text).replace(":", "").replace(" ", "").lower().removeprefix("0x")
