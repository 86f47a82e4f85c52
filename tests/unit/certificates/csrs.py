"""CSRs as stations send them: good ones, and each with one fault."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

ORGANIZATION: Final = "Acme Charging"
PASSPHRASE: Final = "a passphrase of the tests"


@cache
def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def csr(
    common_name: str = "CP-1",
    *,
    key: Any = None,
    organization: str | None = ORGANIZATION,
    more: tuple[x509.ExtensionType, ...] = (),
    hash: hashes.HashAlgorithm | None = None,
    names: tuple[x509.NameAttribute[str], ...] | None = None,
) -> str:
    """A CSR in PEM, with a new P-256 key unless another is given."""
    if names is None:
        found = [(NameOID.ORGANIZATION_NAME, organization or ""), (NameOID.COMMON_NAME, common_name)]
        names = tuple(x509.NameAttribute(oid, value) for oid, value in found if value)
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(names))
    for extension in more:
        builder = builder.add_extension(extension, critical=False)
    signed = builder.sign(key or ec.generate_private_key(ec.SECP256R1()), hash or hashes.SHA256())
    return signed.public_bytes(Encoding.PEM).decode()


def forged() -> str:
    """A CSR with the key of another one: its sender does not have the key."""
    one = x509.load_pem_x509_csr(csr(key=ec.generate_private_key(ec.SECP256R1())).encode())
    der = bytearray(one.public_bytes(Encoding.DER))
    # The last byte belongs to the signature.
    der[-1] ^= 1
    return _pem(bytes(der))


def _pem(der: bytes) -> str:
    import base64  # only this function needs it

    text = base64.encodebytes(der).decode()
    return f"-----BEGIN CERTIFICATE REQUEST-----\n{text}-----END CERTIFICATE REQUEST-----\n"


def ca() -> str:
    return csr(more=(x509.BasicConstraints(ca=True, path_length=None),))


def with_foreign_name() -> str:
    return csr(more=(x509.SubjectAlternativeName([x509.DNSName("csms.example.com")]),))


def without_name() -> str:
    return csr(names=(x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANIZATION),))


def weak() -> str:
    return csr(key=rsa_key(1024))


def too_long() -> str:
    return csr(more=(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"x" * 4500),))


# Each fault that a CSR has in itself, and a word of the sentence about it.
FAULTY: Final = {
    "wrong signature": (forged, "does not prove"),
    "asks for a CA": (ca, "asks for a CA"),
    "foreign name": (with_foreign_name, "subjectAltName"),
    "no common name": (without_name, "common name"),
    "unprintable name": (lambda: csr("CP\x001"), "printable"),
    "weak key": (weak, "too short"),
    "too long": (too_long, "5500 are allowed"),
    "no CSR": (lambda: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "PEM"),
    "no text": (lambda: "certificate, please", "PEM"),
    "broken": (lambda: _pem(b"0\x03\x02\x01"), "can't be read"),
}
