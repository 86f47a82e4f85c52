"""Rules for the values of stored keys. A rule returns the text as stored, or None for an invalid value."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Final

Rule = Callable[[str], str | None]

_WHOLE = re.compile(r"-?[0-9]{1,10}")
MAX_WHOLE: Final = 2**31 - 1  # the largest 32-bit integer of a station
MAX_TEXT: Final = 500  # 1.6 7.30: a value is a CiString of 500

# OCPP 1.6 7.31 and 7.35.
_MEASURANDS: Final = (
    "Current.Export",
    "Current.Import",
    "Current.Offered",
    "Energy.Active.Export.Interval",
    "Energy.Active.Export.Register",
    "Energy.Active.Import.Interval",
    "Energy.Active.Import.Register",
    "Energy.Reactive.Export.Interval",
    "Energy.Reactive.Export.Register",
    "Energy.Reactive.Import.Interval",
    "Energy.Reactive.Import.Register",
    "Frequency",
    "Power.Active.Export",
    "Power.Active.Import",
    "Power.Factor",
    "Power.Offered",
    "Power.Reactive.Export",
    "Power.Reactive.Import",
    "RPM",
    "SoC",
    "Temperature",
    "Voltage",
)
_PHASES: Final = ("L1", "L2", "L3", "N", "L1-N", "L2-N", "L3-N", "L1-L2", "L2-L3", "L3-L1")
# "Where applicable, the measurand is combined with the optional phase", as in Voltage.L1 (1.6 9.1).
MEASURANDS: Final = frozenset(_MEASURANDS) | {f"{one}.{phase}" for one in _MEASURANDS for phase in _PHASES}
PROFILES: Final = frozenset(
    {"Core", "FirmwareManagement", "LocalAuthListManagement", "Reservation", "SmartCharging", "RemoteTrigger"}
)
_PHASE_ROTATION = re.compile(r"(?:[0-9]{1,5}\.)?(?:NotApplicable|Unknown|RST|RTS|SRT|STR|TRS|TSR)")
_HEX_KEY = re.compile(r"(?:[0-9A-Fa-f]{2}){16,20}")


def whole(low: int, high: int = MAX_WHOLE) -> Rule:
    """An integer from `low` to `high`."""

    def rule(text: str) -> str | None:
        text = text.strip()
        if not _WHOLE.fullmatch(text) or not low <= int(text) <= high:
            return None
        return str(int(text))

    return rule


def boolean(text: str) -> str | None:
    lowered = text.strip().lower()
    return lowered if lowered in ("true", "false") else None


def listed(allowed: Collection[str]) -> Rule:
    """A comma-separated list of these words, blanks trimmed; an empty list is valid."""
    spelling = {word.lower(): word for word in allowed}

    def rule(text: str) -> str | None:
        if not text.strip():
            return ""
        words = [spelling.get(item.strip().lower()) for item in text.split(",")]
        return None if None in words else ",".join(word for word in words if word is not None)

    return rule


def phase_rotation(text: str) -> str | None:
    """A list of rotations, each with an optional connector: `0.RST,1.RTS` (1.6 9.1)."""
    items = [item.strip() for item in text.split(",")] if text.strip() else []
    return ",".join(items) if all(map(_PHASE_ROTATION.fullmatch, items)) else None


def text(value: str) -> str | None:
    return value if len(value) <= MAX_TEXT else None


def authorization_key(value: str) -> str | None:
    """16 to 20 bytes in hex digits (1.6 security whitepaper 2.2)."""
    return value if _HEX_KEY.fullmatch(value) else None
