"""Jobs of accounts: delete rows that are no longer needed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from django.conf import settings

from accounts.models import IdempotentRequest
from accounts.services import token_uploads
from ocpp_server.process.scheduler import SWEEP, Job, Step, in_journal

# How long an idempotency key is honoured.
IDEMPOTENCY_KEPT = timedelta(days=1)


def delete_old_requests() -> None:
    """Delete old idempotency keys, uploaded token files, and the reports of imports."""
    now = datetime.now(UTC)
    IdempotentRequest.objects.filter(created_at__lt=now - IDEMPOTENCY_KEPT).delete()
    token_uploads.forget_old()
    if settings.OCPP_MESSAGE_RETENTION:
        token_uploads.forget_reports(now - timedelta(seconds=settings.OCPP_MESSAGE_RETENTION))


JOBS: Final[tuple[tuple[Job, Step], ...]] = ((SWEEP, in_journal(delete_old_requests)),)
