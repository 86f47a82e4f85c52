"""Jobs of alerts: the evaluation, its heartbeat, and retention."""

from __future__ import annotations

from typing import Final

from django.conf import settings

from alerts.services import evaluating, heartbeat, retention
from ocpp_server.process.scheduler import SWEEP, Job, Step, in_journal

EVALUATE_ALERTS: Final = Job("evaluate_alerts", every=lambda: settings.ALERT_INTERVAL)

JOBS: Final[tuple[tuple[Job, Step], ...]] = (
    (EVALUATE_ALERTS, evaluating.evaluate),
    (heartbeat.HEARTBEAT, heartbeat.beat),
    (SWEEP, in_journal(retention.delete_old)),
)
