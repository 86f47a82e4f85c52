"""The rows of the audit log: fills the port `AuditLog`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.conf import settings

from accounts.models import AuditEntry
from ocpp_server import audit
from ocpp_server.storage.retention import DELETE_AT_ONCE


def store(entry: audit.Entry) -> None:
    AuditEntry.objects.create(
        actor=entry.actor[:150],
        door=entry.door.value,
        action=entry.action[:128],
        path=entry.path[:300],
        sent_fields=list(entry.fields),
        status=entry.status,
        address=entry.address[:64],
        request_id=entry.request_id[:64],
    )


def delete_some() -> bool:
    """Delete the oldest expired entries, DELETE_AT_ONCE at most. Returns whether there may be more."""
    if not settings.AUDIT_RETENTION:
        return False
    before = datetime.now(UTC) - timedelta(seconds=settings.AUDIT_RETENTION)
    oldest = list(AuditEntry.objects.order_by("pk").values_list("pk", "at")[:DELETE_AT_ONCE])
    expired = [pk for pk, at in oldest if at < before]
    if expired:
        AuditEntry.objects.filter(pk__in=expired).delete()
    return len(expired) == DELETE_AT_ONCE
