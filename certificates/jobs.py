"""Jobs of certificates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from certificates.models import InstalledCertificate
from certificates.services.certificates import refreshing
from ocpp_server.process.scheduler import SWEEP, Job, Step, in_journal
from ocpp_server.storage.retention import DELETE_AT_ONCE

# How long a certificate is kept after its end at the station.
ENDED_KEPT: Final = timedelta(days=365)

# Metrics and logs know the job by this name.
LIST_CERTIFICATES: Final = Job("list_certificates", every=1.0)


def delete_ended() -> None:
    """Delete the rows that ended before ENDED_KEPT, the oldest first; the next run continues."""
    ended = InstalledCertificate.objects.filter(ended_at__lt=datetime.now(UTC) - ENDED_KEPT)
    oldest = list(ended.order_by("ended_at").values_list("pk", flat=True)[:DELETE_AT_ONCE])
    InstalledCertificate.objects.filter(pk__in=oldest).delete()


JOBS: Final[tuple[tuple[Job, Step], ...]] = (
    (LIST_CERTIFICATES, refreshing.refresh_due),
    (SWEEP, in_journal(delete_ended)),
)
