"""Jobs of certificates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from certificates.models import InstalledCertificate, SigningRequest
from certificates.services.certificates import (
    adoption,
    delivery,
    expiry,
    ocsp,
    refreshing,
    renewal,
    revocation_lists,
    revoking,
)
from ocpp_server.process.scheduler import SWEEP, TRIM, Job, Step, in_journal
from ocpp_server.storage import retention
from ocpp_server.storage.retention import DELETE_AT_ONCE

# How long a certificate is kept after its end at the station.
ENDED_KEPT: Final = timedelta(days=365)

# Metrics and logs know the jobs by these names.
SEND_CERTIFICATES: Final = Job("send_certificates", every=0.5)
RENEW_CERTIFICATES: Final = Job("renew_certificates", every=60.0)
LIST_CERTIFICATES: Final = Job("list_certificates", every=1.0)
FETCH_REVOCATION_LISTS: Final = Job("fetch_revocation_lists", every=60.0)


def delete_installed() -> None:
    """Delete the rows that ended before ENDED_KEPT, the oldest first; the next run continues."""
    ended = InstalledCertificate.objects.filter(ended_at__lt=datetime.now(UTC) - ENDED_KEPT)
    oldest = list(ended.order_by("ended_at").values_list("pk", flat=True)[:DELETE_AT_ONCE])
    InstalledCertificate.objects.filter(pk__in=oldest).delete()


def find_not_adopted() -> None:
    """Find the certificates that stations have accepted and do not use."""
    adoption.find_not_adopted(datetime.now(UTC))


def revoke_superseded() -> None:
    """Revoke the certificates whose time as a fallback is over."""
    revoking.revoke_superseded(datetime.now(UTC))


def delete_ended() -> None:
    """Delete the certificates that ended long ago."""
    revoking.delete_ended(datetime.now(UTC))


def trim_requests() -> None:
    """Keep the newest signing requests of each station (S11)."""
    retention.keep_newest(SigningRequest)


JOBS: Final[tuple[tuple[Job, Step], ...]] = (
    (SEND_CERTIFICATES, delivery.send_due),
    (LIST_CERTIFICATES, refreshing.refresh_due),
    (FETCH_REVOCATION_LISTS, revocation_lists.fetch_due),
    (RENEW_CERTIFICATES, renewal.renew_due),
    (SWEEP, in_journal(find_not_adopted)),
    (SWEEP, in_journal(revoke_superseded)),
    (SWEEP, in_journal(delete_ended)),
    (SWEEP, in_journal(delete_installed)),
    (SWEEP, in_journal(ocsp.delete_expired)),
    (TRIM, in_journal(trim_requests)),
    (TRIM, in_journal(expiry.announce)),
)
