"""The bytes of an event as a webhook sends them, and the events that a webhook wants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import orjson
from django.conf import settings

from events.models import WebhookEndpoint
from events.services.envelopes import Content, envelope
from events.services.selecting import Selection
from ocpp_server.api.fields import rfc3339
from ocpp_server.events import catalogue

STANDARD_TYPE: Final = "application/json"
CLOUDEVENTS_TYPE: Final = "application/cloudevents+json"
_SUBJECTS: Final = (("transactionId", "transactions"), ("requestId", "commands"), ("campaignId", "campaigns"))


def selection_of(endpoint: WebhookEndpoint) -> Selection:
    """The events that a webhook wants."""
    types = chosen_types(endpoint.types)
    return Selection(types=types, station=endpoint.station, site=endpoint.site_id)


def chosen_types(patterns: list[str]) -> frozenset[str]:
    """The types that match; a pattern of a type that is no longer in the catalogue matches none."""
    if not patterns:
        return frozenset(name for name, each in catalogue.EVENTS.items() if not each.is_starred)
    found: set[str] = set()
    for pattern in patterns:
        try:
            found |= catalogue.matching([pattern])
        except catalogue.UnknownTypes:
            continue
    return frozenset(found)


def body(content: Content, format: str, sites: Mapping[int, str]) -> bytes:
    """The body: the bytes that are signed are those that are sent."""
    is_cloud = format == WebhookEndpoint.Format.CLOUDEVENTS
    shaped = _cloud_event(content) if is_cloud else envelope(content, sites)
    return orjson.dumps(shaped)


def content_type(format: str) -> str:
    return CLOUDEVENTS_TYPE if format == WebhookEndpoint.Format.CLOUDEVENTS else STANDARD_TYPE


def _cloud_event(content: Content) -> dict[str, Any]:
    path = f"/chargepoints/{quote(content.station, safe='')}" if content.station else ""
    shaped: dict[str, Any] = {
        "specversion": "1.0",
        "id": content.id,
        "source": f"{settings.PUBLIC_URL}/api/v1{path}",
        "type": f"csms.{content.type}.v{content.version}",
        "time": rfc3339(content.at),
        "datacontenttype": "application/json",
    }
    for name, folder in _SUBJECTS:
        if content.data.get(name) is not None:
            shaped["subject"] = f"{folder}/{content.data[name]}"
            break
    # An extension has no null: CloudEvents 3.1.
    if content.sequence is not None:
        shaped["sequence"] = content.sequence
    return {**shaped, "data": content.data}
