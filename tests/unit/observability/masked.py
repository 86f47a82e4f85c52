"""Masks payloads and texts of vendors, for the tests of masking."""

from __future__ import annotations

import json
from typing import Any

from ocpp_server.observability import masking

S = "hunter2-hunter2"


def masked_json(payload: Any, action: str = "") -> Any:
    """The payload masked as text, as the log stores it; the masked object must be the same."""
    found = json.loads(masking.masked_text(json.dumps(payload), action))
    assert masking.masked(payload, action) == found
    return found


def free(data: str) -> str:
    """A text of a vendor, masked."""
    found: str = masking.masked({"vendorId": "x", "data": data}, "DataTransfer")["data"]
    return found
