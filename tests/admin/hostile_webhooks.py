"""A row of every model of webhooks with the text of `tests.admin.hostile`."""

from __future__ import annotations

from typing import Any

from events.models import WebhookDelivery, WebhookEndpoint
from tests.admin.rows import NOON


def rows(bad: str) -> list[Any]:
    """The rows, with the text `bad` in every text column."""
    endpoint = WebhookEndpoint.objects.create(
        name=bad[:100],
        url=bad,
        sealed_secret=bad,
        sealed_headers=bad,
        types=[bad],
        station=bad,
        contact_email=bad,
        state="disabled",
        state_reason=bad[:255],
        last_error=bad[:255],
        created_by=bad[:150],
    )
    delivery = WebhookDelivery.objects.create(
        endpoint=endpoint,
        event_id=bad[:40],
        type=bad[:48],
        station=bad,
        position=1,
        error=bad[:255],
        response_excerpt=bad,
        at=NOON,
    )
    return [endpoint, delivery]
