"""The descriptions of 2.x variables in reports: characteristics and attributes (2.0.1 2.51, 2.52; B07, B08).

Every field of a station is hostile: a value of another type, and one that is too long, is left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple, TypeGuard

from ocpp_server.observability.masking import masked_words

ACTUAL: Final = "Actual"
READ_ONLY: Final = "ReadOnly"
READ_WRITE: Final = "ReadWrite"
WRITE_ONLY: Final = "WriteOnly"
# The most bytes of a value.
MOST_BYTES: Final = 65_536

_OTHERS: Final = ("Target", "MinSet", "MaxSet")
_WORDS: Final = {"dataType": 20, "unit": 50}
_NUMBERS: Final = ("minLimit", "maxLimit", "maxElements")


class Description(NamedTuple):
    """A variable as a report describes it; None where the report has nothing.

    `mutability` is that of the actual value. `attributes` are the other ones: {"Target": {"value": "16",
    "mutability": "ReadWrite"}}.
    """

    mutability: str | None = None
    characteristics: dict[str, Any] | None = None
    attributes: dict[str, dict[str, Any]] | None = None


NONE: Final = Description()


def of(described: Mapping[str, Any]) -> Description:
    """The description of one variable of a NotifyReport."""
    mutability, others = None, {}
    for attribute in described["variableAttribute"]:
        kind = attribute.get("type", ACTUAL)
        found = mutability_of(attribute)
        if kind == ACTUAL:
            mutability = found
        elif kind in _OTHERS:
            value = value_of(attribute)
            others[kind] = {"value": value and masked_words(value), "mutability": found}
    return Description(mutability, _characteristics(described.get("variableCharacteristics")), others or None)


def mutability_of(attribute: Mapping[str, Any]) -> str:
    """The mutability of an attribute, ReadWrite unless the station has named it."""
    return str(attribute.get("mutability", READ_WRITE))[:16]


def value_of(attribute: Mapping[str, Any]) -> str | None:
    """The value of an attribute, MOST_BYTES at most. A WriteOnly one has none, whatever the station sent."""
    value = attribute.get("value")
    return None if mutability_of(attribute) == WRITE_ONLY else bounded(value)


def bounded(value: str | None) -> str | None:
    """The value, cut to MOST_BYTES."""
    if value is None or len(value) * 4 <= MOST_BYTES:
        return value
    return value.encode()[:MOST_BYTES].decode(errors="ignore")


def _characteristics(given: Any) -> dict[str, Any] | None:
    if not isinstance(given, Mapping):
        return None
    found: dict[str, Any] = {
        name: given[name][:most] for name, most in _WORDS.items() if isinstance(given.get(name), str)
    }
    found |= {name: given[name] for name in _NUMBERS if is_number(given.get(name))}
    allowed = given.get("valuesList")
    # A list that was cut would make allowed values wrong.
    if isinstance(allowed, str) and len(allowed.encode()) <= MOST_BYTES:
        found["valuesList"] = allowed
    if isinstance(given.get("supportsMonitoring"), bool):
        found["supportsMonitoring"] = given["supportsMonitoring"]
    return found or None


def is_number(value: Any) -> TypeGuard[float]:
    """Whether a value is a finite number; True and False are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def in_report(
    data: Iterable[Mapping[str, Any]], named: Callable[[Mapping[str, Any]], str]
) -> dict[str, Description]:
    """The descriptions of the variables of a NotifyReport by name: `named` returns the name of one."""
    return {named(described): of(described) for described in data}
