"""Repairs of payloads that have one meaning: the schema names the wanted type, and the value is repaired in
place before it is used. Runs only for a payload that is not valid.
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
# Repairs whose new value may break rules of its own.
NEW_VALUE = frozenset({OBJECT_FOR_LIST, TEXT_FOR_NUMBER, FRACTION_FOR_INTEGER})

_EXACT = 2**53  # up to here a float names one integer exactly
_PLAIN_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
# Registers of the meter that the schema wants in whole Wh; meters show fractions.
_WHOLE_REGISTERS = frozenset({"meterStart", "meterStop"})


class Alike(NamedTuple):
    """A value that breaks the same rule as an error found elsewhere."""

    instance: object
    kind: Any


def alike(payload: dict[str, Any], where: Where, value: object) -> Iterator[tuple[Where, object]]:
    """The other values of one type in the same place of their lists: [0] of a path stands for any item."""
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
    """Repair a value that has only one possible meaning, in place; the kind of deviation, or None.

    null and [] for something optional are dropped, and null for a list of a request is a list without
    elements. One object for a list becomes a list of it. A number written as text becomes the number, 1.0 for
    an integer becomes 1, a register of whole Wh loses its fraction, and a sampled value gets the type that
    its version asks for. Never repaired: ids (`_is_id`), tokens, signed data, the status of an answer.

    A strict station gets only the repair of 1.0 for 1, which are the same number in JSON.
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
    """1.6 writes sampled values as text, 2.x as numbers; stations mix them up."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        sample["value"] = str(value)
        return "number-for-text"
    return None


def _number(
    parent: dict[str, Any], key: str, value: object, wanted: Sequence[str], where: Where
) -> str | None:
    """A number for its text, and a whole one for a fraction of a register."""
    if _is_id(where):
        return None
    is_text = isinstance(value, str)
    if isinstance(value, str):
        if not _PLAIN_NUMBER.fullmatch(value):
            return None
        # Without a point it stays whole: the digits of a register show its resolution.
        value = float(value) if "." in value else int(value)
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    if "number" not in wanted and isinstance(value, float):
        if not (value.is_integer() or key in _WHOLE_REGISTERS) or abs(value) > _EXACT:
            return None
        # A register of whole Wh counts complete ones.
        value = math.floor(value)
    parent[key] = value
    return TEXT_FOR_NUMBER if is_text else FRACTION_FOR_INTEGER


def _is_id(where: Where) -> bool:
    """Whether a number is an id, which has to come back unchanged. EVSEs and connectors are counted."""
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
