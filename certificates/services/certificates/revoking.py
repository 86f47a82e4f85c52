"""Revocation of certificates that our CAs issued. The signer signs the next list of the CA."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from django.db import transaction

from certificates.models import CertificateAuthority, IssuedCertificate
from ocpp_server.domain import Conflict, Invalid
from ocpp_server.events import outbox
from ocpp_server.events.catalogue import certificates as events
from ocpp_server.storage.retention import DELETE_AT_ONCE

log = structlog.get_logger(__name__)

State = IssuedCertificate.State
SUPERSEDED: Final = "superseded"
# RFC 5280 5.3.1, without those that make no sense for a station.
REASONS: Final = (
    "unspecified",
    "keyCompromise",
    "affiliationChanged",
    SUPERSEDED,
    "cessationOfOperation",
    "privilegeWithdrawn",
)
AT_ONCE: Final = 200
# How long a certificate is kept after its end.
ENDED_KEPT: Final = timedelta(days=400)


def revoke(
    row: IssuedCertificate, *, actor: str, reason: str, at: datetime | None = None
) -> IssuedCertificate:
    """Revoke a certificate for good. Raises Invalid for an unknown reason, and Conflict for one that is
    revoked or has ended.
    """
    at = at or datetime.now(UTC)
    if reason not in REASONS:
        raise Invalid(f"Must be one of: {', '.join(REASONS)}.", field="reason")
    with transaction.atomic():
        changed = (
            IssuedCertificate.objects.filter(pk=row.pk, not_after__gt=at)
            .exclude(state=State.REVOKED)
            .update(state=State.REVOKED, revoked_at=at, revocation_reason=reason, revoke_at=None)
        )
        if not changed:
            raise Conflict("The certificate is revoked already, or has ended.")
        CertificateAuthority.objects.filter(pk=row.authority_id).update(crl_is_due=True)
        station = row.charge_point
        outbox.emit(
            events.REVOKED,
            station=station.identity if station is not None else "",
            site=station.site_id if station is not None else None,
            certificateId=row.pk,
            certificateType=row.type,
            serialNumber=row.serial,
            reason=reason,
            actor=actor,
        )
    log.info("certificate.revoked", certificate=row.pk, serial=row.serial, reason=reason, actor=actor)
    return IssuedCertificate.objects.select_related("charge_point", "authority").get(pk=row.pk)


def revoke_superseded(now: datetime) -> None:
    """Revoke the certificates whose time as a fallback is over, and mark those that have ended."""
    IssuedCertificate.objects.filter(not_after__lt=now).exclude(
        state__in=(State.EXPIRED, State.REVOKED)
    ).update(state=State.EXPIRED, revoke_at=None)
    due = IssuedCertificate.objects.select_related("charge_point").filter(
        revoke_at__lte=now, state=State.SUPERSEDED, revoke_at__isnull=False
    )
    for row in due[:AT_ONCE]:
        revoke(row, actor="server", reason=SUPERSEDED, at=now)


def delete_ended(now: datetime) -> None:
    """Delete the certificates that ended before ENDED_KEPT, the oldest first; the next run continues."""
    ended = IssuedCertificate.objects.filter(not_after__lt=now - ENDED_KEPT).order_by("not_after")
    oldest = list(ended.values_list("pk", flat=True)[:DELETE_AT_ONCE])
    IssuedCertificate.objects.filter(pk__in=oldest).delete()
