"""F76: every field of every schema of every version, broken in every way."""

from typing import Any

import orjson
import pytest

from ocpp_server.protocol import errors, schemas
from ocpp_server.protocol.schemas import PayloadInvalid, check, outgoing

from .samples import MESSAGES, example, fields, parent

CUSTOM = "customData"
WRONG = errors.TypeConstraintViolation
MISPLACED = errors.OccurrenceConstraintViolation
NOT_ALLOWED = errors.PropertyConstraintViolation
WRONG_TYPE: dict[str, Any] = {
    "string": True, "integer": "x", "number": True, "boolean": "x", "object": "x", "array": "x",
}  # fmt: skip
REPAIRED = (
    ["null-property"], ["number-for-text"], ["text-for-number"], ["object-for-list"],
    ["fraction-for-integer"],
)  # fmt: skip
REGISTERS = ("meterStart", "meterStop")


def test_there_are_387_schemas():
    assert len(MESSAGES) == 387


def strictly(message, payload):
    try:
        deviations = check(*message, payload, strict=True)
    except errors.OcppError as error:
        assert len(error.description) <= 255
        return type(error)
    return [deviation.kind for deviation in deviations]


def tolerantly(message, payload):
    try:
        deviations = check(*message, payload, strict=False)
    except errors.OcppError as error:
        assert len(error.description) <= 255
        return type(error)
    return sorted({deviation.kind for deviation in deviations})


@pytest.mark.parametrize("message", MESSAGES, ids="-".join)
def test_F76_every_broken_field_is_classified(message):
    root = schemas.message_schema(*message)
    text = orjson.dumps(example(root))
    assert strictly(message, orjson.loads(text)) == []
    outgoing(*message, orjson.loads(text))

    for field in fields(root):
        present = parent(orjson.loads(text), field.where)[field.where[-1]]
        for mutation, value, expected_strict, expected_tolerant in mutations(field, present, message[2]):
            for judge, expected in ((strictly, expected_strict), (tolerantly, expected_tolerant)):
                payload = orjson.loads(text)
                if mutation == "missing":
                    del parent(payload, field.where)[field.where[-1]]
                else:
                    parent(payload, field.where)[field.where[-1]] = value
                assert judge(message, payload) == expected, (field.where, mutation, judge.__name__)
                if judge is tolerantly and expected in REPAIRED and mutation != "null for []":
                    outgoing(*message, payload)


@pytest.mark.parametrize("message", MESSAGES, ids="-".join)
def test_F76_an_extra_property_is_classified(message):
    payload = example(schemas.message_schema(*message)) | {"unheardOf": 1}

    assert strictly(message, payload) is errors.FormatViolation
    assert tolerantly(message, payload) == ["extra-property"]
    with pytest.raises(PayloadInvalid):
        outgoing(*message, payload)


def mutations(field, present, message_kind):
    """(name, value, strict outcome, tolerant outcome): an error class, or the list of deviations."""
    yield from _absent(field, message_kind)
    kind = field.schema.get("type")
    if kind is None:  # any JSON will do
        return
    yield "wrong type", WRONG_TYPE[kind], WRONG, WRONG
    if field.where[-1] == CUSTOM:
        yield "anything", {"a": [1]}, [], []
    elif kind == "string":
        yield from _texts(field)
    elif kind in ("integer", "number"):
        yield from _numbers(field, kind)
    elif kind == "array":
        yield from _lists(field, present, message_kind)


def _absent(field, message_kind):
    expected = MISPLACED if field.required else []
    yield "missing", None, expected, expected
    if "type" in field.schema:
        if not field.required:
            yield "null", None, WRONG, ["null-property"]
        elif field.schema["type"] == "array" and message_kind == "request":
            yield "null for []", None, WRONG, ["null-property"]
        else:
            yield "null", None, WRONG, WRONG


def _texts(field):
    schema = field.schema
    if field.where[-1] == "value" and "sampledValue" in field.where:
        yield "number", 1.5, WRONG, ["number-for-text"]
    else:
        yield "number", 5, WRONG, WRONG
    if "enum" in schema:
        yield "typo", schema["enum"][0] + "x", NOT_ALLOWED, ["unknown-value"]
    elif "maxLength" in schema:
        yield "too long", "a" * (schema["maxLength"] + 1), NOT_ALLOWED, ["too-long"]
    elif "format" in schema:
        yield "format", "not one of these", NOT_ALLOWED, ["bad-format"]


def _numbers(field, kind):
    schema = field.schema
    if kind == "integer":
        is_register = field.where[-1] in REGISTERS
        yield "fraction", 1.5, WRONG, ["fraction-for-integer"] if is_register else WRONG
        yield "text of a fraction", "1.5", WRONG, ["text-for-number"] if is_register else WRONG
        yield "huge", 1e22, WRONG, WRONG
        yield "beyond 64 bits", 2**63, NOT_ALLOWED, NOT_ALLOWED
    allowed = int(max(schema.get("minimum", -1), min(schema.get("maximum", 1), 1)))
    yield "text", str(allowed), WRONG, WRONG if is_id(field) else ["text-for-number"]
    if "minimum" in schema:
        yield "below", int(schema["minimum"]) - 1, NOT_ALLOWED, ["out-of-range"]
    if "maximum" in schema:
        yield "above", int(schema["maximum"]) + 1, NOT_ALLOWED, ["out-of-range"]
        if kind == "integer":
            yield (
                "above, as a float",
                schema["maximum"] + 1.0,
                NOT_ALLOWED,
                ["float-for-integer", "out-of-range"],
            )


def is_id(field):
    name = field.where[-1]
    if name == "id":
        return "evse" not in field.where
    return name.endswith("Id") and name not in ("connectorId", "evseId")


def _lists(field, present, message_kind):
    if field.schema.get("minItems"):
        is_refused = field.required and message_kind == "response"
        yield "[]", [], MISPLACED, MISPLACED if is_refused else ["empty-array"]
    if isinstance(present[0], dict) and field.schema.get("minItems", 1) <= 1:
        yield "one object", present[0], WRONG, ["object-for-list"]
    if "maxItems" in field.schema:
        yield "too many", present[:1] * (field.schema["maxItems"] + 1), MISPLACED, MISPLACED
