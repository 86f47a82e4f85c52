"""BootNotifications of another version than the one of their connection.

A station whose OCPP version and subprotocol are set apart boots like this, and the missing fields of its boot
do not say why.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from .errors import OcppError
from .versions import V16

OTHER_VERSION: Final = "boot-of-other-version"

_IN_16: Final = frozenset({"chargePointVendor", "chargePointModel"})
_IN_2X: Final = "chargingStation"


def explained(version: str, action: str, payload: Mapping[str, Any], error: OcppError) -> OcppError | None:
    """The error of an invalid boot of another version, in words that name the version and the remedy.

    None for any other message.
    """
    sentence = _sentence(version, payload) if action == "BootNotification" else ""
    return type(error)(sentence) if sentence else None


def _sentence(version: str, payload: Mapping[str, Any]) -> str:
    has_16, has_2x = not _IN_16.isdisjoint(payload), _IN_2X in payload
    if version == V16 and has_2x and not has_16:
        sent, offer = "2.x", "ocpp2.0.1 or ocpp2.1"
    elif version != V16 and has_16 and not has_2x:
        sent, offer = "1.6", "ocpp1.6"
    else:
        return ""
    return (
        f"This is a BootNotification of OCPP {sent}, the connection is {version}: set the station to OCPP "
        f"{version.removeprefix('ocpp')}, or let it offer only the subprotocol {offer}."
    )
