"""X.509 for stations and vehicles: PEM, CertificateHashData, certification paths and signing requests.

The code is the simulator's own, so that it does not share the faults of a server under test.
"""

import ssl
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import verification
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import Criticality, ExtensionPolicy

Certificate = x509.Certificate
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "SHA256": hashes.SHA256,
    "SHA384": hashes.SHA384,
    "SHA512": hashes.SHA512,
}
MOST_CAS = 4  # between a leaf and its root


class PathError(Exception):
    """No valid path to a trusted root; `str(error)` is the reason."""


def parse(pem: str) -> list[Certificate]:
    """Return the certificates of a text in PEM, in its order; none when the text can't be read."""
    try:
        found = x509.load_pem_x509_certificates(pem.encode())
        for one in found:
            _ = one.extensions, one.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return []
    return found


def pem_of(chain: Iterable[Certificate]) -> str:
    """Return these certificates in PEM, in this order."""
    return "".join(one.public_bytes(Encoding.PEM).decode() for one in chain)


def may_sign(certificate: Certificate) -> bool:
    """Whether a certificate is that of a CA (basicConstraints, and keyCertSign in a key usage)."""
    try:
        if not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            return False
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except x509.ExtensionNotFound as missing:
        return missing.oid == x509.KeyUsage.oid


def is_signed_by(certificate: Certificate, issuer: Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, TypeError, ValueError):
        return False
    return True


def path(
    leaf: Certificate, others: Sequence[Certificate], roots: Sequence[Certificate], at: datetime
) -> list[Certificate]:
    """Return the path from the leaf to one of the roots, both included, valid at this time. Raises PathError.

    The leaf needs no subjectAltName: the certificates of stations and vehicles have none.
    """
    if not roots:
        raise PathError("there is no root")
    ca = (
        ExtensionPolicy.permit_all()
        .require_present(x509.BasicConstraints, Criticality.AGNOSTIC, None)
        .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _signs)
    )
    verifier = (
        verification.PolicyBuilder()
        .store(verification.Store(list(roots)))
        .time(at)
        .max_chain_depth(MOST_CAS)
        .extension_policies(ee_policy=ExtensionPolicy.permit_all(), ca_policy=ca)
        .build_client_verifier()
    )
    try:
        return verifier.verify(leaf, list(others)).chain
    except verification.VerificationError as error:
        raise PathError(str(error)) from None


def _signs(policy: verification.Policy, certificate: Certificate, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("the CA must not sign certificates")


# -- hash data


def hash_data(certificate: Certificate, issuer: Certificate, algorithm: str = "SHA256") -> dict[str, str]:
    """Return CertificateHashData: the digests of the issuer's name and key, and the serial number as
    hexadecimal digits without leading zeros (RFC 6960 section 4.1.1). A root is its own issuer.
    """
    return {
        "hashAlgorithm": algorithm,
        "issuerNameHash": _digest(certificate.issuer.public_bytes(), algorithm),
        "issuerKeyHash": _digest(key_bits(issuer), algorithm),
        "serialNumber": f"{certificate.serial_number:x}",
    }


def hash_data_of_issuer(issuer: Certificate, algorithm: str) -> tuple[str, str]:
    """Return issuerNameHash and issuerKeyHash of the certificates that this CA has signed."""
    return _digest(issuer.subject.public_bytes(), algorithm), _digest(key_bits(issuer), algorithm)


def key_bits(certificate: Certificate) -> bytes:
    """Return the content of the BIT STRING of the subjectPublicKey, without tag, length and unused bits."""
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return key.public_bytes(Encoding.DER, PublicFormat.PKCS1)
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)  # Ed25519 and Ed448


def _digest(data: bytes, algorithm: str) -> str:
    digest = hashes.Hash(HASHES[algorithm]())
    digest.update(data)
    return digest.finalize().hex()


def same_hash_data(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two CertificateHashData name the same certificate, in any spelling of their digits."""
    return _normal(one) == _normal(other)


def _normal(data: Mapping[str, Any]) -> tuple[str, str, str, str]:
    name, key, serial = (
        str(data[field]).replace(":", "").lower()
        for field in ("issuerNameHash", "issuerKeyHash", "serialNumber")
    )
    return str(data["hashAlgorithm"]), name, key, serial.lstrip("0")


# -- keys and signing requests


def new_key(kind: str = "EC") -> PrivateKey:
    """Return a new key: ``EC`` (P-256) or ``RSA`` with its number of bits, such as ``RSA3072``."""
    if kind == "EC":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(65537, int(kind.removeprefix("RSA") or 2048))


def subject(common_name: str, organization: str, *, country: str = "", domain: str = "") -> x509.Name:
    """Return a distinguished name; empty parts are left out."""
    parts = (
        (NameOID.COMMON_NAME, common_name[:64]),
        (NameOID.ORGANIZATION_NAME, organization[:64]),
        (NameOID.COUNTRY_NAME, country),
        (NameOID.DOMAIN_COMPONENT, domain),
    )
    return x509.Name([x509.NameAttribute(oid, text) for oid, text in parts if text])


def signing_request(key: PrivateKey, name: x509.Name, *, as_ca: bool = False) -> str:
    """Return a certificate signing request (PKCS#10) in PEM; with ``as_ca`` it asks to be a CA."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    if as_ca:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


@dataclass(frozen=True)
class OwnCertificate:
    """A certificate of the station with its key. ``path`` goes from the leaf to the root."""

    path: tuple[Certificate, ...]
    key: PrivateKey

    @property
    def leaf(self) -> Certificate:
        return self.path[0]

    def is_valid(self, at: datetime) -> bool:
        """Whether the leaf is valid at this time."""
        return self.leaf.not_valid_before_utc <= at <= self.leaf.not_valid_after_utc

    def load_into(self, context: ssl.SSLContext) -> None:
        """Present this certificate and its CAs, without the root, in handshakes with this context."""
        key = self.key.private_bytes(
            Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        chain = self.path[:-1] if len(self.path) > 1 else self.path
        # The ssl module reads certificates and keys from files only. The file is readable by its owner alone.
        with tempfile.NamedTemporaryFile(suffix=".pem") as file:
            file.write(key + pem_of(chain).encode())
            file.flush()
            context.load_cert_chain(file.name)
