"""Every field of every schema, broken in every way that has one meaning: the value is repaired and counted.

The expectations are written here a second time, without the rules of the code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson
import pytest

from ocpp_server.protocol import errors, exact, schemas, shapes
from ocpp_server.protocol.actions import ACTIONS
from ocpp_server.protocol.schemas import Deviation, check

from .samples import MESSAGES, Field, fields, parent, resolved, smallest

TYPE, PLACE, NOT_ALLOWED = (
    errors.TypeConstraintViolation,
    errors.OccurrenceConstraintViolation,
    errors.PropertyConstraintViolation,
)

# The values that are taken as they are, by name; where a name has several meanings, with the object above it.
NEVER_REPAIRED = frozenset(
    {
        "idTag", "parentIdTag", "idToken", "idTokens", "additionalIdToken", "customerIdentifier",
        "prioritizedEMAIDs", "transactionId", "requestId", "remoteStartId", "reservationId",
        "chargingProfileId", "variableMonitoringId", "receiptId", "controlId", "selectedChargingScheduleId",
        "signatureId", "supersededIds", "tariffId", "tariffIds", "taxRuleID", "priceScheduleID",
        "priceScheduleId", "id", "chargingProfile.id", "chargingSchedule.id", "clearMonitoringResult.id",
        "constantStreamData.id", "curve.id", "enterService.id", "fixedPFAbsorb.id", "fixedPFInject.id",
        "fixedVar.id", "freqDroop.id", "gradient.id", "limitMaxDischarge.id", "message.id",
        "messageInfo.id", "salesTariff.id", "setMonitoringData.id", "setMonitoringResult.id",
        "variableMonitoring.id", "issuerNameHash", "issuerKeyHash", "hashAlgorithm", "certificate",
        "certificateChain", "signingCertificate", "csr", "exiRequest", "exiResponse", "ocspResult",
        "digestValue", "checksum", "signature", "priceScheduleSignature", "signedMeterData",
        "encodingMethod", "signingMethod", "publicKey", "certificateHashData.serialNumber",
        "childCertificateHashData.serialNumber", "hashRootCertificate.serialNumber",
        "iso15118CertificateHashData.serialNumber", "customerCertificate.serialNumber",
    }
)  # fmt: skip
STATUSES = frozenset({"status", "attributeStatus"})  # of an answer
# The number of a place may be text, but it is never rounded, and true is no place.
PLACES = frozenset({"connectorId", "evseId", "evseIds", "evse.id"})
REGISTERS = frozenset({"meterStart", "meterStop"})
# Lists that an answer must fill: the results of a change.
CHANGES = frozenset(
    {"setVariableResult", "setMonitoringResult", "clearMonitoringResult", "clearTariffsResult"}
)
MAY_BE_MISSING = frozenset(
    {
        "StartTransaction.timestamp", "StopTransaction.timestamp", "TransactionEvent.timestamp",
        "TransactionEvent.meterValue.timestamp", "MeterValues.meterValue.timestamp",
        "MeterValues.connectorId",
        "StatusNotification.timestamp", "StatusNotification.errorCode", "BootNotification.reason",
        "SecurityEventNotification.timestamp", "NotifyDERAlarm.timestamp", "NotifyDERStartStop.timestamp",
        "NotifyEvent.generatedAt", "NotifyEvent.eventData.timestamp", "NotifyReport.generatedAt",
        "NotifyMonitoringReport.generatedAt", "NotifyCustomerInformation.generatedAt",
    }
)  # fmt: skip
GONE = object()


def names(field: Field) -> tuple[str, ...]:
    return tuple(step for step in field.where if isinstance(step, str))


def is_one_of(field: Field, listed: frozenset[str]) -> bool:
    return names(field)[-1] in listed or ".".join(names(field)[-2:]) in listed


def is_never_repaired(field: Field, kind: str) -> bool:
    is_status = kind == "response" and is_one_of(field, STATUSES)
    # "id" alone stands at the top, or in an object that the list names.
    is_id = names(field)[-1] != "id" or len(names(field)) == 1 or ".".join(names(field)[-2:]) != "evse.id"
    return is_status or (is_id and is_one_of(field, NEVER_REPAIRED))


class Broken(NamedTuple):
    """A broken value; the kinds of deviation and the value that it becomes, or no kinds for a refusal."""

    value: Any
    kinds: list[str]
    becomes: Any = None
    strict: type[errors.OcppError] | None = TYPE


def ways(field: Field, present: Any, kind: str, item: dict[str, Any]) -> Iterator[Broken]:
    schema, wanted = field.schema, field.schema["type"]
    is_optional = not field.required
    is_fixed = is_never_repaired(field, kind) and wanted not in ("object", "array")
    if is_optional:
        yield Broken(None, ["null-property"], GONE)
        if wanted != "string":
            yield Broken("", ["empty-text"], GONE)
    if wanted == "string":
        ways_of_type = _texts(field, is_fixed=is_fixed)
    elif wanted in ("integer", "number"):
        ways_of_type = _numbers(field, present, is_fixed=is_fixed)
    elif wanted == "boolean":
        ways_of_type = _booleans()
    elif wanted == "array":
        ways_of_type = _lists(field, present, kind, item)
    else:
        ways_of_type = _objects(present, is_optional=is_optional, has_required="required" in schema)
    yield from ways_of_type
    if wanted not in ("array", "object"):
        yield Broken([present], [] if is_fixed else ["list-for-value"], present)


def _texts(field: Field, *, is_fixed: bool) -> Iterator[Broken]:
    schema = field.schema
    if "enum" in schema:
        yield Broken(5, [])
        word = schema["enum"][0]
        if not is_fixed and word.swapcase() != word:
            yield Broken(word.swapcase(), ["wrong-case"], word, NOT_ALLOWED)
            yield Broken(f" {word} ", ["wrong-case"], word, NOT_ALLOWED)
        elif word.swapcase() != word:
            yield Broken(word.swapcase(), ["unknown-value"], word.swapcase(), NOT_ALLOWED)
    elif is_fixed:
        yield Broken(5, [])
        yield Broken(True, [])
    elif "format" in schema:
        yield Broken(5, ["number-for-text", "bad-format"], "5")
    else:
        too_long = ["too-long"] if schema.get("maxLength", 4) < 4 else []
        yield Broken(5, ["number-for-text"], "5")
        yield Broken(1.5, ["number-for-text", *too_long], "1.5") if not too_long else Broken(7, [
            "number-for-text"], "7")  # fmt: skip
        yield Broken(True, ["boolean-for-text", *too_long], "true")
    if not field.required and ("enum" in schema or "format" in schema):
        yield Broken("", ["empty-text"], GONE, NOT_ALLOWED)


def _numbers(field: Field, present: Any, *, is_fixed: bool) -> Iterator[Broken]:
    yield Broken(f" {present} ", [] if is_fixed else ["text-for-number"], present)
    if field.schema["type"] == "number":
        yield Broken(True, [])
        return
    is_place = is_one_of(field, PLACES)
    keeps_fraction = is_fixed or is_place
    yield Broken(present - 0.5, [] if keeps_fraction else ["fraction-for-integer"], present)
    yield Broken(f"{present - 0.5}", [] if keeps_fraction else ["fraction-for-integer"], present)
    yield Broken(float(present), ["float-for-integer"], present, None)
    if present == 1:
        is_refused = is_fixed or is_place or is_one_of(field, REGISTERS)
        yield Broken(True, [] if is_refused else ["boolean-for-number"], 1)


def _booleans() -> Iterator[Broken]:
    for value in (1, 0, 1.0):
        yield Broken(value, ["number-for-boolean"], bool(value))
    for text, value in (("TRUE", True), ("false", False), (" 1", True)):
        yield Broken(text, ["text-for-boolean"], value)
    yield Broken(2, [])
    yield Broken("yes", [])


def _lists(field: Field, present: Any, kind: str, item: dict[str, Any]) -> Iterator[Broken]:
    is_change = kind == "response" and field.where[-1] in CHANGES
    if item.get("type") == "object":
        if present[0]:
            yield Broken(present[0], ["object-for-list"], [present[0]])
        if not field.required:
            yield Broken({}, ["empty-object"], GONE)
        else:
            yield Broken({}, [] if is_change else ["object-for-list"], [])
    else:
        yield Broken(present[0], ["value-for-list"], [present[0]])
    if not field.schema.get("minItems"):
        return
    if field.required:
        yield Broken([], [] if is_change else ["empty-array"], [], PLACE)
        yield Broken(None, [] if is_change else ["null-property"], [])
    else:
        yield Broken([], ["empty-array"], GONE, PLACE)


def _objects(present: Any, *, is_optional: bool, has_required: bool) -> Iterator[Broken]:
    yield Broken([present], ["list-for-value"], present)
    yield Broken(5, [])
    if is_optional:
        yield Broken([], ["empty-array"], GONE)
        if has_required:
            yield Broken({}, ["empty-object"], GONE, PLACE)


def walked(message: tuple[Any, ...]) -> Iterator[tuple[bytes, Field, Any, dict[str, Any]]]:
    """The text of a valid payload, and each of its fields with its value and the schema of its items."""
    root = schemas.message_schema(*message)
    for field in fields(root):
        if "type" in field.schema and "customData" not in field.where:
            valid = smallest(root, field.where)
            text = orjson.dumps(valid)
            item = resolved(root, field.schema["items"]) if "items" in field.schema else {}
            yield text, field, parent(valid, field.where)[field.where[-1]], item


def path_of(field: Field) -> str:
    return re.sub(r"\.(\[)", r"\1", ".".join(f"[{s}]" if isinstance(s, int) else s for s in field.where))


@pytest.mark.parametrize("message", MESSAGES, ids="-".join)
def test_what_has_one_meaning_is_repaired_and_counted_once(message: tuple[Any, ...]) -> None:
    is_data = message[1] == "DataTransfer"
    for text, field, present, item in walked(message):
        may_be_missing = ".".join((message[1], *names(field))) in MAY_BE_MISSING and message[2] == "request"
        if may_be_missing or (is_data and field.where[-1] == "data"):
            continue  # tested by name in test_missing_fields and test_repairs
        for broken in ways(field, present, message[2], item):
            payload = orjson.loads(text)
            parent(payload, field.where)[field.where[-1]] = broken.value
            case = (field.where, broken)

            try:
                found = check(*message, payload, strict=False)
            except errors.OcppError as error:
                assert (type(error), broken.kinds) == (PLACE if broken.value in ([], {}) else TYPE, []), case
            else:
                assert_repaired(found, payload, text, field, broken)

            assert_strict(message, text, field, broken)


def assert_repaired(found: Any, payload: Any, text: bytes, field: Field, broken: Broken) -> None:
    case = (field.where, broken, found)
    if not broken.kinds:  # refused: the whole item of the list is left out
        assert [deviation.kind for deviation in found] == ["dropped-item"], case
        assert path_of(field).startswith(found[0].path), case
        return
    assert [(deviation.kind, deviation.path) for deviation in found] == [
        (kind, path_of(field)) for kind in broken.kinds
    ], case
    right = orjson.loads(text)
    if broken.becomes is GONE:
        del parent(right, field.where)[field.where[-1]]
    else:
        parent(right, field.where)[field.where[-1]] = broken.becomes
    # As text, because 1 == 1.0 == True.
    assert orjson.dumps(payload, option=orjson.OPT_SORT_KEYS) == orjson.dumps(
        right, option=orjson.OPT_SORT_KEYS
    ), case


def assert_strict(message: tuple[Any, ...], text: bytes, field: Field, broken: Broken) -> None:
    payload = orjson.loads(text)
    parent(payload, field.where)[field.where[-1]] = broken.value
    if broken.strict is None:
        assert [deviation.kind for deviation in check(*message, payload, strict=True)] == broken.kinds
        return
    with pytest.raises(errors.OcppError) as raised:
        check(*message, payload, strict=True)
    assert type(raised.value) is broken.strict, (field.where, broken)


def from_stations() -> Iterator[tuple[str, str, str]]:
    for version, action, kind in MESSAGES:
        row = ACTIONS[action]
        if row.is_from_station if kind == "request" else row.is_to_station:
            yield version, action, kind


def test_the_never_repaired_fields_are_exactly_those_listed_here() -> None:
    differing = {
        (action, names(field))
        for version, action, kind in MESSAGES
        for field in fields(schemas.message_schema(version, action, kind))
        if field.schema.get("type") not in ("object", "array")
        and exact.is_exact(kind, names(field)) != is_never_repaired(field, kind)
    }

    assert differing == set()


def test_the_required_fields_that_may_be_missing_are_exactly_those_listed_here() -> None:
    found = {
        ".".join((action, *names(field)))
        for version, action, kind in from_stations()
        for field in fields(schemas.message_schema(version, action, kind))
        if field.required and shapes.missing.substitute(action, kind, names(field)) is not None
    }

    assert found == MAY_BE_MISSING


# Lists of station messages of which no item is ever left out, with the reason.
KEEPS_EVERY_ITEM = {
    "idToken.additionalInfo": "a token",
    "iso15118CertificateHashData": "a question: each certificate must be checked",
    "prioritizedEMAIDs": "a question",
    "certificateStatusRequests": "a question",
    "certificateStatusRequests.urls": "a question",
    "setVariableResult": "the result of a change",
    "setMonitoringResult": "the result of a change",
    "clearMonitoringResult": "the result of a change",
    "clearTariffsResult": "the result of a change",
    "certificateHashDataChain.childCertificateHashData": "a chain",
    "tariffAssignments.evseIds": "an assignment",
    "tariffAssignments.idTokens": "an assignment",
    "chargingProfile.chargingSchedule": "a profile",
    "curve.curve.curveData": "a curve",
    "limitMaxDischarge.limitMaxDischarge.powerMonitoringMustTrip.curveData": "a curve",
}
PARTS_OF = re.compile(
    r"^(?:(?:chargingProfile\.)?chargingSchedule|schedule|costDetails|chargingNeeds\.evEnergyOffer)\."
)


def test_the_lists_that_keep_every_item_are_exactly_those_listed_here() -> None:
    found = {
        path
        for version, action, kind in from_stations()
        for field in fields(schemas.message_schema(version, action, kind))
        if field.schema.get("type") == "array"
        and not exact.may_lose_items(action, kind, names(field))
        and not PARTS_OF.match(path := ".".join(names(field)))
    }

    assert found == set(KEEPS_EVERY_ITEM)


def test_the_schemas_have_no_rule_that_the_walk_does_not_know() -> None:
    documentation = {"description", "javaType", "default", "additionalItems", "comment", "$ref"}
    found = set()
    for message in MESSAGES:
        root = schemas.message_schema(*message)
        nodes = [root]
        while nodes:
            node = nodes.pop()
            found |= node.keys()
            nodes += node.get("properties", {}).values()
            nodes += [node["items"]] if "items" in node else []
            if "$ref" in node:
                nodes.append(resolved(root, node))
            assert node.get("additionalProperties", False) is False
            # An object without known names is customData.
            is_closed = node.get("type") != "object" or "additionalProperties" in node
            assert is_closed or node.get("javaType") == "CustomData", (message, node)

    assert found - documentation - {"$schema", "$id", "id", "title", "definitions"} <= shapes.KEYWORDS


def test_a_deviation_has_a_kind_a_path_and_a_sentence() -> None:
    payload = {"connectorId": 1, "status": "available", "errorCode": "NoError", "info": 5}

    assert check("ocpp1.6", "StatusNotification", "request", payload, strict=False) == [
        Deviation("wrong-case", "status", "'available' is not one of the allowed values"),
        Deviation("number-for-text", "info", "5 is not of type 'string'"),
    ]
