"""Tolerated objects, and the report of a message with many faults."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_server.protocol import tolerance
from ocpp_server.protocol.shapes import shape_of
from ocpp_server.protocol.tolerance import Deviation, Walk
from tests.unit.protocol.test_tolerance import FORMAT, NUMBER, PLACE, TIME, TYPE, closed, kinds, walk


def test_an_unknown_property_is_kept_counted_and_refused_of_a_strict_station() -> None:
    schema = closed({"a": closed({})})
    payload = {"a": {"x" * 60: 1}}

    found = Walk(shape_of(schema, "NotifyReport", "request"), payload, strict=False).found

    assert found == [Deviation("extra-property", "a." + "x" * 50, "is not a known property")]
    assert payload == {"a": {"x" * 60: 1}}
    with pytest.raises(FORMAT, match="is not a known property$"):
        Walk(shape_of(schema, "NotifyReport", "request"), payload, strict=True)


def test_the_fault_of_the_field_after_a_nested_one_has_its_own_path() -> None:
    schema = closed({"a": closed({"b": NUMBER}, ["b"]), "c": NUMBER, "d": closed({"e": NUMBER}, ["e"])})
    payload = {"a": {"b": 6}, "c": 7, "d": {}}

    with pytest.raises(PLACE) as raised:
        Walk(shape_of(schema, "X", "request"), dict(payload, d={"f": 1}), strict=False)
    found = Walk(shape_of(schema, "X", "request"), payload, strict=False).found

    assert raised.value.description == "d.e: is required but missing"
    assert kinds(found) == [("out-of-range", "a.b"), ("out-of-range", "c"), ("empty-object", "d")]
    assert payload == {"a": {"b": 6}, "c": 7}


def test_an_empty_object_without_required_fields_is_an_object() -> None:
    assert walk(closed({"a": NUMBER}), {}) == ({}, [])


def test_an_object_that_may_have_any_names_is_not_walked() -> None:
    assert walk({"type": "object"}, {"a": None}) == ({"a": None}, [])


def test_a_missing_field_is_refused_at_its_place() -> None:
    with pytest.raises(PLACE, match="^field: is required but missing$"):
        Walk(shape_of(closed({"field": NUMBER}, ["field"]), "X", "request"), {}, strict=False)


def test_a_missing_time_is_counted_once() -> None:
    schema = closed({"timestamp": TIME}, ["timestamp"])
    shape = shape_of(schema, "X", "request")
    empty, missing = {"timestamp": None}, {"other": 1}

    assert kinds(Walk(shape, empty, strict=False).found) == [("null-property", "timestamp")]
    assert kinds(Walk(shape, missing, strict=False).found) == [
        ("extra-property", "other"),
        ("missing-field", "timestamp"),
    ]
    assert Walk(shape, {}, strict=False).found[0].detail == (
        "is required but missing; the time of receipt is used"
    )
    for payload in ({}, {"timestamp": None}):
        with pytest.raises((PLACE, TYPE)):
            Walk(shape, payload, strict=True)


def test_each_of_several_missing_fields_is_counted_at_its_own_place() -> None:
    inner = closed({"timestamp": TIME}, ["timestamp"])
    schema = closed({"timestamp": TIME, "generatedAt": TIME, "a": inner}, ["timestamp", "generatedAt"])

    found = Walk(shape_of(schema, "X", "request"), {"a": {"timestamp": "noon"}}, strict=False).found

    assert kinds(found) == [
        ("bad-format", "a.timestamp"),
        ("missing-field", "timestamp"),
        ("missing-field", "generatedAt"),
    ]


def test_the_substitute_of_a_field_may_come_from_the_whole_message() -> None:
    event = closed({"timestamp": TIME}, ["timestamp"])
    schema = closed({"generatedAt": TIME, "eventData": {"type": "array", "items": event}})
    payload: dict[str, Any] = {"generatedAt": "2026-01-01T00:00:00Z", "eventData": [{}]}

    found = Walk(shape_of(schema, "NotifyEvent", "request"), payload, strict=False).found

    assert kinds(found) == [("missing-field", "eventData[0].timestamp")]
    assert payload["eventData"] == [{"timestamp": "2026-01-01T00:00:00Z"}]


def test_a_signed_value_of_1_6_must_be_text() -> None:
    sampled = closed(
        {"value": {"type": "string"}, "format": {"type": "string", "enum": ["Raw", "SignedData"]}}
    )
    shape = shape_of(closed({"sampledValue": {"type": "array", "items": sampled}}), "Authorize", "request")

    for spelled in ("SignedData", "signeddata"):
        with pytest.raises(TYPE, match=r"^sampledValue\[0\]\.value: "):
            Walk(shape, {"sampledValue": [{"value": 5, "format": spelled}]}, strict=False)
    payload: dict[str, Any] = {"sampledValue": [{"value": 5, "format": "Raw"}, {"value": "5"}, {"value": 5}]}
    Walk(shape, payload, strict=False)
    assert [sample["value"] for sample in payload["sampledValue"]] == ["5", "5", "5"]


# --- the report of a message with many faults


def test_20_deviations_are_reported_and_content_that_is_not_judged_takes_the_last_place() -> None:
    fields = {f"f{number}": {"type": "string"} for number in range(25)}
    shape = shape_of(closed(fields), "X", "request")
    numbers = dict.fromkeys(fields, 5)

    assert tolerance.MOST == 20
    found = Walk(shape, dict(list(numbers.items())[:19]), strict=False).found
    assert [each.kind for each in found] == ["number-for-text"] * 19
    found = Walk(shape, dict(numbers), strict=False).found
    assert [each.path for each in found] == [f"f{number}" for number in range(20)]

    inner = closed({**fields, "z": closed({})})
    found = Walk(shape_of(inner, "X", "request"), {**numbers, "z": {"x": 1, "y": 2}}, strict=False).found
    assert kinds(found)[18:] == [("number-for-text", "f18"), ("extra-property", "z.x")]

    found = Walk(shape, {"x": 1, **numbers}, strict=False).found
    assert kinds(found)[0] == ("extra-property", "x")
    assert kinds(found)[19:] == [("number-for-text", "f18")]


def test_of_many_unknown_properties_20_are_looked_at() -> None:
    found = Walk(
        shape_of(closed({}), "X", "request"), {f"x{number}": 1 for number in range(21)}, strict=False
    ).found

    assert [each.path for each in found] == [f"x{number}" for number in range(20)]


def test_at_most_100_000_values_are_repaired(monkeypatch: pytest.MonkeyPatch) -> None:
    assert tolerance.MOST_REPAIRED == 100_000
    monkeypatch.setattr(tolerance, "MOST_REPAIRED", 3)
    field = {"type": "array", "items": {"type": "string"}}

    assert walk(field, [1, 2, 3], action="Authorize")[0] == ["1", "2", "3"]
    with pytest.raises(TYPE, match=r"^field\[3\]: 4 is not of type 'string'$"):
        walk(field, [1, 2, 3, 4], action="Authorize")


def test_a_description_has_at_most_255_characters() -> None:
    name = "x" * 300

    with pytest.raises(TYPE) as raised:
        walk({"type": "object"}, 5, name=name)

    assert raised.value.description == "x" * 255
