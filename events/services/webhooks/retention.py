"""Deletes old rows of the log of webhooks, a few at a time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db.models import QuerySet

from events.models import WebhookDelivery, WebhookEndpoint
from ocpp_server.storage.journal import journal
from ocpp_server.storage.retention import DELETE_AT_ONCE

KEPT: Final = {
    WebhookDelivery.State.DELIVERED: timedelta(days=3),
    WebhookDelivery.State.FAILED: timedelta(days=30),
    WebhookDelivery.State.EXPIRED: timedelta(days=30),
}
MOST_ROWS: Final = 10_000


async def delete_old() -> None:
    while await journal.run(delete_some):
        await asyncio.sleep(0.05)


def delete_some() -> bool:
    """Delete rows that are too old, or too many of one webhook; pending ones stay. Returns whether there may
    be more.
    """
    now, is_more = datetime.now(UTC), False
    for state, kept in KEPT.items():
        is_more |= _delete(WebhookDelivery.objects.filter(state=state, at__lt=now - kept).order_by("at"))
    for endpoint in WebhookEndpoint.objects.values_list("pk", flat=True):
        rows = WebhookDelivery.objects.filter(endpoint=endpoint).order_by("-id")
        last = rows.values_list("id", flat=True)[MOST_ROWS : MOST_ROWS + 1].first()
        if last is not None:
            is_more |= _delete(rows.filter(id__lte=last).exclude(state="pending"))
    return is_more


def _delete(rows: QuerySet[WebhookDelivery]) -> bool:
    keys = list(rows.values_list("id", flat=True)[:DELETE_AT_ONCE])
    if keys:
        WebhookDelivery.objects.filter(pk__in=keys).delete()
    return len(keys) == DELETE_AT_ONCE
