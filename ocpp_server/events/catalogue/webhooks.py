"""Events of webhooks themselves."""

from __future__ import annotations

from ocpp_server.events.types import TEXT, TIME, WHOLE, EventType, Field

DISABLED = EventType(
    "webhook.disabled",
    "A webhook was disabled, because it could not be delivered for too long or its receiver is gone.",
    (
        Field("webhookId", WHOLE, "The number of the webhook in the API."),
        Field("name", TEXT, "Its name."),
        Field("reason", TEXT, "The reason as a sentence."),
        Field(
            "failingSince", TIME, "The first failure after the last success; null with 410.", optional=True
        ),
    ),
    {
        "webhookId": 4,
        "name": "Billing",
        "reason": "No delivery succeeded since 2026-11-23 10:00 UTC.",
        "failingSince": "2026-11-23T10:00:00.000Z",
    },
)

TYPES = (DISABLED,)
