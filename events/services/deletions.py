"""Stores deletions. Fills the port of `ocpp_server.storage.deletions`, which documents each function."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db.models import QuerySet

from events.models import Deletion
from ocpp_server.storage.retention import DELETE_AT_ONCE


def add(resource: str, row: str, *, parent: str, site: int | None) -> None:
    """Note the deletion of a row, in the transaction that deletes it."""
    Deletion.objects.create(
        resource=resource, row=row, parent=parent, site_id=site, deleted_at=datetime.now(UTC)
    )


def rows(resource: str, *, parent: str | None, since: datetime) -> QuerySet[Deletion]:
    """The deletions since then, in order."""
    found = Deletion.objects.filter(resource=resource, deleted_at__gte=since)
    if parent is not None:
        found = found.filter(parent=parent)
    return found.order_by("deleted_at", "pk")


def oldest_kept() -> datetime:
    """Deletions before this time are no longer kept."""
    return datetime.now(UTC) - timedelta(seconds=settings.DELETION_RETENTION)


def delete_some() -> bool:
    """Delete the oldest expired notes, DELETE_AT_ONCE at most. Returns whether there may be more."""
    expired = Deletion.objects.filter(deleted_at__lt=oldest_kept()).order_by("deleted_at")
    keys = list(expired.values_list("pk", flat=True)[:DELETE_AT_ONCE])
    Deletion.objects.filter(pk__in=keys).delete()
    return len(keys) == DELETE_AT_ONCE
