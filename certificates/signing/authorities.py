"""CAs: made, imported, and their rows stored."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from django.db import transaction
from django.utils.text import slugify

from certificates.models import CertificateAuthority, TrustRoot
from certificates.signing import building, keys
from certificates.signing.building import Signer
from certificates.signing.keys import Key, KeyStore, KeyUnusable
from ocpp_server.domain import Conflict, Invalid
from ocpp_server.pki import parsing, requests

Usage = CertificateAuthority.Usage

ROOT_LIFE: Final = timedelta(days=20 * 365)
ISSUING_LIFE: Final = timedelta(days=10 * 365)
# Below a root: another root of ours that it cross-signs, and the issuing CA of that one.
_BELOW_ROOT: Final = 2
_LONGEST_NAME: Final = 40
_WORDS: Final = {keys.RSA: "RSA", keys.ECDSA: "ECDSA"}


def set_up(
    store: KeyStore,
    *,
    organization: str,
    name: str = "",
    usage: str = Usage.STATIONS,
    root_key: str = "",
    now: datetime | None = None,
) -> list[CertificateAuthority]:
    """Make a root and its issuing CAs, and trust the root. Returns their rows, the root first.

    A second call with the same name makes only what is missing. The root has an RSA key, because every
    station can check its signatures; ISO 15118-2 allows ECDSA alone. Raises Invalid for a bad name or
    organization, and KeyUnusable.
    """
    now = now or datetime.now(UTC)
    organization, name = _checked(organization, "organization", requests.LONGEST_NAME), name.strip()
    name = _checked(name or organization[:_LONGEST_NAME], "name", _LONGEST_NAME)
    is_v2g = usage == Usage.V2G
    root_key = root_key or (keys.ECDSA if is_v2g else keys.RSA)
    title = f"{name} V2G" if is_v2g else name
    made = [_ensure(store, f"{title} Root", organization, root_key, usage=usage, parent=None, now=now)]
    for key_type in (keys.ECDSA,) if is_v2g else (keys.ECDSA, keys.RSA):
        label = f"{title} Issuing {_WORDS[key_type]}"
        made.append(_ensure(store, label, organization, key_type, usage=usage, parent=made[0], now=now))
    return made


def rotate(store: KeyStore, *, name: str, now: datetime | None = None) -> list[CertificateAuthority]:
    """Make a new root with issuing CAs beside the present ones, and cross-sign it with the present root.

    Both roots are valid until the old one is disabled. Stations that check additional roots take the
    cross-signed form (2.0.1 M05.FR.09). Raises Conflict without a root whose key is here, and for a name in
    use.
    """
    now = now or datetime.now(UTC)
    names = set(store.names())
    roots = CertificateAuthority.objects.filter(
        usage=Usage.STATIONS, parent=None, state=CertificateAuthority.State.ACTIVE, not_after__gt=now
    )
    old = next((row for row in roots.order_by("-pk") if row.key_name in names), None)
    if old is None:
        raise Conflict("There is no root whose key is here.")
    if CertificateAuthority.objects.filter(name=f"{name.strip()} Root").exists():
        raise Conflict(f"There is a root {name.strip()} Root already; give another name.")
    signs = signer(store, old)
    organization = parsing.organization(signs.certificate.subject)
    made = set_up(store, organization=organization, name=name, root_key=old.key_type, now=now)
    cross_signed = building.cross_signed(signer(store, made[0]), by=signs, now=now)
    trusted = TrustRoot.objects.get(kind=TrustRoot.Kind.CSMS, sha256=made[0].sha256)
    trusted.cross_signed = parsing.pem_of(cross_signed)
    trusted.cross_signed_by = TrustRoot.objects.get(kind=TrustRoot.Kind.CSMS, sha256=old.sha256)
    trusted.save(update_fields=["cross_signed", "cross_signed_by"])
    return made


def _checked(text: str, field: str, longest: int) -> str:
    text = text.strip()
    if not 0 < len(text) <= longest or not text.isprintable():
        raise Invalid(f"Use 1 to {longest} printable characters.", field=field)
    return text


def _ensure(
    store: KeyStore,
    title: str,
    organization: str,
    key_type: str,
    *,
    usage: str,
    parent: CertificateAuthority | None,
    now: datetime,
) -> CertificateAuthority:
    known = CertificateAuthority.objects.filter(name=title).first()
    if known is not None:
        found = parsing.organization(parsing.certificate(known.certificate, field="name").subject)
        if found != organization:
            raise Conflict(f"The CA {title} exists, with the organization {found}.")
        return known
    # The key first: a key without a row does no harm, and the next call uses it.
    key_name = slugify(title) or f"ca-{now:%Y%m%d%H%M%S}"
    key = store.key(key_name) if key_name in store.names() else store.create(key_name, key_type)
    domain = "CPO" if usage == Usage.V2G else ""
    certificate = building.authority(
        building.name(title, organization, domain=domain),
        key,
        by=None if parent is None else signer(store, parent),
        life=ROOT_LIFE if parent is None else ISSUING_LIFE,
        depth=_BELOW_ROOT if parent is None else 0,
        now=now,
    )
    return store_row(title, key_name, certificate, usage=usage, parent=parent)


def store_row(
    title: str,
    key_name: str,
    certificate: x509.Certificate,
    *,
    usage: str,
    parent: CertificateAuthority | None,
) -> CertificateAuthority:
    """The row of a CA; of a root also its trusted root."""
    with transaction.atomic():
        row = CertificateAuthority.objects.create(
            name=title,
            parent=parent,
            usage=usage,
            key_type=keys.key_type_of(certificate.public_key()),
            key_name=key_name,
            certificate=parsing.pem_of(certificate),
            sha256=parsing.sha256(certificate),
            subject=certificate.subject.rfc4514_string()[:500],
            not_before=certificate.not_valid_before_utc,
            not_after=certificate.not_valid_after_utc,
        )
        if parent is None:
            kind = TrustRoot.Kind.V2G if usage == Usage.V2G else TrustRoot.Kind.CSMS
            TrustRoot.objects.get_or_create(
                kind=kind,
                sha256=row.sha256,
                defaults={
                    "name": title,
                    "certificate": row.certificate,
                    "authority": row,
                    "subject": row.subject,
                    "source": TrustRoot.Source.OWN,
                    "not_before": row.not_before,
                    "not_after": row.not_after,
                },
            )
    return row


def signer(store: KeyStore, authority: CertificateAuthority) -> Signer:
    """The certificate and the key of a CA. Raises KeyUnusable, also for a key of another certificate."""
    certificate = parsing.certificate(authority.certificate, field="certificate")
    key = store.key(authority.key_name)
    if key.public_key() != certificate.public_key():
        raise KeyUnusable(f"The key {authority.key_name} is not the key of the CA {authority.name}.")
    return Signer(certificate, key)


def import_chain(
    store: KeyStore, chain: Sequence[x509.Certificate], key: Key, *, name: str, usage: str
) -> CertificateAuthority:
    """Take over an existing CA: its certificate, those above it up to the root, and its key.

    The CAs above it get rows without a key here. Raises Invalid for a chain that is not one, a CA that may
    not sign, one without an organization, or a key of another certificate.
    """
    if key.public_key() != chain[0].public_key():
        raise Invalid("The key is not the key of the first certificate.", field="key")
    for certificate in chain:
        if not parsing.is_ca(certificate):
            raise Invalid(f"{certificate.subject.rfc4514_string()} is no CA.", field="certificate")
        parsing.key_of(certificate, field="certificate")
    for lower, upper in zip(chain, chain[1:], strict=False):
        _check_issued(lower, upper)
    _check_issued(chain[-1], chain[-1])
    if not parsing.organization(chain[0].subject):
        raise Invalid("The CA needs an organization (O) in its subject.", field="certificate")
    key_name = slugify(name)
    if not key_name:
        raise Invalid("Use letters and digits.", field="name")
    store.put(key_name, key)
    parent: CertificateAuthority | None = None
    with transaction.atomic():
        for certificate in reversed(chain):
            is_own = certificate is chain[0]
            parent = _imported(certificate, parent, name if is_own else "", key_name if is_own else "", usage)
    assert parent is not None
    return parent


def _check_issued(lower: x509.Certificate, upper: x509.Certificate) -> None:
    try:
        lower.verify_directly_issued_by(upper)
    except Exception:
        # ValueError, TypeError and InvalidSignature: all say that this is not its issuer.
        raise Invalid(
            f"{lower.subject.rfc4514_string()} is not followed by its issuer; the last certificate is the "
            f"root.",
            field="certificate",
        ) from None


def _imported(
    certificate: x509.Certificate,
    parent: CertificateAuthority | None,
    name: str,
    key_name: str,
    usage: str,
) -> CertificateAuthority:
    sha256 = parsing.sha256(certificate)
    known = CertificateAuthority.objects.filter(sha256=sha256).first()
    if known is not None:
        if key_name and known.key_name != key_name:
            known.key_name = key_name
            known.save(update_fields=["key_name"])
        return known
    title = name or parsing.common_name(certificate.subject) or sha256[:16]
    if CertificateAuthority.objects.filter(name=title).exists():
        raise Conflict(f"There is a CA {title} already; give another name.")
    return store_row(title, key_name or f"none-{sha256[:16]}", certificate, usage=usage, parent=parent)


def external(certificate: x509.Certificate) -> CertificateAuthority:
    """The row of an external CA, made when its first certificate comes. Its key is not here, and its root is
    trusted only where an administrator adds it.
    """
    sha256 = parsing.sha256(certificate)
    title = parsing.common_name(certificate.subject)[:80]
    row, _ = CertificateAuthority.objects.get_or_create(
        sha256=sha256,
        defaults={
            "name": f"{title} ({sha256[:8]})",
            "usage": Usage.V2G,
            "key_type": keys.key_type_of(certificate.public_key()),
            "key_name": f"external-{sha256[:16]}",
            "certificate": parsing.pem_of(certificate),
            "subject": certificate.subject.rfc4514_string()[:500],
            # Nothing is signed with it here.
            "state": CertificateAuthority.State.RETIRED,
            "not_before": certificate.not_valid_before_utc,
            "not_after": certificate.not_valid_after_utc,
        },
    )
    return row
