"""Revocation lists of our CAs (RFC 5280 5). Issuing CAs and roots both have one."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from cryptography.hazmat.primitives.serialization import Encoding
from django.db.models import Q

from certificates.models import CertificateAuthority, IssuedCertificate
from certificates.signing import authorities, building
from certificates.signing.keys import KeyStore, KeyUnusable

log = structlog.get_logger(__name__)

# A list is valid for a week, and signed again when less than half of it is left.
LIFE: Final = timedelta(days=7)
# A CA whose list could not be signed is tried again after this.
_RETRY: Final = timedelta(minutes=1)
_failed: Final[dict[int, datetime]] = {}


def sign_due(store: KeyStore) -> int:
    """Sign the lists that are due: after a revocation, the first ones, and those that end soon."""
    now = datetime.now(UTC)
    ending = Q(crl_expires_at__isnull=True) | Q(crl_expires_at__lt=now + LIFE / 2)
    names = set(store.names())
    due = CertificateAuthority.objects.filter(Q(crl_is_due=True) | ending, not_after__gt=now)
    signed = 0
    # A CA above an imported one, and an external one, have no key here.
    for row in [row for row in due.defer("crl") if row.key_name in names]:
        if now - _failed.get(row.pk, now - _RETRY) < _RETRY:
            continue
        try:
            _sign(store, row, now)
        except KeyUnusable as error:
            _failed[row.pk] = now
            log.error("signer.list_not_signed", authority=row.name, reason=str(error))
        else:
            signed += 1
    return signed


def _sign(store: KeyStore, row: CertificateAuthority, now: datetime) -> None:
    rows = CertificateAuthority.objects.filter(pk=row.pk)
    # Before the certificates are read: one that is revoked meanwhile makes the list due again.
    rows.update(crl_is_due=False)
    revoked = IssuedCertificate.objects.filter(
        authority=row, revoked_at__isnull=False, not_after__gt=now
    ).values_list("serial", "revoked_at", "revocation_reason")
    number = row.crl_number + 1
    try:
        made = building.revocation_list(
            ((serial, at, reason) for serial, at, reason in revoked if at is not None),
            authorities.signer(store, row),
            number=number,
            now=now,
            life=LIFE,
        )
    except KeyUnusable:
        rows.update(crl_is_due=row.crl_is_due)
        raise
    rows.update(
        crl=base64.b64encode(made.public_bytes(Encoding.DER)).decode(),
        crl_number=number,
        crl_expires_at=made.next_update_utc,
    )
    log.info("signer.list_signed", authority=row.name, number=number)
