"""Open alerts and the age of the last evaluation, for Prometheus."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from django.db.models import Count

from alerts.models import Alert, Evaluation
from alerts.services.codes import CODES
from ocpp_server.observability.fleet import Family, Figures, Part


def figures() -> Figures:
    """The database's figures. Raises DatabaseError."""
    rows = Alert.objects.unresolved().filter(suppression="", code__in=CODES).order_by()
    counted = rows.values_list("code", "severity").annotate(Count("pk"))
    checked = Evaluation.objects.values_list("checked_at", flat=True).first()
    found: Figures = {"alerts": [((code, severity), number) for code, severity, number in counted]}
    if checked is not None:
        found["alerts_age"] = [((), max(0.0, (datetime.now(UTC) - checked).total_seconds()))]
    return found


FLEET: Final = Part(
    figures,
    (
        Family(
            "alerts",
            "ocpp_alerts_open",
            "Alerts that are not resolved and not suppressed.",
            ("code", "severity"),
        ),
        Family(
            "alerts_age",
            "ocpp_alerts_evaluated_seconds",
            "The time since the rules of alerts were evaluated; none before the first evaluation.",
        ),
    ),
)
