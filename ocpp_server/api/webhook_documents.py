"""The webhooks in the OpenAPI document: a request for each type of the catalogue of events.

OpenAPI 3.0, which the document has for its generators, knows them as `x-webhooks`; 3.1 calls them `webhooks`.
"""

from __future__ import annotations

from typing import Any, Final

from ocpp_server.events import catalogue
from ocpp_server.events.types import EventType

KEY: Final = "x-webhooks"
_HEADERS: Final = {
    "Webhook-Id": ("string", "The id of the event. The same event has the same id each time: skip it then."),
    "Webhook-Timestamp": ("integer", "When the request was sent, in seconds since 1970."),
    "Webhook-Signature": (
        "string",
        "`v1,` and the HMAC-SHA256 of id, timestamp and body, joined by dots, in Base64; during the overlap "
        "of two secrets one for each, with a blank between.",
    ),
}
_ENVELOPE: Final = {
    "id": "evt_019123ab45cd7ef08123456789abcdef",
    "type": "",
    "timestamp": "2026-11-28T10:00:00.000Z",
    "version": 1,
    "position": 918273,
    "sequence": 42,
    "station": "GARAGE 1",
    "site": {"id": 3, "name": "Garage"},
    "data": {},
}
_ANSWERS: Final = {
    "2XX": {"description": "Delivered. Store the event first, and work on it later."},
    "4XX": {"description": "This event is refused, and tried again for half an hour; 410 ends the webhook."},
    "5XX": {"description": "The receiver is in trouble: all events wait, and are sent in order later."},
}


def with_webhooks(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add the webhooks, and the headers that they share."""
    components = result["components"]
    if "Event" not in components["schemas"]:  # the role accounts has no events
        return result
    components.setdefault("parameters", {}).update(
        {
            name: {
                "name": name,
                "in": "header",
                "required": True,
                "schema": {"type": kind},
                "description": text,
            }
            for name, (kind, text) in _HEADERS.items()
        }
    )
    result[KEY] = {name: {"post": _request(each)} for name, each in sorted(catalogue.EVENTS.items())}
    return result


def _request(each: EventType) -> dict[str, Any]:
    """The request of one type: the envelope of `GET /api/v1/events`, with the data of this type."""
    sentences = [each.sentence]
    if each.is_starred:
        sentences.append("Only on a server whose EVENT_TYPES names it, and for a webhook that names it.")
    if each.is_personal:
        sentences.append("Uids of tokens are masked unless the webhook sends whole ones.")
    data = each.schema
    special = {
        "type": "object",
        "properties": {
            "type": {"type": "string", "enum": [each.name]},
            "version": {"type": "integer", "enum": [each.version]},
            "data": {name: data[name] for name in ("type", "properties", "required", "additionalProperties")},
        },
    }
    return {
        "summary": each.name,
        "description": " ".join(sentences),
        "tags": ["Webhooks"],
        "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in _HEADERS],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"allOf": [{"$ref": "#/components/schemas/Event"}, special]},
                    "example": _ENVELOPE | {"type": each.name, "version": each.version, "data": each.example},
                }
            },
        },
        "responses": _ANSWERS,
    }
