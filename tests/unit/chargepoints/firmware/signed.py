"""Manufacturers with keys and certificates of each kind, made at test time."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
CONTENT = b"firmware" * 1000


def certificate(
    key: Any,
    *,
    is_ca: bool | None = None,
    signs: bool | None = None,
    begins: timedelta = timedelta(days=-1),
    ends: timedelta = timedelta(days=30),
    long_name: str = "",
) -> str:
    """A self-signed certificate in PEM. None leaves the extension out."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Manufacturer")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(NOW + begins)
        .not_valid_after(NOW + ends)
    )
    if is_ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
    if signs is not None:
        builder = builder.add_extension(usage(signs), critical=True)
    if long_name:
        names = x509.SubjectAlternativeName([x509.DNSName(long_name)] * 100)
        builder = builder.add_extension(names, critical=False)
    made = builder.sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode()


def usage(signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=signs,
        content_commitment=not signs,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def signature(key: Any, content: bytes = CONTENT, *, scheme: str = "pss", hashed: Any = None) -> str:
    algorithm = hashed or hashes.SHA256()
    if isinstance(key, ec.EllipticCurvePrivateKey):
        raw = key.sign(content, ec.ECDSA(algorithm))
    elif scheme == "pss":
        raw = key.sign(content, padding.PSS(padding.MGF1(hashes.SHA256()), 32), algorithm)
    else:
        raw = key.sign(content, padding.PKCS1v15(), algorithm)
    return base64.b64encode(raw).decode()


def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def ec_key(curve: Any = None) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(curve or ec.SECP256R1())
