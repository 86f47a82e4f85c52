"""Certificates and revocation lists, built and signed with a CA's key (RFC 5280)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from certificates.signing.keys import Key
from ocpp_server.pki.parsing import PublicKey

# The clocks of stations are often late: certificates are valid from this long ago.
BACKDATED: Final = timedelta(hours=1)
# Below the cross-signed form of a root: its issuing CAs.
_BELOW_CROSS_SIGNED: Final = 1
_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Signer:
    """A CA that signs: its certificate and its key."""

    certificate: x509.Certificate
    key: Key


def signed(builder: Any, key: Key) -> Any:
    """The certificate or list of a builder: RSA-PSS or ECDSA, with SHA-256 (2.0.1 A00.FR.501)."""
    if isinstance(key, rsa.RSAPrivateKey):
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
        return builder.sign(key, hashes.SHA256(), rsa_padding=pss)
    return builder.sign(key, hashes.SHA256())


def name(common_name: str, organization: str, *, domain: str = "", country: str = "") -> x509.Name:
    """A subject; `domain` is the DC that ISO 15118 wants, such as CPO."""
    parts = [(NameOID.COUNTRY_NAME, country), (NameOID.ORGANIZATION_NAME, organization)]
    parts += [(NameOID.COMMON_NAME, common_name), (NameOID.DOMAIN_COMPONENT, domain)]
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts if value])


def moment(at: datetime) -> datetime:
    """A time as certificates have it: UTC, in whole seconds."""
    return at.astimezone(UTC).replace(microsecond=0)


def authority(
    subject: x509.Name,
    key: Key,
    *,
    by: Signer | None,
    life: timedelta,
    depth: int,
    now: datetime,
) -> x509.Certificate:
    """A CA: a root if `by` is None. `depth`: the CAs that may follow below it."""
    signer_name = subject if by is None else by.certificate.subject
    begin = moment(now - BACKDATED)
    end = moment(now + life)
    if by is not None:
        begin = max(begin, by.certificate.not_valid_before_utc)
        end = min(end, by.certificate.not_valid_after_utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer_name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=depth), critical=True)
        .add_extension(usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if by is None:
        return _certificate(signed(builder, key))
    return _certificate(signed(builder.add_extension(_issuer_key(by.certificate), critical=False), by.key))


def cross_signed(root: Signer, *, by: Signer, now: datetime) -> x509.Certificate:
    """The other form of a root: its subject and its key, signed by another root (2.0.1 M05.FR.09). It ends
    with the first of both.
    """
    own = root.certificate
    life = own.not_valid_after_utc - now
    return authority(own.subject, root.key, by=by, life=life, depth=_BELOW_CROSS_SIGNED, now=now)


@dataclass(frozen=True, slots=True)
class Leaf:
    """The content of a certificate that is no CA. `hosts` are the names of a server; `list_url` is where the
    CA's revocation list is.
    """

    subject: x509.Name
    key: PublicKey
    not_before: datetime
    life: timedelta
    hosts: Sequence[str] = ()
    agrees_keys: bool = False
    list_url: str = ""


def leaf(wanted: Leaf, by: Signer) -> x509.Certificate:
    """The certificate. It ends with its CA at the latest. Stations get no extended key usage (A00.FR.514)."""
    is_server, is_rsa = bool(wanted.hosts), isinstance(wanted.key, rsa.RSAPublicKey)
    begin = moment(wanted.not_before)
    end = min(moment(wanted.not_before + wanted.life), by.certificate.not_valid_after_utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(wanted.subject)
        .issuer_name(by.certificate.subject)
        .public_key(wanted.key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            usage(
                digital_signature=True,
                # The two suites with RSA key exchange that A00.FR.318 requires of a server.
                key_encipherment=is_server and is_rsa,
                key_agreement=wanted.agrees_keys,
            ),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(wanted.key), critical=False)
        .add_extension(_issuer_key(by.certificate), critical=False)
    )
    if is_server:
        names = x509.SubjectAlternativeName([x509.DNSName(host) for host in wanted.hosts])
        builder = builder.add_extension(names, critical=False)
        purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        builder = builder.add_extension(purpose, critical=False)
    if wanted.list_url:
        place = x509.DistributionPoint([x509.UniformResourceIdentifier(wanted.list_url)], None, None, None)
        builder = builder.add_extension(x509.CRLDistributionPoints([place]), critical=False)
    return _certificate(signed(builder, by.key))


def winning_start(now: datetime, previous: datetime | None) -> datetime:
    """The notBefore of a new certificate: backdated, but later than that of the station's previous one.

    A station with several valid certificates uses the one with the latest notBefore (2.0.1 A02.FR.08).
    """
    begin = moment(now - BACKDATED)
    return begin if previous is None else max(begin, moment(previous) + _SECOND)


def revocation_list(
    revoked: Iterable[tuple[str, datetime, str]],
    by: Signer,
    *,
    number: int,
    now: datetime,
    life: timedelta,
) -> x509.CertificateRevocationList:
    """The list of a CA; each entry is a serial number in hexadecimal digits, a time and a reason."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(by.certificate.subject)
        .last_update(moment(now))
        .next_update(moment(now + life))
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(_issuer_key(by.certificate), critical=False)
    )
    for serial, at, reason in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(int(serial, 16)).revocation_date(moment(at))
        # RFC 5280 5.3.1: "unspecified" is expressed by leaving the reason out.
        if reason in REASONS and reason != "unspecified":
            entry = entry.add_extension(x509.CRLReason(x509.ReasonFlags(reason)), critical=False)
        builder = builder.add_revoked_certificate(entry.build())
    found = signed(builder, by.key)
    assert isinstance(found, x509.CertificateRevocationList)
    return found


REASONS: Final = frozenset(flag.value for flag in x509.ReasonFlags)


def usage(**wanted: bool) -> x509.KeyUsage:
    """A key usage with these bits alone."""
    bits = dict.fromkeys(
        (
            "digital_signature",
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "key_cert_sign",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    return x509.KeyUsage(**(bits | wanted))


def _issuer_key(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    try:
        found = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        key: Any = issuer.public_key()
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(key)
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(found)


def _certificate(found: Any) -> x509.Certificate:
    assert isinstance(found, x509.Certificate)
    return found
