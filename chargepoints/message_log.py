"""The message log's rows, and what never gets into them: passwords and keys."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import orjson
from django.conf import settings

from chargepoints.tables import MESSAGES
from ocpp_server.journal import Unit
from ocpp_server.live.station import Station
from ocpp_server.protocol.dispatch import Exchange

MASK = "***"

# Only messages that name one of these are looked at closely; all others are stored as they came.
_SUSPICIOUS = re.compile(r"password|authorizationkey|secret|privatekey|://[^/\s\"]*@", re.IGNORECASE)
_SECRET_NAME = re.compile(r"password|authorizationkey|secret|privatekey|apn$", re.IGNORECASE)
_URL_CREDENTIALS = re.compile(r"(://)[^/\s\"@]*@")


def is_secret_name(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None


def masked(payload: Any) -> Any:
    """A copy of a payload without its secrets.

    A secret stands under its own name (`basicAuthPassword`), or is the value of a key or variable so named
    (ChangeConfiguration, SetVariables, GetConfiguration, GetVariables), or is part of a URL.
    """
    if isinstance(payload, list):
        return [masked(item) for item in payload]
    if isinstance(payload, str):
        return _URL_CREDENTIALS.sub(rf"\1{MASK}@", payload)
    if not isinstance(payload, dict):
        return payload
    names = [
        payload.get("key"),
        (payload.get("variable") or {}).get("name") if isinstance(payload.get("variable"), dict) else None,
    ]
    holds_secret = any(isinstance(name, str) and _SECRET_NAME.search(name) for name in names)
    return {
        name: MASK
        if value and (_SECRET_NAME.search(name) or (holds_secret and name in ("value", "attributeValue")))
        else masked(value)
        for name, value in payload.items()
    }


def masked_text(text: str) -> str:
    """The same for a payload's JSON text; what is not JSON is not kept when it looks like a secret."""
    if not text or not _SUSPICIOUS.search(text):
        return text
    try:
        return orjson.dumps(masked(orjson.loads(text))).decode()
    except orjson.JSONDecodeError:
        return MASK


def record_incoming(station: Station, exchange: Exchange) -> None:
    """Add the row of a station's request to the unit of its message."""
    call, error = exchange.call, exchange.error
    if not settings.OCPP_MESSAGE_LOG or (call.action == "Heartbeat" and not settings.OCPP_LOG_HEARTBEATS):
        return
    station.unit.insert(
        MESSAGES,
        charge_point_id=station.pk,
        direction="in",
        message_id=call.id,
        action=call.action[:64],
        request=masked_text(call.payload),
        response=exchange.answer,
        error_code=error.code_for(station.version) if error else "",
        error_description=error.description[:1000] if error else "",
        size=len(station.frame),
        duration_ms=exchange.ms,
        at=station.received_at,
    )


def record_outgoing(
    station: Station,
    unit: Unit,
    *,
    message_id: str,
    action: str,
    request: str,
    response: str = "",
    error_code: str = "",
    error_description: str = "",
    duration_ms: float | None,
) -> None:
    """Add the row of a call of ours, when it is known what became of it."""
    if not settings.OCPP_MESSAGE_LOG:
        return
    unit.insert(
        MESSAGES,
        charge_point_id=station.pk,
        direction="out",
        message_id=message_id,
        action=action,
        request=masked_text(request),
        response=masked_text(response),
        error_code=error_code[:64],
        error_description=error_description[:1000],
        size=len(request),
        duration_ms=duration_ms,
        at=datetime.now(UTC),
    )
