"""Limits of a transaction (2.1 E16): TransactionLimitType, by its field names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

# The fields: cost in the currency of the tariff, energy in Wh, time in seconds, state of charge in percent.
COST, ENERGY, TIME, SOC = "maxCost", "maxEnergy", "maxTime", "maxSoC"
LIMITS: Final = (COST, ENERGY, TIME, SOC)
_WHOLE: Final = frozenset({TIME, SOC})


def limits(value: Mapping[str, Any] | None) -> dict[str, float]:
    """The limits that a message names."""
    return {name: float(value[name]) for name in LIMITS if name in value} if value else {}


def transaction_limit(found: Mapping[str, float]) -> dict[str, Any]:
    """TransactionLimitType of the given limits; time and state of charge are whole numbers."""
    return {
        name: int(found[name]) if name in _WHOLE or float(found[name]).is_integer() else found[name]
        for name in LIMITS
        if name in found
    }


def lowest(*all_limits: Mapping[str, float]) -> dict[str, float]:
    """The lowest value of each limit."""
    names = {name for found in all_limits for name in found}
    return {name: min(found[name] for found in all_limits if name in found) for name in sorted(names)}


def supported_limits(reported: str) -> frozenset[str]:
    """The limits in the value of TxCtrlr.SupportedLimits, a list of names such as "MaxEnergy,MaxTime"."""
    members = {member.strip().casefold() for member in reported.split(",")}
    return frozenset(name for name in LIMITS if name.casefold() in members)
