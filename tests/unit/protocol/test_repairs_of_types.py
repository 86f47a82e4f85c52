"""Each line of REPAIRS alone: what a value of another type becomes, and where it has no single meaning."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from ocpp_server.protocol.repairs import REPAIRS, whole_float
from ocpp_server.protocol.shapes import Shape, shape_of

INT64 = 2**63 - 1
EXACT = 2**53


def shape(wanted: str, name: str = "field", action: str = "X", **rules: Any) -> Shape:
    field = {"type": wanted, **rules}
    schema = {"type": "object", "properties": {name: field}, "additionalProperties": False}
    properties = shape_of(schema, action, "request").properties
    assert properties is not None
    return properties[name]


def repaired(wanted: str, value: Any, **options: Any) -> Any:
    return REPAIRS[wanted, type(value)](shape(wanted, **options), value)


@pytest.mark.parametrize(
    ("value", "whole"),
    [
        (1.0, 1), (-1.0, -1), (1.5, None), (1, None), ("1.0", None), (True, None),
        (float(EXACT), EXACT), (float(EXACT + 2), None), (-float(EXACT), -EXACT), (float("inf"), None),
    ],
)  # fmt: skip
def test_a_float_up_to_2_53_is_the_integer_that_it_writes(value: Any, whole: int | None) -> None:
    assert whole_float(value) == whole
    assert type(whole_float(value)) is type(whole)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (2.0, ("float-for-integer", 2)),
        (2.5, ("fraction-for-integer", 3)),
        (float(EXACT + 2), None),
        (-float(EXACT + 2), None),
        ("2", ("text-for-number", 2)),
        ("2.0", ("text-for-number", 2)),
        ("2.5", ("fraction-for-integer", 3)),
        (str(INT64), ("text-for-number", INT64)),
        (f"-{INT64}", ("text-for-number", -INT64)),
        (str(INT64 + 1), None),
        (f"-{INT64 + 1}", None),
        (f"{EXACT}.5", ("fraction-for-integer", EXACT + 1)),
        (f"{EXACT + 2}.5", None),
        ("two", None),
        (True, ("boolean-for-number", 1)),
        (False, ("boolean-for-number", 0)),
        ([2], ("list-for-value", 2)),
        ([None], None),
        ([], None),
        ([2, 3], None),
    ],
)
def test_an_integer_of_another_type(value: Any, expected: tuple[str, Any] | None) -> None:
    found = repaired("integer", value)

    assert found == expected
    assert found is None or type(found[1]) is int


@pytest.mark.parametrize("value", [2.5, "2.5", True])
def test_the_number_of_a_place_is_neither_rounded_nor_a_boolean(value: Any) -> None:
    assert repaired("integer", value, name="connectorId") is None
    assert repaired("integer", "2", name="connectorId") == ("text-for-number", 2)


def test_a_register_is_rounded_but_no_boolean() -> None:
    assert repaired("integer", True, name="meterStart") is None
    assert repaired("integer", 2.5, name="meterStart") == ("fraction-for-integer", 3)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5), ("+5", 5), ("-5", -5), (" 5\n", 5), ("5.", 5.0), (".5", 0.5), (",5", 0.5), ("5,5", 5.5),
        ("-5,5", -5.5), ("2,00", 2.0), ("2,000", None), ("200,000", None), ("2000,000", 2000.0),
        ("2,0000", 2.0), ("0,500", 0.5), (",500", 0.5), ("2,000e0", 2.0), ("2.000", 2.0), ("2e3", 2000.0),
        ("2E+3", 2000.0), ("2e-3", 0.002), ("1e308", 1e308), ("1e309", None), ("2e1000", None), (".", None),
        ("", None), ("-", None), ("1,2,3", None), ("0x10", None), ("1_000", None), ("nan", None),
        ("9" * 18, int("9" * 18)), (str(INT64), INT64), (str(INT64 + 1), None), (f"-{INT64 + 1}", None),
        ("1" * 30 + ".5", float("1" * 30)), ("1" * 31 + ".5", None),
        (" " * 79 + "5", 5), (" " * 80 + "5", None),
    ],
)  # fmt: skip
def test_the_text_of_a_number_keeps_its_point(text: str, value: float | None) -> None:
    found = repaired("number", text)

    assert found == (None if value is None else ("text-for-number", value))
    assert found is None or type(found[1]) is type(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5, ("number-for-text", "5")),
        (EXACT * 4, ("number-for-text", str(EXACT * 4))),
        (5.5, ("number-for-text", "5.5")),
        (float(EXACT), ("number-for-text", "9007199254740992.0")),
        (float(EXACT + 2), None),
        (-float(EXACT + 2), None),
        (True, ("boolean-for-text", "true")),
        (False, ("boolean-for-text", "false")),
        ({"a": 1}, None),
        (["a"], ("list-for-value", "a")),
        (["a", "b"], None),
        ([None], None),
    ],
)
def test_a_text_of_another_type(value: Any, expected: tuple[str, Any] | None) -> None:
    assert repaired("string", value) == expected


def test_a_number_or_boolean_is_a_word_only_where_the_enumeration_has_it() -> None:
    assert repaired("string", 5, enum=["5", "6"]) == ("number-for-text", "5")
    assert repaired("string", 7, enum=["5", "6"]) is None
    assert repaired("string", True, enum=["True", "Other"]) == ("boolean-for-text", "true")
    assert repaired("string", False, enum=["True", "Other"]) is None


@pytest.mark.parametrize("value", [{"a": 1}, ["a"], [1, {"b": None}], {}])
def test_the_data_of_a_transfer_is_the_text_of_any_json(value: Any) -> None:
    kind, text = repaired("string", value, name="data", action="DataTransfer")

    assert (kind, orjson.loads(text)) == ("json-for-text", value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, ("number-for-boolean", False)),
        (1, ("number-for-boolean", True)),
        (1.0, ("number-for-boolean", True)),
        (0.0, ("number-for-boolean", False)),
        (2, None),
        (0.5, None),
        ("true", ("text-for-boolean", True)),
        (" FALSE\n", ("text-for-boolean", False)),
        ("1", ("text-for-boolean", True)),
        ("0", ("text-for-boolean", False)),
        ("yes", None),
        ([True], ("list-for-value", True)),
    ],
)
def test_a_boolean_of_another_type(value: Any, expected: tuple[str, Any] | None) -> None:
    found = repaired("boolean", value)

    assert found == expected
    assert found is None or type(found[1]) is bool


TEXTS = {"items": {"type": "string"}}
OBJECTS = {"items": {"type": "object"}}


@pytest.mark.parametrize(
    ("value", "items", "expected"),
    [
        ({}, TEXTS, ("object-for-list", [])),
        ({}, OBJECTS, ("object-for-list", [])),
        ({"a": 1}, OBJECTS, ("object-for-list", [{"a": 1}])),
        ({"a": 1}, TEXTS, None),
        ("a", TEXTS, ("value-for-list", ["a"])),
        ("", TEXTS, None),
        ("a", OBJECTS, None),
        (5, TEXTS, ("value-for-list", [5])),
        (0, TEXTS, ("value-for-list", [0])),
        (5.5, TEXTS, ("value-for-list", [5.5])),
        (False, TEXTS, ("value-for-list", [False])),
        (False, OBJECTS, None),
    ],
)
def test_a_list_of_another_type(value: Any, items: Any, expected: tuple[str, Any] | None) -> None:
    assert repaired("array", value, **items) == expected


@pytest.mark.parametrize(
    ("value", "required", "expected"),
    [
        ([], [], ("list-for-value", {})),
        ([], ["a"], None),
        ([{"a": 1}], ["a"], ("list-for-value", {"a": 1})),
        ([{"a": 1}], [], ("list-for-value", {"a": 1})),
        ([{}, {}], [], None),
    ],
)
def test_an_object_in_a_list(value: Any, required: list[str], expected: tuple[str, Any] | None) -> None:
    assert repaired("object", value, required=required) == expected


def test_only_these_types_are_repaired() -> None:
    assert set(REPAIRS) == {
        *(("integer", given) for given in (float, str, bool, list)),
        *(("number", given) for given in (str, list)),
        *(("string", given) for given in (int, float, bool, dict, list)),
        *(("boolean", given) for given in (int, float, str, list)),
        ("object", list),
        *(("array", given) for given in (dict, str, int, float, bool)),
    }
