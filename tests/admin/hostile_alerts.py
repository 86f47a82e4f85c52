"""Rows of alerts and rules with texts that a browser would run."""

from __future__ import annotations

from typing import Any

from alerts.models import Alert, AlertNote, AlertRule
from chargepoints.models import ChargePoint, Site
from tests.admin.rows import NOON


def rows(station: ChargePoint, site: Site, bad: str) -> list[Any]:
    """The rows, with the text `bad` in every text column."""
    rule = AlertRule.objects.create(
        code="offline", site=site, severity="warning", note=bad, updated_by=bad[:150]
    )
    alert = Alert.objects.create(
        rule=rule,
        code="offline",
        key=bad,
        station=bad,
        charge_point=station,
        site=site,
        severity="critical",
        title=bad,
        detail=bad,
        what_to_do=bad,
        values={bad: bad},
        acknowledged_by=bad[:150],
        resolved_by=bad[:150],
        opened_at=NOON,
        last_seen_at=NOON,
    )
    AlertNote.objects.create(alert=alert, text=bad, author=bad[:150])
    return [rule, alert]
