"""Deletes alerts that were resolved before ALERT_RETENTION, a few at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.conf import settings

from alerts.models import Alert
from ocpp_server.storage.retention import DELETE_AT_ONCE


def delete_old() -> None:
    """Delete the oldest expired alerts with their notes and notices; the next run continues."""
    before = datetime.now(UTC) - timedelta(seconds=settings.ALERT_RETENTION)
    expired = Alert.objects.filter(resolved_at__lt=before).order_by("resolved_at")
    Alert.objects.filter(pk__in=list(expired.values_list("pk", flat=True)[:DELETE_AT_ONCE])).delete()
