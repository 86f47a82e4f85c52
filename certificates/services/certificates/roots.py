"""The trusted roots: adding, changing and deleting them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.db import IntegrityError, transaction

from certificates.models import TrustRoot
from certificates.services.certificates import inventory
from ocpp_server.domain import Conflict, Invalid
from ocpp_server.error_codes import Code
from ocpp_server.pki import parsing

_FIELD: Final = "certificate"
_CROSS: Final = "crossSignedCertificate"
_MOST_SUBJECT: Final = 500


def add(*, kind: str, certificate: str, name: str = "", is_enabled: bool = True) -> TrustRoot:
    """Add a root. Raises Invalid for a certificate that is no valid root, Conflict for one that is there."""
    read = checked(certificate)
    row = TrustRoot(
        name=name.strip() or _name_of(read),
        kind=kind,
        certificate=parsing.pem_of(read),
        sha256=parsing.sha256(read),
        subject=read.subject.rfc4514_string()[:_MOST_SUBJECT],
        is_enabled=is_enabled,
        not_before=read.not_valid_before_utc,
        not_after=read.not_valid_after_utc,
    )
    try:
        with transaction.atomic():
            row.save()
            inventory.recognise(row)
    except IntegrityError:
        raise Conflict(
            f"This certificate is a {row.get_kind_display()} root already.", field=_FIELD, code=Code.DUPLICATE
        ) from None
    return row


def checked(pem: str) -> x509.Certificate:
    """The certificate of a root. Raises Invalid."""
    read = parsing.certificate(pem, field=_FIELD)
    if not parsing.is_self_issued(read):
        raise Invalid(
            "A root has the same subject and issuer; this certificate has another issuer.", field=_FIELD
        )
    if not parsing.is_ca(read):
        raise Invalid("This is not the certificate of a CA.", field=_FIELD)
    parsing.key_of(read, field=_FIELD)
    if not _has_signed(read, read):
        raise Invalid("The certificate is not signed with its own key.", field=_FIELD)
    if read.not_valid_after_utc <= datetime.now(UTC):
        raise Invalid(f"The root has expired on {parsing.day(read.not_valid_after_utc)}.", field=_FIELD)
    return read


def change(
    root: TrustRoot,
    *,
    name: str | None = None,
    is_enabled: bool | None = None,
    cross_signed: str | None = None,
    cross_signed_by_id: int | None = None,
) -> None:
    """Change a root; its certificate stays. `cross_signed` in PEM, empty to remove it. With
    `cross_signed_by_id` instead, the signer makes that form for a root of ours. Raises Invalid.
    """
    if name is not None:
        if not name.strip():
            raise Invalid("Must not be blank.", field="name")
        root.name = name.strip()
    if is_enabled is not None:
        root.is_enabled = is_enabled
    if cross_signed is not None:
        root.cross_signed, root.cross_signed_by = check_cross_signed(root, cross_signed)
    if cross_signed_by_id is not None:
        root.cross_signed, root.cross_signed_by = "", _signer(root, cross_signed_by_id, cross_signed)
    root.save()


def fingerprint(pem: str) -> str:
    """The fingerprint of a certificate that may be added as a root. Raises Invalid."""
    return parsing.sha256(checked(pem))


def check_cross_signed(root: TrustRoot, pem: str) -> tuple[str, TrustRoot | None]:
    """The other form of a root: its subject and its key, signed by another root. Raises Invalid."""
    if not pem.strip():
        return "", None
    if root.kind != TrustRoot.Kind.CSMS:
        raise Invalid("Only a CSMS root has a cross-signed form.", field=_CROSS)
    read = parsing.certificate(pem, field=_CROSS)
    own = parsing.certificate(root.certificate, field=_FIELD)
    if (read.subject, _key(read)) != (own.subject, _key(own)):
        raise Invalid("It must have the subject and the key of this root.", field=_CROSS)
    if not parsing.is_ca(read):
        raise Invalid("This is not the certificate of a CA.", field=_CROSS)
    for signer in TrustRoot.objects.filter(kind=root.kind).exclude(pk=root.pk):
        if _has_signed(parsing.certificate(signer.certificate, field=_FIELD), read):
            return parsing.pem_of(read), signer
    raise Invalid("No other CSMS root has signed it.", field=_CROSS)


def _signer(root: TrustRoot, number: int, given: str | None) -> TrustRoot:
    """The root of ours that is to sign another one of ours. Raises Invalid."""
    field = "crossSignedById"
    if given:
        raise Invalid("Give either crossSignedById or crossSignedCertificate.", field=field)
    if root.kind != TrustRoot.Kind.CSMS or root.authority_id is None:
        raise Invalid("The signer signs only CSMS roots of this server's CAs.", field=field)
    own = TrustRoot.objects.filter(kind=root.kind, authority__isnull=False).exclude(pk=root.pk)
    found = own.filter(pk=number, not_after__gt=datetime.now(UTC)).first()
    if found is None:
        raise Invalid("Must be the number of another valid CSMS root of this server.", field=field)
    return found


def remove(root: TrustRoot) -> None:
    """Delete a root that nothing uses. Raises Conflict."""
    used = uses(root)
    if used:
        raise Conflict(f"{root} is in use: {', '.join(used)}. Disable it instead.", code=Code.IN_USE)
    root.delete()


def uses(root: TrustRoot) -> list[str]:
    """The uses that keep a root from being deleted, in words."""
    stations = root.installed.filter(ended_at__isnull=True).values("charge_point").distinct().count()
    sets = root.sets.count()
    return [
        words
        for words in (
            "it belongs to a CA of this server" if root.authority_id is not None else "",
            "it has signed another root" if root.cross_signs.exists() else "",
            f"{sets} root sets have it" if sets else "",
            f"{stations} stations have it" if stations else "",
        )
        if words
    ]


def of_kind(kind: TrustRoot.Kind) -> list[x509.Certificate]:
    """The certificates of the enabled roots of a kind."""
    rows = TrustRoot.objects.filter(kind=kind, is_enabled=True).values_list("certificate", flat=True)
    return [parsing.certificate(pem, field=_FIELD) for pem in rows]


def _has_signed(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, TypeError, ValueError):
        return False
    return True


def _key(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _name_of(certificate: x509.Certificate) -> str:
    name = parsing.common_name(certificate.subject) or parsing.organization(certificate.subject)
    return name[:100] or "Root"
