"""Each rule of the walk alone, by a schema of one field."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_server.protocol import errors
from ocpp_server.protocol.exact import Kind
from ocpp_server.protocol.shapes import shape_of
from ocpp_server.protocol.tolerance import Deviation, Walk

TYPE, PLACE = errors.TypeConstraintViolation, errors.OccurrenceConstraintViolation
VALUE, FORMAT = errors.PropertyConstraintViolation, errors.FormatViolation
ABSENT = object()


def walk(
    field: dict[str, Any],
    value: Any,
    *,
    name: str = "field",
    required: bool = False,
    strict: bool = False,
    action: str = "NotifyReport",
    kind: Kind = "request",
) -> tuple[Any, list[Deviation]]:
    """The value that a field keeps, and the deviations."""
    schema = closed({name: field}, required=[name] if required else [])
    payload = {name: value}
    found = Walk(shape_of(schema, action, kind), payload, strict=strict).found
    return payload.get(name, ABSENT), found


def closed(properties: dict[str, Any], required: list[str] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": required or [],
        "additionalProperties": False,
    }


def kinds(found: list[Deviation]) -> list[tuple[str, str]]:
    return [(deviation.kind, deviation.path) for deviation in found]


NUMBER = {"type": "number", "minimum": -5, "maximum": 5}
WORD = {"type": "string", "enum": ["One", "TWO"]}
TIME = {"type": "string", "format": "date-time"}
TEXTS = {"type": "array", "items": {"type": "string", "maxLength": 5}, "minItems": 1, "maxItems": 2}


@pytest.mark.parametrize(
    ("field", "allowed", "beyond", "kind", "sentence"),
    [
        ({"type": "string", "maxLength": 3}, "abc", "abcd", "too-long", "'abcd' is longer than 3 characters"),
        (NUMBER, 5, 6, "out-of-range", "6 is greater than 5"),
        (NUMBER, 5.0, 5.5, "out-of-range", "5.5 is greater than 5"),
        (NUMBER, -5, -6, "out-of-range", "-6 is less than -5"),
        ({"type": "number", "minimum": 0}, 0, -1, "out-of-range", "-1 is less than 0"),
        ({"type": "number", "maximum": 0}, 0, 1, "out-of-range", "1 is greater than 0"),
        ({"type": "number", "multipleOf": 0.1}, 0.3, 0.35, "out-of-range", "0.35 is not a multiple of 0.1"),
        (WORD, "TWO", "Three", "unknown-value", "'Three' is not one of the allowed values"),
        (TIME, "2026-01-01T00:00:00Z", "noon", "bad-format", "'noon' is not a date-time"),
    ],
)
@pytest.mark.parametrize("required", [True, False])
def test_a_value_beyond_its_rule_is_kept_and_counted_and_refused_of_a_strict_station(
    field: dict[str, Any], allowed: Any, beyond: Any, kind: str, sentence: str, *, required: bool
) -> None:
    assert walk(field, allowed, required=required, strict=True) == (allowed, [])
    assert walk(field, allowed, required=required) == (allowed, [])
    assert walk(field, beyond, required=required) == (beyond, [Deviation(kind, "field", sentence)])
    with pytest.raises(VALUE) as raised:
        walk(field, beyond, required=required, strict=True)
    assert raised.value.description == f"field: {sentence}"


def test_true_is_in_no_range() -> None:
    assert walk({"type": "boolean", "minimum": 5}, True) == (True, [])


@pytest.mark.parametrize(("number", "is_refused"), [(2**63 - 1, False), (2**63, True), (-(2**63), True)])
def test_F71_an_integer_beyond_64_bits_is_refused_of_a_tolerant_station_too(
    number: int, is_refused: bool
) -> None:
    field = {"type": "integer", "minimum": 0, "maximum": 5}
    if is_refused:
        with pytest.raises(VALUE):
            walk(field, number)
    else:
        assert kinds(walk(field, number)[1]) == [("out-of-range", "field")]


# --- words


@pytest.mark.parametrize(
    ("value", "kept", "kind"),
    [
        ("one", "One", "wrong-case"),
        (" ONE\n", "One", "wrong-case"),
        ("two", "TWO", "wrong-case"),
        ("three", "three", "unknown-value"),
    ],
)
def test_a_word_in_another_case_becomes_the_word(value: str, kept: str, kind: str) -> None:
    assert (walk(WORD, value)[0], kinds(walk(WORD, value)[1])) == (kept, [(kind, "field")])
    with pytest.raises(VALUE, match="is not one of the allowed values"):
        walk(WORD, value, strict=True)


def test_the_status_of_an_answer_keeps_its_case() -> None:
    kept, found = walk(WORD, "one", name="status", kind="response")

    assert (kept, kinds(found)) == ("one", [("unknown-value", "status")])
    assert walk(WORD, "one", name="status", kind="request")[0] == "One"


@pytest.mark.parametrize("value", ["", "  "])
def test_an_empty_word_is_absent_where_it_may_be(value: str) -> None:
    kept, found = walk(WORD, value)
    assert (kept, kinds(found)) == (ABSENT, [("empty-text", "field")])

    kept, found = walk(WORD, value, required=True)
    assert (kept, kinds(found)) == (value, [("unknown-value", "field")])
    with pytest.raises(VALUE):
        walk(WORD, value, strict=True)


def test_an_empty_time_is_absent_where_it_may_be_and_kept_where_it_is_required() -> None:
    assert (walk(TIME, "")[0], kinds(walk(TIME, "")[1])) == (ABSENT, [("empty-text", "field")])
    assert (walk(TIME, "", required=True)[0], kinds(walk(TIME, "", required=True)[1])) == (
        "",
        [("bad-format", "field")],
    )
    with pytest.raises(VALUE):
        walk(TIME, "", strict=True)


def test_an_empty_text_without_a_format_is_a_text() -> None:
    assert walk({"type": "string"}, "") == ("", [])


# --- types


@pytest.mark.parametrize("value", ["", "  ", [], {}])
def test_an_empty_value_of_another_type_is_absent_where_it_may_be(value: Any) -> None:
    kind = {str: "empty-text", list: "empty-array", dict: "empty-object"}[type(value)]

    assert (walk(NUMBER, value)[0], kinds(walk(NUMBER, value)[1])) == (ABSENT, [(kind, "field")])
    for options in ({"required": True}, {"strict": True}):
        with pytest.raises(TYPE, match=r"^field: .* is not of type 'number'$"):
            walk(NUMBER, value, **options)  # type: ignore[arg-type]


def test_a_blank_text_of_more_than_50_characters_is_no_empty_one() -> None:
    assert walk(NUMBER, " " * 50)[0] is ABSENT
    with pytest.raises(TYPE):
        walk(NUMBER, " " * 51)


@pytest.mark.parametrize("strict", [True, False])
def test_a_whole_float_is_an_integer_for_every_station(strict: bool) -> None:
    kept, found = walk({"type": "integer"}, 2.0, strict=strict)

    assert (kept, type(kept), kinds(found)) == (2, int, [("float-for-integer", "field")])
    with pytest.raises(TYPE):
        walk({"type": "integer"}, 2.5, strict=True)
    with pytest.raises(TYPE):
        walk({"type": "boolean"}, 1.0, strict=True)


def test_a_repaired_value_is_counted_with_its_old_and_a_rounded_one_with_its_new_value() -> None:
    assert walk({"type": "integer"}, "5")[1] == [
        Deviation("text-for-number", "field", "'5' is not of type 'integer'")
    ]
    assert walk({"type": "integer"}, 5.5) == (
        6,
        [Deviation("fraction-for-integer", "field", "5.5 is not of type 'integer'; rounded to 6")],
    )


def test_the_rounded_value_of_a_hidden_field_is_not_shown() -> None:
    (deviation,) = walk({"type": "integer"}, 5.5, name="userCount")[1]

    assert deviation.detail == "the value is not of type 'integer'"


def test_a_repaired_value_is_checked_by_the_other_rules() -> None:
    kept, found = walk(NUMBER, "6")

    assert (kept, kinds(found)) == (6, [("text-for-number", "field"), ("out-of-range", "field")])


@pytest.mark.parametrize(("value", "is_repaired"), [(5.0, True), ("5", False), (5.5, False), (True, False)])
def test_of_an_id_only_a_whole_float_is_repaired(value: Any, is_repaired: bool) -> None:
    if is_repaired:
        assert walk({"type": "integer"}, value, name="requestId")[0] == 5
    else:
        with pytest.raises(TYPE):
            walk({"type": "integer"}, value, name="requestId")


def test_a_field_without_a_type_may_hold_any_json() -> None:
    for value in (None, 5, {"a": None}, [None]):
        assert walk({}, value) == (value, [])


# --- null


def test_null_is_no_field_where_it_may_be_absent() -> None:
    assert walk(NUMBER, None) == (
        ABSENT,
        [Deviation("null-property", "field", "null is not of type 'number'")],
    )
    for options in ({"required": True}, {"strict": True}):
        with pytest.raises(TYPE, match=r"^field: null is not of type 'number'$"):
            walk(NUMBER, None, **options)  # type: ignore[arg-type]


def test_null_for_a_required_list_is_an_empty_one_except_for_the_results_of_a_change() -> None:
    kept, found = walk(TEXTS, None, required=True)
    assert (kept, kinds(found)) == ([], [("null-property", "field")])

    with pytest.raises(TYPE):
        walk(TEXTS, None, required=True, name="setVariableResult", kind="response")
    assert walk(TEXTS, None, name="setVariableResult", kind="response")[0] is ABSENT


# --- lists


def test_a_list_has_as_many_items_as_its_schema_allows() -> None:
    assert walk(TEXTS, ["a", "b"], strict=True) == (["a", "b"], [])
    with pytest.raises(PLACE, match="^field: has more than 2 items$"):
        walk(TEXTS, ["a", "b", "c"])
    with pytest.raises(PLACE, match="^field: has fewer than 2 items$"):
        walk(TEXTS | {"minItems": 2}, ["a"])
    assert walk({"type": "array", "items": {"type": "string"}}, []) == ([], [])


def test_a_list_without_items_is_absent_or_empty() -> None:
    assert (walk(TEXTS, [])[0], kinds(walk(TEXTS, [])[1])) == (ABSENT, [("empty-array", "field")])
    assert walk(TEXTS, [], required=True) == (
        [],
        [Deviation("empty-array", "field", "has fewer than 1 items")],
    )
    for required in (True, False):
        with pytest.raises(PLACE, match="^field: has fewer than 1 items$"):
            walk(TEXTS, [], required=required, strict=True)
    with pytest.raises(PLACE, match="^setVariableResult: has fewer than 1 items$"):
        walk(TEXTS, [], required=True, name="setVariableResult", kind="response")


def test_an_empty_object_for_a_required_list_is_an_empty_list() -> None:
    kept, found = walk(TEXTS, {}, required=True)

    assert (kept, kinds(found)) == ([], [("object-for-list", "field")])
    with pytest.raises(PLACE):
        walk(TEXTS, {}, required=True, name="setVariableResult", kind="response")


def test_items_are_repaired_and_counted_at_their_place() -> None:
    kept, found = walk(TEXTS, ["a", 5])

    assert (kept, kinds(found)) == (["a", "5"], [("number-for-text", "field[1]")])


def test_an_item_that_stays_invalid_is_dropped_instead_of_its_repairs() -> None:
    field = {"type": "array", "items": closed({"a": {"type": "string"}, "b": NUMBER}, ["b"]), "minItems": 1}

    kept, found = walk(field, [{"a": 5, "b": "x"}, {"a": 5, "b": 1}])

    assert kept == [{"a": "5", "b": 1}]
    assert found == [
        Deviation(
            "dropped-item", "field[0]", "the item is left out: field[0].b: 'x' is not of type 'number'"
        ),
        Deviation("number-for-text", "field[1].a", "5 is not of type 'string'"),
    ]


def test_a_dropped_item_leaves_the_deviations_before_it() -> None:
    kept, found = walk({"type": "array", "items": {"type": "string"}}, [5, None, 6])

    assert kept == ["5", "6"]
    assert kinds(found) == [
        ("number-for-text", "field[0]"),
        ("dropped-item", "field[1]"),
        ("number-for-text", "field[2]"),
    ]


def test_where_items_belong_together_an_invalid_one_refuses_the_message() -> None:
    with pytest.raises(TYPE, match=r"^field\[1\]: "):
        walk(TEXTS, ["a", None], action="Authorize")
    with pytest.raises(TYPE, match=r"^field\[1\]: "):
        walk(TEXTS, ["a", None], strict=True)


def test_a_list_that_has_lost_all_of_its_items_is_absent_or_empty() -> None:
    assert (walk(TEXTS, [None])[0], kinds(walk(TEXTS, [None])[1])) == (ABSENT, [("dropped-item", "field[0]")])
    assert walk(TEXTS, [None], required=True)[0] == []
    without_minimum = {"type": "array", "items": {"type": "string"}}
    assert walk(without_minimum, [None])[0] == []


def test_a_list_within_a_list_is_counted_by_both_indexes() -> None:
    field = {"type": "array", "items": TEXTS}

    kept, found = walk(field, [["a"], ["b", None], [5]])

    assert kept == [["a"], ["b"], ["5"]]
    assert kinds(found) == [("dropped-item", "field[1][1]"), ("number-for-text", "field[2][0]")]


def test_at_most_1000_items_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    field = {"type": "array", "items": {"type": "string"}}

    assert walk(field, [None] * 1000 + ["a"])[0] == ["a"]
    with pytest.raises(TYPE):
        walk(field, [None] * 1001)
