"""Passwords and keys are never shown, logged or sent back: one rule for all that keeps a payload."""

from __future__ import annotations

import re
from typing import Any

import orjson

MASK = "***"

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
    if not _is_suspicious(text):
        return text
    try:
        return orjson.dumps(masked(orjson.loads(text))).decode()
    except orjson.JSONDecodeError:
        return MASK


def _is_suspicious(text: str) -> bool:
    """Only messages that name one of these are looked at closely; all others are stored as they came.

    Plain searches, not one expression without case: this looks at every character of every message.
    """
    folded = text.casefold()
    # Spelled out: a generator over a tuple of words costs more than the searches. "key" is looked for first,
    # for two.
    if "password" in folded or "secret" in folded:
        return True
    if "key" in folded and ("authorizationkey" in folded or "privatekey" in folded):
        return True
    return "://" in text and _URL_CREDENTIALS.search(text) is not None
