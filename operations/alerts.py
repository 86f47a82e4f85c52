"""The alerts of a station on its page: the unresolved ones, then the latest resolved."""

from __future__ import annotations

from django.db.models import F
from django.urls import reverse

from alerts.models import Alert
from chargepoints.models import ChargePoint
from ocpp_server.admin import cells, tones

_SHOWN = 20


def rows(charge_point: ChargePoint) -> list[cells.Row]:
    """The rows of the table, unresolved alerts first."""
    found = Alert.objects.filter(charge_point=charge_point)
    ordered = found.order_by(F("resolved_at").desc(nulls_first=True), "-pk")
    return [_row(alert) for alert in ordered[:_SHOWN]]


def _row(alert: Alert) -> cells.Row:
    return [
        cells.label(alert.get_severity_display(), tones.ALERT_SEVERITY.get(alert.severity, "")),
        cells.text(
            alert.title,
            href=reverse("admin:alerts_alert_change", args=[alert.pk]),
            note=alert.what_to_do if alert.resolved_at is None else "",
        ),
        cells.label(alert.get_state_display(), tones.ALERT_STATE.get(alert.state, "")),
        cells.moment(alert.opened_at),
    ]
