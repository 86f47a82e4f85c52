"""A recipient and a notice with the text of `tests.admin.hostile`."""

from __future__ import annotations

from typing import Any

from alerts.models import Alert, AlertRecipient, Notification
from tests.admin.rows import NOON


def rows(bad: str) -> list[Any]:
    """The rows, with the text `bad` in every text column."""
    alert = Alert.objects.create(
        code="offline",
        key=f"{bad} notice",
        severity="critical",
        title=bad,
        detail=bad,
        opened_at=NOON,
        last_seen_at=NOON,
    )
    ann = AlertRecipient.objects.create(name=bad[:100], address=bad, language=bad[:8], timezone=bad[:64])
    notice = Notification.objects.create(
        alert=alert, recipient=ann, channel="email", kind="opened", error=bad, message_id=bad
    )
    return [ann, notice]
