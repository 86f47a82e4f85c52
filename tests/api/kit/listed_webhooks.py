"""Rows of the lists of webhooks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from events.models import WebhookDelivery, WebhookEndpoint
from tests.api.conftest import NOON


def a_webhook(parents: Any, number: int) -> WebhookEndpoint:
    row = WebhookEndpoint.objects.create(
        name=f"W{number}" if number >= 0 else "~parent",
        url="https://receiver.example",
        sealed_secret="x",
        state="paused",
    )
    WebhookEndpoint.objects.filter(pk=row.pk).update(created_at=NOON + timedelta(seconds=number // 3))
    return row


def a_delivery(parents: Any, number: int) -> WebhookDelivery:
    return WebhookDelivery.objects.create(
        endpoint=parents.webhook,
        event_id=f"evt_{number}",
        type="token.blocked",
        position=number,
        state="delivered",
        at=NOON,
    )
