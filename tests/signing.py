"""Signed messages as stations make them (2.x part 4, chapter 7). The server checks no signature."""

from __future__ import annotations

import base64
import json
from typing import Any


def base64url(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def jws(payload: Any, action: str, kind: int = 2, **header: Any) -> dict[str, str]:
    """The flattened JWS of a message."""
    protected = {"alg": "ES256", "OCPPAction": action, "OCPPMessageTypeId": kind, "x5t#S256": "abc"} | header
    return {
        "payload": base64url(json.dumps(payload)),
        "protected": base64url(json.dumps(protected)),
        "signature": base64url("signature"),
    }
