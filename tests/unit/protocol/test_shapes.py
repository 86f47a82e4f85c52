"""The tree of fields that is built from a schema, and its names."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_server.protocol.exact import Kind
from ocpp_server.protocol.shapes import Shape, shape_of


def closed(properties: dict[str, Any], required: list[str] | None = None) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return schema if required is None else schema | {"required": required}


def field(
    name: str, node: dict[str, Any], *, action: str = "X", kind: Kind = "request", required: bool = False
) -> Shape:
    properties = shape_of(closed({name: node}, [name] if required else None), action, kind).properties
    assert properties is not None
    return properties[name]


@pytest.mark.parametrize(
    ("written", "accepted"),
    [
        ("object", {dict}), ("array", {list}), ("string", {str}), ("integer", {int}),
        ("number", {int, float}), ("boolean", {bool}),
    ],
)  # fmt: skip
def test_each_type_accepts_its_values(written: str, accepted: set[type]) -> None:
    assert field("a", {"type": written, "items": {}}).accepts == accepted


def test_a_field_without_a_type_accepts_anything() -> None:
    assert (field("a", {}).accepts, field("a", {}).type) == (None, "")


def test_the_rules_of_a_field_are_those_of_its_schema() -> None:
    text = field("a", {"type": "string", "maxLength": 5, "enum": ["One", "TWO"]})
    number = field("a", {"type": "number", "minimum": 0, "maximum": 9})
    items = field("a", {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 3})
    free = field("a", {"type": "array", "items": {}})

    assert (text.max_length, text.words) == (5, {"one": "One", "two": "TWO"})
    assert (number.bounds, number.words, number.max_length) == ((0, 9), None, None)
    assert (items.min_items, items.max_items, items.items.type) == (2, 3, "string")
    assert (free.min_items, free.max_items, free.bounds) == (0, None, (None, None))


def test_the_other_rules_are_checked_by_the_validator() -> None:
    (time,) = field("a", {"type": "string", "format": "date-time"}).checks
    (step,) = field("a", {"type": "number", "multipleOf": 0.1}).checks

    assert time[:2] == ("format", "date-time")
    assert [time[2](value) for value in ("2026-01-01T00:00:00Z", "noon")] == [True, False]
    assert step[:2] == ("multipleOf", 0.1)
    assert [step[2](value) for value in (0.3, 0.35)] == [True, False]
    assert field("a", {"type": "string"}).checks == ()


def test_a_required_field_must_be_present_unless_it_has_a_substitute() -> None:
    optional, required = field("seqNo", {}), field("seqNo", {}, required=True)
    time, optional_time = field("timestamp", {}, required=True), field("timestamp", {})

    assert [(each.must_be_present, each.may_be_absent) for each in (optional, required, time)] == [
        (False, True),
        (True, False),
        (True, True),
    ]
    assert time.substitute is not None
    assert (required.substitute, optional_time.substitute) == (None, None)


def test_the_fields_of_an_object_are_known_when_no_others_are_allowed() -> None:
    node = closed({"b": {"type": "string"}, "c": {}}, ["b"])
    inner = field("a", node)

    assert inner.properties is not None
    assert {name: each.must_be_present for name, each in inner.properties.items()} == {"b": True, "c": False}
    assert inner.required == ("b",)
    assert field("a", node | {"additionalProperties": True}).properties is None
    assert field("a", {"type": "object"}).properties is None
    assert field("a", {"type": "object", "additionalProperties": False}).properties == {}
    assert field("a", {"type": "string", "additionalProperties": False}).properties is None


def test_a_reference_is_the_definition_that_it_names() -> None:
    first, last = {"$ref": "#/definitions/First"}, {"$ref": "#/definitions/Last"}
    definitions = {"First": last, "Last": {"type": "integer"}}
    schema = closed({"a": first, "b": {"type": "array", "items": last}}) | {"definitions": definitions}
    properties = shape_of(schema, "X", "request").properties

    assert properties is not None
    assert (properties["a"].type, properties["b"].items.type) == ("integer", "integer")


def test_an_item_has_the_names_of_its_list_and_is_never_absent() -> None:
    ids = field("tariffIds", {"type": "array", "items": {"type": "string"}})
    times = field("timestamp", {"type": "array", "items": {"type": "string"}}, required=True)

    assert (ids.is_exact, ids.items.is_exact) == (False, True)
    assert (ids.items.must_be_present, ids.items.may_be_absent) == (True, False)
    assert times.substitute is not None
    assert times.items.substitute is None


@pytest.mark.parametrize("node", [{"type": "string"}, {"type": "integer"}, {}])
def test_only_a_value_is_exact_an_address_or_a_register(node: dict[str, Any]) -> None:
    def facts(name: str, node: dict[str, Any]) -> tuple[bool, bool, bool]:
        shape = field(name, node)
        return shape.is_exact, shape.is_address, shape.is_register

    assert facts("idTag", node) == (True, False, False)
    assert facts("connectorId", node) == (False, True, False)
    assert facts("meterStart", node) == (False, False, True)
    for name in ("idTag", "connectorId", "meterStart"):
        assert facts(name, {"type": "object"}) == (False, False, False)
        assert facts(name, {"type": "array", "items": {}}) == (False, False, False)


def test_facts_that_depend_on_the_side_are_those_of_the_message() -> None:
    assert not field("status", {"type": "string"}).is_exact
    assert field("status", {"type": "string"}, kind="response").is_exact


def test_the_data_of_a_transfer_alone_is_free_text() -> None:
    assert field("data", {"type": "string"}, action="DataTransfer").is_free_text
    assert not field("data", {"type": "string"}, action="NotifyEvent").is_free_text
    assert not field("vendorId", {"type": "string"}, action="DataTransfer").is_free_text


def test_private_values_are_hidden() -> None:
    assert field("idTag", {"type": "string"}).is_hidden
    assert not field("seqNo", {"type": "integer"}).is_hidden


def test_a_list_of_results_and_one_that_may_lose_items() -> None:
    texts = {"type": "array", "items": {"type": "string"}}
    results = field("setVariableResult", texts, kind="response")
    statements, question = field("field", texts), field("field", texts, action="Authorize")

    assert (results.is_result, results.may_lose_items) == (True, False)
    assert (statements.is_result, statements.may_lose_items) == (False, True)
    assert (question.is_result, question.may_lose_items) == (False, False)
    no_list = field("setVariableResult", {"type": "string"}, kind="response")
    assert (no_list.is_result, no_list.may_lose_items) == (False, False)
    assert not field("field", {"type": "string"}).may_lose_items


def test_a_sampled_value_of_1_6_may_be_signed() -> None:
    signed, plain = closed({"format": {}, "value": {}}), closed({"value": {}})

    assert field("sampledValue", signed).signs
    assert not field("sampledValue", plain).signs
    assert not field("meterValue", signed).signs
    assert not field("sampledValue", {"type": "object"}).signs
    assert not shape_of(closed({}), "X", "request").signs
