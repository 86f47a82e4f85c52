"""Metrics of notices about alerts, for Prometheus."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from alerts.models import Notification
from ocpp_server.observability.fleet import Family, Figures, Part

_DAY: Final = timedelta(days=1)


def figures() -> Figures:
    """The database's figures. Raises DatabaseError."""
    now = datetime.now(UTC)
    waiting = Notification.objects.filter(due_at__isnull=False)
    oldest = waiting.order_by("due_at").values_list("due_at", flat=True).first()
    failed = Notification.objects.filter(created_at__gt=now - _DAY, state=Notification.State.FAILED)
    return {
        "notices": [
            (("waiting",), waiting.filter(attempts=0).count()),
            (("retried",), waiting.filter(attempts__gt=0).count()),
            (("failed",), failed.count()),
        ],
        "notice_lag": [((), max(0.0, (now - oldest).total_seconds()) if oldest else 0.0)],
    }


FLEET: Final = Part(
    figures,
    (
        Family(
            "notices",
            "ocpp_alert_notices",
            "Notices about alerts that wait or are tried again, and those of the last day that have failed.",
            ("state",),
        ),
        Family(
            "notice_lag",
            "ocpp_alert_notice_lag_seconds",
            "How long the oldest notice that is due has waited; 0 when none is due.",
        ),
    ),
)
