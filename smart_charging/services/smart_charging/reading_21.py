"""Read the fields of a charging profile that only OCPP 2.1 has (K01, K28, Q05 to Q12)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeGuard

from ocpp_server.protocol.translate.charging_profiles import PERIOD_21, PROFILE_21, SCHEDULE_21

# From a value of the API to the value on the wire, and the reason why it is wrong; empty if it is right.
Reader = Callable[[Any], tuple[Any, str]]

MODES: Final = (
    "Idle", "ChargingOnly", "CentralSetpoint", "ExternalSetpoint", "ExternalLimits", "CentralFrequency",
    "LocalFrequency", "LocalLoadBalancing",
)  # fmt: skip
_LARGEST: Final = 2**31 - 1
_FULL: Final = 100  # percent of a battery
# The most points of a curve.
MOST_POINTS: Final = 20
# A decimal has at most six places (part 2, 2.1.4).
_PLACES: Final = 6


def is_number(value: Any) -> TypeGuard[float]:
    """Whether it is a finite number that fits into OCPP."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    # An integer of any length can be compared, but not converted.
    return abs(value) <= _LARGEST


def _number(least: float = -_LARGEST, most: float = _LARGEST) -> Reader:
    words = "a number, 0 or more" if least == 0 else "a number, 0 or less" if most == 0 else "a number"

    def read(value: Any) -> tuple[Any, str]:
        if not is_number(value) or not least <= value <= most:
            return None, f"Must be {words}."
        return round(float(value), _PLACES), ""

    return read


def _whole(least: int) -> Reader:
    def read(value: Any) -> tuple[Any, str]:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= _LARGEST:
            return None, f"Must be a whole number from {least} to {_LARGEST}."
        return value, ""

    return read


def _flag(value: Any) -> tuple[Any, str]:
    return (value, "") if isinstance(value, bool) else (None, "Must be true or false.")


def _mode(value: Any) -> tuple[Any, str]:
    return (value, "") if value in MODES else (None, f"Must be one of: {', '.join(MODES)}.")


def _curve(x: str) -> Reader:
    names = {x, "power"}

    def read(value: Any) -> tuple[Any, str]:
        sentence = f"Must be a list of 1 to {MOST_POINTS} points with {x} and power."
        if not isinstance(value, list) or not 1 <= len(value) <= MOST_POINTS:
            return None, sentence
        for point in value:
            if not isinstance(point, dict) or point.keys() != names:
                return None, sentence
            if not all(map(is_number, point.values())):
                return None, sentence
            if x == "signal" and not isinstance(point[x], int):
                return None, "A signal must be a whole number."
        return value, ""

    return read


def _limit_at_soc(value: Any) -> tuple[Any, str]:
    if isinstance(value, Mapping) and value.keys() == {"soc", "limit"}:
        soc, limit = value["soc"], value["limit"]
        is_soc = isinstance(soc, int) and not isinstance(soc, bool) and 0 <= soc <= _FULL
        if is_soc and is_number(limit) and limit >= 0:
            return {"soc": soc, "limit": float(limit)}, ""
    return None, "Must be an object with soc, 0 to 100, and limit, 0 or more."


def _of_period(name: str) -> Reader:
    if name.startswith("limit"):
        return _number(0)
    if name.startswith("dischargeLimit"):
        return _number(most=0)
    return _number()


# The limit of a period, which earlier versions have too.
LIMIT: Final = _number(0)
_PERIOD: Final[dict[str, Reader]] = {
    "operationMode": _mode,
    "evseSleep": _flag,
    "preconditioningRequest": _flag,
    "v2xFreqWattCurve": _curve("frequency"),
    "v2xSignalWattCurve": _curve("signal"),
}
_ALL: Final[dict[str, Reader]] = {
    "useLocalTime": _flag,
    "randomizedDelay": _whole(0),
    "limitAtSoC": _limit_at_soc,
    "maxOfflineDuration": _whole(1),
    "invalidAfterOfflineDuration": _flag,
    "dynUpdateInterval": _whole(1),
}
PERIOD: Final[dict[str, Reader]] = {name: _PERIOD.get(name) or _of_period(name) for name in PERIOD_21}
SCHEDULE: Final[dict[str, Reader]] = {name: _ALL[name] for name in SCHEDULE_21}
# The server sets dynUpdateTime itself.
PROFILE: Final[dict[str, Reader]] = {name: _ALL[name] for name in PROFILE_21 if name in _ALL}
