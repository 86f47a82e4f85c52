"""The dashboard's number of alerts, and when the rules were judged last."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from alerts.models import Evaluation, Severity
from alerts.services.counting import open_by_severity
from ocpp_server.admin import cards, cells, tones
from ocpp_server.admin.cards import Cards


def draw(now: datetime, user: Any) -> Cards:
    counted = open_by_severity()
    total = sum(counted.values())
    tone = tones.DANGER if counted[Severity.CRITICAL] else tones.WARNING
    shown = cells.label(f"{total:,}", tone) if total else cells.text(0)
    checked = Evaluation.objects.values_list("checked_at", flat=True).first()
    return Cards(values={"alerts": shown, "alerts_checked": cells.moment(checked)})


cards.register("alerts", draw)
