"""F76: every field of every schema of every version, broken in the ways that have no single meaning.

`test_repairs_everywhere` breaks them in the ways that have one.
"""

from typing import Any

import orjson
import pytest

from ocpp_server.protocol import errors, exact, missing, schemas
from ocpp_server.protocol.schemas import PayloadInvalid, check, outgoing

from .samples import MESSAGES, example, fields, parent, smallest

WRONG = errors.TypeConstraintViolation
MISPLACED = errors.OccurrenceConstraintViolation
NOT_ALLOWED = errors.PropertyConstraintViolation
WRONG_TYPE: dict[str, Any] = {
    "string": {"a": 1}, "integer": "x", "number": True, "boolean": "x", "object": "x", "array": {"a": 1},
}  # fmt: skip


def test_there_are_387_schemas():
    assert len(MESSAGES) == 387


def judged(message, payload, *, strict):
    """The error class, or the kinds of deviations."""
    try:
        deviations = check(*message, payload, strict=strict)
    except errors.OcppError as error:
        assert len(error.description) <= 255
        return type(error)
    return sorted({deviation.kind for deviation in deviations})


@pytest.mark.parametrize("message", MESSAGES, ids="-".join)
def test_F76_every_broken_field_is_classified(message):
    root = schemas.message_schema(*message)
    text = orjson.dumps(example(root))
    payload = orjson.loads(text)
    assert check(*message, payload, strict=False) == ()
    assert orjson.dumps(payload) == text
    outgoing(*message, payload)

    for field in fields(root):
        valid = smallest(root, field.where)
        text = orjson.dumps(valid)
        # The enclosing list may lose the item with the broken field.
        outer = [
            tuple(step for step in field.where[:end] if isinstance(step, str))
            for end, step in enumerate(field.where)
            if step == 0
        ]
        valid_parent_has_one = len(parent(valid, field.where)) == 1
        names = tuple(step for step in field.where if isinstance(step, str))
        can_be_missing = missing.substitute(message[1], message[2], names) is not None
        is_dropped = any(exact.may_lose_items(message[1], message[2], one) for one in outer)
        for mutation, value, expected_strict, expected_tolerant in mutations(field):
            refused = ["dropped-item"] if is_dropped else expected_tolerant
            is_refused = isinstance(expected_tolerant, type)
            for strict, expected in (
                (True, expected_strict),
                (False, refused if is_refused else expected_tolerant),
            ):
                payload = orjson.loads(text)
                if mutation == "missing":
                    del parent(payload, field.where)[field.where[-1]]
                else:
                    parent(payload, field.where)[field.where[-1]] = value
                found = judged(message, payload, strict=strict)
                if can_be_missing and not strict and mutation in ("missing", "null"):
                    continue  # test_missing_fields
                if found == ["empty-object"] and valid_parent_has_one:
                    continue  # an optional object without fields is absent
                assert found == expected, (field.where, mutation, strict, found)


@pytest.mark.parametrize("message", MESSAGES, ids="-".join)
def test_F76_an_extra_property_is_classified(message):
    payload = example(schemas.message_schema(*message)) | {"unheardOf": 1}

    assert judged(message, dict(payload), strict=True) is errors.FormatViolation
    assert judged(message, dict(payload), strict=False) == ["extra-property"]
    with pytest.raises(PayloadInvalid):
        outgoing(*message, payload)


def mutations(field):
    """(name, value, strict outcome, tolerant outcome): an error class, or the list of deviations."""
    kind = field.schema.get("type")
    expected = MISPLACED if field.required else []
    yield "missing", None, expected, expected
    if kind is None or "customData" in field.where:  # any JSON will do
        return
    if field.required and kind not in ("array", "string"):
        yield "null", None, WRONG, WRONG
    if not (kind == "array" or (kind == "string" and field.where[-1] == "data")):
        yield "wrong type", WRONG_TYPE[kind], WRONG, WRONG
    if kind == "string":
        yield from _texts(field)
    elif kind in ("integer", "number"):
        yield from _numbers(field, kind)
    elif kind == "array" and "maxItems" in field.schema:
        yield "too many", [None] * (field.schema["maxItems"] + 1), MISPLACED, MISPLACED


def _texts(field):
    schema = field.schema
    if "enum" in schema:
        yield "typo", schema["enum"][0] + "x", NOT_ALLOWED, ["unknown-value"]
    elif "maxLength" in schema:
        yield "too long", "a" * (schema["maxLength"] + 1), NOT_ALLOWED, ["too-long"]
    elif "format" in schema:
        yield "format", "not one of these", NOT_ALLOWED, ["bad-format"]


def _numbers(field, kind):
    schema = field.schema
    if kind == "integer":
        yield "huge", 1e22, WRONG, WRONG
        yield "beyond 64 bits", 2**63, NOT_ALLOWED, NOT_ALLOWED
    if "minimum" in schema:
        yield "below", int(schema["minimum"]) - 1, NOT_ALLOWED, ["out-of-range"]
    if "maximum" in schema:
        yield "above", int(schema["maximum"]) + 1, NOT_ALLOWED, ["out-of-range"]
        if kind == "integer":
            too_large = schema["maximum"] + 1.0
            yield "above, as a float", too_large, NOT_ALLOWED, ["float-for-integer", "out-of-range"]
