"""Rows of the lists of alert notices."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from alerts.models import AlertRecipient, Notification
from tests.api.conftest import NOON


def an_alert_recipient(parents: Any, number: int) -> AlertRecipient:
    row = AlertRecipient.objects.create(name=f"R{number}", address="a@example.com")
    AlertRecipient.objects.filter(pk=row.pk).update(updated_at=NOON + timedelta(seconds=number // 3))
    return row


def a_notice(parents: Any, number: int) -> Notification:
    recipient, _ = AlertRecipient.objects.get_or_create(name="~parent", address="a@example.com")
    return Notification.objects.create(
        alert=parents.alert, recipient=recipient, channel="email", kind="escalated", step=number
    )
