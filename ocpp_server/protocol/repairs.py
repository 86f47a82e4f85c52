"""Repairs of invalid values that have only one possible meaning.

The schema names the required type, and `repair` changes the value in the payload. It runs only for a payload
that is not valid.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

from jsonschema_rs import ValidationError

Kind = Literal["request", "response"]
Schema = dict[str, Any]
Where = tuple[str | int, ...]  # the steps from the payload down to a value

FLOAT_FOR_INTEGER = "float-for-integer"
EMPTY_ARRAY = "empty-array"
OBJECT_FOR_LIST = "object-for-list"
TEXT_FOR_NUMBER = "text-for-number"
FRACTION_FOR_INTEGER = "fraction-for-integer"
# Repairs after which the new value may break another rule.
NEW_VALUE = frozenset({OBJECT_FOR_LIST, TEXT_FOR_NUMBER, FRACTION_FOR_INTEGER})

_EXACT = 2**53  # up to this a float represents every integer exactly
_PLAIN_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
# Meter readings that the schema requires in whole Wh; stations send fractions.
_WHOLE_REGISTERS = frozenset({"meterStart", "meterStop"})


class Alike(NamedTuple):
    """A value that breaks the same rule as an error found elsewhere."""

    instance: object
    kind: Any


def alike(payload: dict[str, Any], where: Where, value: object) -> Iterator[tuple[Where, object]]:
    """The other values of the same type at the same path; an index in `where` stands for any item."""
    places: list[tuple[Where, Any]] = [((), payload)]
    for step in where:
        deeper: list[tuple[Where, Any]] = []
        for place, node in places:
            if isinstance(step, int) and isinstance(node, list):
                deeper += [((*place, number), item) for number, item in enumerate(node)]
            elif isinstance(node, dict) and step in node:
                deeper.append(((*place, step), node[step]))
        places = deeper
    for place, node in places:
        if place != where and type(node) is type(value):
            yield place, node


def repair(
    schema: Schema,
    payload: dict[str, Any],
    error: ValidationError | Alike,
    where: Where,
    *,
    strict: bool,
    kind: Kind,
) -> str | None:
    """Repair a value that has only one possible meaning, in place. Returns the kind of deviation, or None.

    null and [] for an optional property: the property is removed. null for a required list of a request
    becomes []. One object for a list becomes a list of it. A number written as text becomes the number, 1.0
    for an integer becomes 1, a register of whole Wh loses its fraction, and a sampled value gets the type
    that its version requires. Never repaired: ids (`_is_id`), tokens, signed data, the status of an answer.

    For a strict station only 1.0 for 1 is repaired: both are the same number in JSON.
    """
    if not where:
        return None
    value, key, wanted = error.instance, where[-1], _types(error)
    if "integer" in wanted and isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT:
        _parent(payload, where)[key] = int(value)
        return FLOAT_FOR_INTEGER
    if strict or not isinstance(key, str):
        return None
    if value is None and not _is_required(schema, where):
        del _parent(payload, where)[key]
        return "null-property"
    if value is None and "array" in wanted and kind == "request":
        _parent(payload, where)[key] = []
        return "null-property"
    if value == [] and error.kind.name == "minItems" and not _is_required(schema, where):
        del _parent(payload, where)[key]
        return EMPTY_ARRAY
    if "array" in wanted and isinstance(value, dict):
        _parent(payload, where)[key] = [value]
        return OBJECT_FOR_LIST
    if key == "value" and "sampledValue" in where and "string" in wanted:
        return _text_of_sample(_parent(payload, where), value)
    if "integer" in wanted or "number" in wanted:
        return _number(_parent(payload, where), key, value, wanted, where)
    return None


def _text_of_sample(sample: dict[str, Any], value: object) -> str | None:
    """Turn a sampled value into text: 1.6 requires text, 2.x a number, and stations mix them up."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        sample["value"] = str(value)
        return "number-for-text"
    return None


def _number(
    parent: dict[str, Any], key: str, value: object, wanted: Sequence[str], where: Where
) -> str | None:
    """Turn a text into its number, and a fraction of a whole register into an integer."""
    if _is_id(where):
        return None
    is_text = isinstance(value, str)
    if isinstance(value, str):
        if not _PLAIN_NUMBER.fullmatch(value):
            return None
        # Without a point it becomes an integer: the digits of a register show its resolution.
        value = float(value) if "." in value else int(value)
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    if "number" not in wanted and isinstance(value, float):
        if not (value.is_integer() or key in _WHOLE_REGISTERS) or abs(value) > _EXACT:
            return None
        # A register of whole Wh counts only complete Wh.
        value = math.floor(value)
    parent[key] = value
    return TEXT_FOR_NUMBER if is_text else FRACTION_FOR_INTEGER


def _is_id(where: Where) -> bool:
    """Whether a number is an id, which the server must return unchanged. EVSEs and connectors are counted."""
    name = str(where[-1])
    if name == "id":
        return "evse" not in where
    return name.endswith("Id") and name not in ("connectorId", "evseId")


def _types(error: ValidationError | Alike) -> Sequence[str]:
    return error.kind.as_dict()["types"] if error.kind.name == "type" else ()


def _parent(payload: Any, where: Where) -> Any:
    for step in where[:-1]:
        payload = payload[step]
    return payload


def _is_required(schema: Schema, where: Where) -> bool:
    node: Any = schema
    for step in where[:-1]:
        node = _resolved(schema, node)
        node = node.get("items", {}) if isinstance(step, int) else node.get("properties", {}).get(step, {})
    return where[-1] in _resolved(schema, node).get("required", ())


def _resolved(schema: Schema, node: Any) -> Any:
    while "$ref" in node:
        node = schema["definitions"][node["$ref"].rpartition("/")[2]]
    return node
