"""Certificates for tests, each made with its key in a millisecond."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Made(NamedTuple):
    certificate: x509.Certificate
    key: Any


def name(common_name: str, organization: str = "CPO") -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def make(
    common_name: str,
    *,
    by: Made | None = None,
    is_ca: bool = False,
    signs: bool | None = None,
    length: int | None = None,
    key: Any = None,
    days: tuple[float, float] = (-1, 90),
    organization: str = "CPO",
    usage: x509.KeyUsage | None = None,
    more: Sequence[tuple[x509.ExtensionType, bool]] = (),
) -> Made:
    """A certificate, signed by another one or by itself. `days` are its validity from now; `signs` is
    keyCertSign, which a CA has unless given; `more` are further extensions, each with its criticality.
    """
    own = key or ec.generate_private_key(ec.SECP256R1())
    now, subject = datetime.now(UTC), name(common_name, organization)
    signs = is_ca if signs is None else signs
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by is not None else subject)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .add_extension(usage or _usage(signs=signs, is_ca=is_ca), critical=True)
    )
    if is_ca:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=length), critical=True)
    for value, is_critical in more:
        builder = builder.add_extension(value, critical=is_critical)
    return Made(builder.sign(by.key if by is not None else own, hashes.SHA256()), own)


def _usage(*, signs: bool, is_ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )
