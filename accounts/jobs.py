"""Jobs of accounts: delete rows that are no longer needed."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

from django.conf import settings

from accounts.models import IdempotentRequest
from accounts.services import api_key_requests, audit_log, token_uploads
from ocpp_server.api import request_log
from ocpp_server.process.scheduler import MIRROR, SWEEP, Job, Step, in_journal
from ocpp_server.storage.journal import journal

# How long an idempotency key is honoured.
IDEMPOTENCY_KEPT = timedelta(days=1)


def delete_old_requests() -> None:
    """Delete old idempotency keys, requests of API keys, uploaded token files, and the reports of imports."""
    now = datetime.now(UTC)
    IdempotentRequest.objects.filter(created_at__lt=now - IDEMPOTENCY_KEPT).delete()
    api_key_requests.delete_old(now)
    token_uploads.forget_old()
    if settings.OCPP_MESSAGE_RETENTION:
        token_uploads.forget_reports(now - timedelta(seconds=settings.OCPP_MESSAGE_RETENTION))


async def delete_old_audit_entries() -> None:
    """Delete audit entries older than AUDIT_RETENTION."""
    while await journal.run(audit_log.delete_some):
        await asyncio.sleep(0.05)  # equivalent: any pause in which messages are written


async def store_requests() -> None:
    """Write the log of API keys. Without requests it costs nothing."""
    noted = request_log.take()
    if not noted:
        return
    try:
        await journal.run(api_key_requests.store, noted)
    except BaseException:
        request_log.put_back(noted)
        raise


JOBS: Final[tuple[tuple[Job, Step], ...]] = (
    (MIRROR, store_requests),
    (SWEEP, in_journal(delete_old_requests)),
    (SWEEP, delete_old_audit_entries),
)
