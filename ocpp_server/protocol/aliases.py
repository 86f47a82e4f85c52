"""Required fields with the name of the other dialect, such as `listVersion` for `versionNumber`.

Firmware that speaks 1.6 and 2.x mixes up the names. Each pair has one meaning, so the field gets the name
that the schema requires. Tokens and whole messages are not translated.
"""

from __future__ import annotations

from typing import Any, Final

from .exact import Kind
from .versions import in_dialect

OTHER_NAME: Final = "name-of-other-version"

# The name in 1.6, and the name in 2.x.
_NAMES: Final[dict[tuple[str, Kind], tuple[str, str]]] = {
    ("GetLocalListVersion", "response"): ("listVersion", "versionNumber"),
    ("StatusNotification", "request"): ("status", "connectorStatus"),
    ("MeterValues", "request"): ("connectorId", "evseId"),
}


def rename(version: str, action: str, kind: Kind, payload: dict[str, Any]) -> tuple[str, str, str] | None:
    """Give a field of an invalid payload the name of its version, in place.

    Returns the deviation (kind, path, detail), or None when nothing was renamed. A 1.6 StatusNotification
    with an EVSE beside its connector keeps its names: the connector of 1.6 is the EVSE.
    """
    names = _NAMES.get((action, kind))
    if names is None:
        return None
    required, given = in_dialect(version, names, names[::-1])
    if required in payload or given not in payload:
        return None
    if "evseId" in payload and "connectorId" in payload and required == "status":
        return None
    payload[required] = payload.pop(given)
    return OTHER_NAME, given, f"is the name in another version: read as {required}"
