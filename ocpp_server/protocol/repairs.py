"""Repairs of a value of the wrong type that has only one possible meaning.

REPAIRS names the repair of each pair of a wanted and a given type. A repair returns the kind of deviation and
the new value, or None for a value that has no meaning, or more than one. Which fields are never repaired is
decided in `exact`; `tolerance` applies both to a payload (decision 0064).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from decimal import ROUND_FLOOR, Decimal
from typing import Any

import orjson

from .shapes import Shape

FLOAT_FOR_INTEGER = "float-for-integer"
FRACTION_FOR_INTEGER = "fraction-for-integer"
TEXT_FOR_NUMBER = "text-for-number"
BOOLEAN_FOR_NUMBER = "boolean-for-number"
NUMBER_FOR_TEXT = "number-for-text"
BOOLEAN_FOR_TEXT = "boolean-for-text"
JSON_FOR_TEXT = "json-for-text"
NUMBER_FOR_BOOLEAN = "number-for-boolean"
TEXT_FOR_BOOLEAN = "text-for-boolean"
OBJECT_FOR_LIST = "object-for-list"
VALUE_FOR_LIST = "value-for-list"
LIST_FOR_VALUE = "list-for-value"

Repaired = tuple[str, Any] | None  # the kind of deviation, and the value
Repair = Callable[[Shape, Any], Repaired]

INT64 = 2**63 - 1
_EXACT = 2**53  # up to this a float represents every integer exactly
_LONGEST_NUMBER = 80  # characters; a longer text is no number
_NUMBER = re.compile(r"[+-]?([0-9]{0,30})(?:([.,])([0-9]{0,30}))?([eE][+-]?[0-9]{1,3})?")
_GROUP = 3  # digits between two separators of thousands
_HALF = Decimal("0.5")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


def whole_float(value: object) -> int | None:
    """The integer that a float such as 1.0 is: both are the same number in JSON."""
    if isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT:
        return int(value)
    return None


def half_up(value: float | Decimal) -> int:
    """The nearest integer; a half goes up, below zero too: 2000.5 is 2001, and -0.5 is 0.

    So the difference of two registers does not depend on their sign.
    """
    if isinstance(value, Decimal):
        below = value.to_integral_value(ROUND_FLOOR)
        return int(below) + (value >= below + _HALF)
    lower = math.floor(value)
    return lower + (value - lower >= 0.5)  # noqa: PLR2004 - a half


def _integer_of_float(shape: Shape, value: float) -> Repaired:
    whole = whole_float(value)
    if whole is not None:
        return FLOAT_FOR_INTEGER, whole
    return _rounded(shape, value)


def _rounded(shape: Shape, value: float | Decimal) -> Repaired:
    if shape.is_address or abs(float(value)) > _EXACT:
        return None
    return FRACTION_FOR_INTEGER, half_up(value)


def _number_text(text: str) -> str | None:
    """The text of a number as Python and JSON write it; None for a text that is no number.

    A comma is a decimal comma, except where it may separate thousands: 2,000 has two meanings.
    """
    if len(text) > _LONGEST_NUMBER:
        return None
    found = _NUMBER.fullmatch(text.strip())
    if found is None:
        return None
    whole, separator, fraction, exponent = found.groups()
    if not whole and not fraction:
        return None
    may_be_thousands = len(fraction or "") == _GROUP and 0 < len(whole) <= _GROUP and whole[0] != "0"
    if separator == "," and may_be_thousands and not exponent:
        return None
    return found[0].replace(",", ".")


def _integer_of_text(shape: Shape, value: str) -> Repaired:
    text = _number_text(value)
    if text is None:
        return None
    number = Decimal(text)
    if abs(number) > INT64:
        return None
    if number != number.to_integral_value():
        return _rounded(shape, number)
    return TEXT_FOR_NUMBER, int(number)


def _number_of_text(_: Shape, value: str) -> Repaired:
    text = _number_text(value)
    if text is None:
        return None
    if text.lstrip("+-").isdigit():  # equivalent: no text of a number starts with X
        # Without a point it becomes an integer: the digits of a register show its resolution.
        whole = int(text)
        return None if abs(whole) > INT64 else (TEXT_FOR_NUMBER, whole)
    number = float(text)
    return (TEXT_FOR_NUMBER, number) if math.isfinite(number) else None


def _integer_of_boolean(shape: Shape, value: bool) -> Repaired:
    return None if shape.is_address or shape.is_register else (BOOLEAN_FOR_NUMBER, int(value))


def _text_of_number(shape: Shape, value: float) -> Repaired:
    if type(value) is float and abs(value) > _EXACT:
        return None  # its last digits are lost
    return _allowed_text(shape, NUMBER_FOR_TEXT, str(value))


def _text_of_boolean(shape: Shape, value: bool) -> Repaired:
    return _allowed_text(shape, BOOLEAN_FOR_TEXT, "true" if value else "false")


def _allowed_text(shape: Shape, kind: str, text: str) -> Repaired:
    """A number or boolean is a word of an enumeration only if the enumeration has this word."""
    return None if shape.words is not None and text.casefold() not in shape.words else (kind, text)


def _text_of_json(shape: Shape, value: object) -> Repaired:
    return (JSON_FOR_TEXT, orjson.dumps(value).decode()) if shape.is_free_text else None


def _boolean_of_number(_: Shape, value: float) -> Repaired:
    return (NUMBER_FOR_BOOLEAN, bool(value)) if value in (0, 1) else None


def _boolean_of_text(_: Shape, value: str) -> Repaired:
    found = _BOOLEANS.get(value.strip().casefold())
    return None if found is None else (TEXT_FOR_BOOLEAN, found)


def _list_of_object(shape: Shape, value: dict[str, Any]) -> Repaired:
    if not value:
        return OBJECT_FOR_LIST, []  # Lua writes an empty list as {}
    return (OBJECT_FOR_LIST, [value]) if shape.items.type == "object" else None


def _list_of_value(shape: Shape, value: object) -> Repaired:
    return (VALUE_FOR_LIST, [value]) if value != "" and shape.items.type != "object" else None


def _value_of_list(_: Shape, value: list[Any]) -> Repaired:
    return (LIST_FOR_VALUE, value[0]) if len(value) == 1 and value[0] is not None else None


def _object_of_list(shape: Shape, value: list[Any]) -> Repaired:
    if not value and not shape.required:
        return LIST_FOR_VALUE, {}  # PHP writes an empty object as []
    return _value_of_list(shape, value)


# (wanted type, given type). A pair without a line has no single meaning.
REPAIRS: dict[tuple[str, type], Repair] = {
    ("integer", float): _integer_of_float,
    ("integer", str): _integer_of_text,
    ("integer", bool): _integer_of_boolean,
    ("integer", list): _value_of_list,
    ("number", str): _number_of_text,
    ("number", list): _value_of_list,
    ("string", int): _text_of_number,
    ("string", float): _text_of_number,
    ("string", bool): _text_of_boolean,
    ("string", dict): _text_of_json,
    ("string", list): lambda shape, value: _text_of_json(shape, value) or _value_of_list(shape, value),
    ("boolean", int): _boolean_of_number,
    ("boolean", float): _boolean_of_number,
    ("boolean", str): _boolean_of_text,
    ("boolean", list): _value_of_list,
    ("object", list): _object_of_list,
    ("array", dict): _list_of_object,
    ("array", str): _list_of_value,
    ("array", int): _list_of_value,
    ("array", float): _list_of_value,
    ("array", bool): _list_of_value,
}
