"""The certificate store of a station, with real certificates, hashes and a real key for signing requests."""

from collections.abc import Callable
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

MAX_CERTIFICATES = 20
_HASHES: dict[str, Callable[[], hashes.HashAlgorithm]] = {
    "SHA256": hashes.SHA256,
    "SHA384": hashes.SHA384,
    "SHA512": hashes.SHA512,
}


class CertificateStore:
    """Installed root certificates as (type, certificate), and the station's own. Hashes are computed on
    request.
    """

    def __init__(self, identity: str) -> None:
        self.identity = identity
        self.roots: list[tuple[str, x509.Certificate]] = []
        self.own: list[x509.Certificate] = []
        self._key: ec.EllipticCurvePrivateKey | None = None

    def install(self, kind: str, pem: str) -> str:
        """Install a root certificate. Returns Accepted, Rejected (store full) or Failed (not a
        certificate).
        """
        certificates = _parse(pem)
        if not certificates:
            return "Failed"
        if len(self.roots) >= MAX_CERTIFICATES:
            return "Rejected"
        self.roots.append((kind, certificates[0]))
        return "Accepted"

    def accept_signed(self, chain: str) -> bool:
        """Store a signed certificate; returns False unless it is a certificate for the station's key."""
        certificates = _parse(chain)
        if not certificates or self._key is None:
            return False
        if certificates[0].public_key() != self._key.public_key():
            return False
        self.own = certificates
        return True

    def listed(self, kinds: list[str] | None) -> list[tuple[str, dict[str, str]]]:
        """Return (type, hash data) of every root of the given types; None means all."""
        return [(kind, hash_data(one, "SHA256")) for kind, one in self.roots if not kinds or kind in kinds]

    def delete(self, wanted: dict[str, Any]) -> str:
        """Delete a root by its hash data, in the algorithm of the request. Returns Accepted or NotFound."""
        for entry in self.roots:
            if hash_data(entry[1], wanted["hashAlgorithm"]) == _lower(wanted):
                self.roots.remove(entry)
                return "Accepted"
        return "NotFound"

    def signing_request(self) -> str:
        """Return a certificate signing request in PEM with the identity as common name (1.6 security A02,
        2.0.1 A02).
        """
        self._key = ec.generate_private_key(ec.SECP256R1())
        names = [(NameOID.ORGANIZATION_NAME, "Simulated"), (NameOID.COMMON_NAME, self.identity[:64])]
        subject = x509.Name([x509.NameAttribute(oid, text) for oid, text in names])
        request = (
            x509.CertificateSigningRequestBuilder().subject_name(subject).sign(self._key, hashes.SHA256())
        )
        return request.public_bytes(serialization.Encoding.PEM).decode()


def hash_data(certificate: x509.Certificate, algorithm: str) -> dict[str, str]:
    """Return CertificateHashData as OCSP defines it: issuer name, issuer key, serial (2.0.1
    CertificateHashDataType).
    """
    key = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return {
        "hashAlgorithm": algorithm,
        "issuerNameHash": _digest(certificate.issuer.public_bytes(), algorithm),
        "issuerKeyHash": _digest(key, algorithm),
        "serialNumber": f"{certificate.serial_number:x}",
    }


def _digest(data: bytes, algorithm: str) -> str:
    digest = hashes.Hash(_HASHES[algorithm]())
    digest.update(data)
    return digest.finalize().hex()


def _lower(wanted: dict[str, Any]) -> dict[str, str]:
    fields = ("issuerNameHash", "issuerKeyHash", "serialNumber")
    return {"hashAlgorithm": wanted["hashAlgorithm"]} | {name: str(wanted[name]).lower() for name in fields}


def _parse(pem: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        return []
