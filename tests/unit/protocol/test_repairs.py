"""The repairs by example: what has one meaning, what has none, and what is dropped (decision 0064)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from ocpp_server.protocol import errors
from ocpp_server.protocol.repairs import half_up
from ocpp_server.protocol.schemas import Deviation, check
from ocpp_server.protocol.versions import V16, V21, V201

AT = "2026-11-28T14:00:00Z"
STOP = {"transactionId": 1000, "timestamp": AT, "meterStop": 5}


def tolerated(version: str, action: str, payload: dict[str, Any], kind: Any = "request") -> list[Any]:
    found = check(version, action, kind, payload, strict=False)
    return [(deviation.kind, deviation.path) for deviation in found]


# -- numbers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "rounded"),
    [
        (2000.5, 2001), (2000.4, 2000), (2000.49999999999, 2000), (0.5, 1), (0.49999999999999994, 0),
        (-0.5, 0), (-0.51, -1), (-1.5, -1), (-2.5, -2), (-1e-20, 0), (2**51 + 0.5, 2**51 + 1),
    ],
)  # fmt: skip
def test_a_half_goes_up_below_zero_too(value: float, rounded: int) -> None:
    assert half_up(value) == half_up(Decimal(repr(value))) == rounded
    assert half_up(value + 1000) == half_up(value) + 1000 or abs(value) > 2**50 or abs(value) < 1


def test_a_text_is_rounded_by_its_own_digits() -> None:
    assert half_up(Decimal("0.49999999999999999999999999999999999999")) == 0
    assert half_up(Decimal("9007199254740990.5")) == 9007199254740991


@pytest.mark.parametrize(
    ("value", "kind", "repaired"),
    [
        (2000.4, "fraction-for-integer", 2000),
        (2000.5, "fraction-for-integer", 2001),
        (-0.5, "fraction-for-integer", 0),
        ("2000.4", "fraction-for-integer", 2000),
        ("2000,5", "fraction-for-integer", 2001),
        ("2000", "text-for-number", 2000),
        (" 2000\n", "text-for-number", 2000),
        ("+2000", "text-for-number", 2000),
        ("-5", "text-for-number", -5),
        ("2e3", "text-for-number", 2000),
        ("2.0E+3", "text-for-number", 2000),
        ("2000.0", "text-for-number", 2000),
        ("007", "text-for-number", 7),
        (["2000"], "list-for-value", 2000),
        (2000.0, "float-for-integer", 2000),
    ],
)
@pytest.mark.parametrize("name", ["meterStop", "meterStart"])
def test_a_register_of_whole_wh_is_rounded_and_loses_its_quotes(
    name: str, value: Any, kind: str, repaired: int
) -> None:
    start = {"connectorId": 1, "idTag": "A", "timestamp": AT, "meterStart": value}
    payload = STOP | {"meterStop": value} if name == "meterStop" else start
    action = "StopTransaction" if name == "meterStop" else "StartTransaction"

    assert (kind, name) in tolerated(V16, action, payload)
    assert (payload[name], type(payload[name])) == (repaired, int)


@pytest.mark.parametrize(
    "value",
    ["", "x", "0x10", "2 000", "2,000", "12,345", "1.000,5", "1,000.5", "1_0", "--5", ".", "-", "1e", "5A",
     "NaN", "inf", "\u0665", "9" * 30, "1e400", "1" * 81, True, [], ["5", "6"], {}],
)  # fmt: skip
def test_an_ambiguous_text_is_no_register(value: Any) -> None:
    with pytest.raises(errors.TypeConstraintViolation, match="^meterStop: "):
        tolerated(V16, "StopTransaction", STOP | {"meterStop": value})


def test_the_sentence_names_the_rounded_value() -> None:
    assert check(V16, "StopTransaction", "request", STOP | {"meterStop": 2000.5}, strict=False) == [
        Deviation("fraction-for-integer", "meterStop", "2000.5 is not of type 'integer'; rounded to 2001")
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [("1000", 1000), ("3.50", 3.5), ("3,50", 3.5), ("0,125", 0.125), ("1234,567", 1234.567), (".5", 0.5),
     ("-1e-3", -0.001)],
)  # fmt: skip
def test_the_text_of_a_sampled_value_becomes_its_number_in_2x(text: str, value: float) -> None:
    sample: dict[str, Any] = {"value": text}
    payload = {"evseId": 1, "meterValue": [{"timestamp": AT, "sampledValue": [sample]}]}

    assert tolerated(V201, "MeterValues", payload) == [
        ("text-for-number", "meterValue[0].sampledValue[0].value")
    ]
    # Without a point it stays an integer: its digits show the resolution.
    assert (sample["value"], type(sample["value"])) == (value, type(value))


@pytest.mark.parametrize(("version", "value"), [(V201, "0"), (V21, " 0 ")])
def test_places_are_numbers_that_are_never_rounded(version: str, value: str) -> None:
    event = {
        "eventType": "Started", "timestamp": AT, "triggerReason": "CablePluggedIn", "seqNo": value,
        "transactionInfo": {"transactionId": "t"}, "evse": {"id": "1", "connectorId": "2"},
    }  # fmt: skip

    assert {kind for kind, _ in tolerated(version, "TransactionEvent", event)} == {"text-for-number"}
    assert (event["seqNo"], event["evse"]) == (0, {"id": 1, "connectorId": 2})
    for place in (1.5, "1.5", True):
        with pytest.raises(errors.TypeConstraintViolation):
            tolerated(version, "TransactionEvent", event | {"evse": {"id": place}})


# -- texts, booleans and words -------------------------------------------------------------------------------


def test_H4_11_values_of_keys_are_texts_and_readonly_is_a_boolean() -> None:
    payload = {
        "configurationKey": [
            {"key": "HeartbeatInterval", "readonly": "false", "value": 60},
            {"key": "LocalPreAuthorize", "readonly": 1, "value": True},
        ]
    }

    assert tolerated(V16, "GetConfiguration", payload, "response") == [
        ("text-for-boolean", "configurationKey[0].readonly"),
        ("number-for-text", "configurationKey[0].value"),
        ("number-for-boolean", "configurationKey[1].readonly"),
        ("boolean-for-text", "configurationKey[1].value"),
    ]
    assert payload == {
        "configurationKey": [
            {"key": "HeartbeatInterval", "readonly": False, "value": "60"},
            {"key": "LocalPreAuthorize", "readonly": True, "value": "true"},
        ]
    }


def test_a_number_whose_digits_are_lost_is_no_text() -> None:
    boot = {"chargePointVendor": "A", "chargePointModel": "B"}
    with pytest.raises(errors.TypeConstraintViolation):
        tolerated(V16, "BootNotification", boot | {"iccid": 8.944500102198304e19})

    payload = boot | {"iccid": 894450010219830482}
    assert tolerated(V16, "BootNotification", payload) == [("number-for-text", "iccid")]
    assert payload["iccid"] == "894450010219830482"


@pytest.mark.parametrize(
    ("given", "written"),
    [({"a": [1, 2.50]}, '{"a":[1,2.5]}'), ([], "[]"), ({}, "{}"), (["x"], '["x"]'), (5, "5"), (True, "true")],
)
@pytest.mark.parametrize("kind", ["request", "response"])
def test_the_data_of_a_1_6_transfer_is_the_text_of_any_json(given: Any, written: str, kind: Any) -> None:
    payload: dict[str, Any] = {"vendorId": "v"} if kind == "request" else {"status": "Accepted"}
    payload["data"] = given

    ((_, path),) = tolerated(V16, "DataTransfer", payload, kind)

    assert (path, payload["data"]) == ("data", written)
    assert tolerated(V201, "DataTransfer", {"vendorId": "v", "data": given}) == []


def test_the_status_of_an_answer_is_never_repaired() -> None:
    payload = {"status": "accepted"}

    assert tolerated(V16, "Reset", payload, "response") == [("unknown-value", "status")]
    assert payload == {"status": "accepted"}
    result = {
        "attributeStatus": "accepted", "attributeType": "actual",
        "component": {"name": "a"}, "variable": {"name": "b"},
    }  # fmt: skip
    kinds = tolerated(V201, "GetVariables", {"getVariableResult": [result]}, "response")
    assert [kind for kind, _ in kinds] == ["unknown-value", "wrong-case"]
    assert (result["attributeStatus"], result["attributeType"]) == ("accepted", "Actual")


@pytest.mark.parametrize("word", ["SignedData", "signedData"])
def test_signed_values_are_never_repaired(word: str) -> None:
    signed = {"value": 5, "format": word}
    payload = {"connectorId": 1, "meterValue": [{"timestamp": AT, "sampledValue": [{"value": "1"}, signed]}]}

    assert tolerated(V16, "MeterValues", payload) == [("dropped-item", "meterValue[0].sampledValue[1]")]
    assert payload["meterValue"] == [{"timestamp": AT, "sampledValue": [{"value": "1"}]}]


# -- lists ---------------------------------------------------------------------------------------------------


def test_H4_10_a_chain_of_repairs_at_any_depth() -> None:
    payload = {
        "connectorId": 1,
        "meterValue": {"timestamp": AT, "sampledValue": {"value": 3.5, "unit": "KWH"}},
    }

    assert tolerated(V16, "MeterValues", payload) == [
        ("object-for-list", "meterValue"),
        ("object-for-list", "meterValue[0].sampledValue"),
        ("number-for-text", "meterValue[0].sampledValue[0].value"),
        ("wrong-case", "meterValue[0].sampledValue[0].unit"),
    ]
    assert payload["meterValue"] == [{"timestamp": AT, "sampledValue": [{"value": "3.5", "unit": "kWh"}]}]


def test_one_bad_key_does_not_lose_the_other_fifty() -> None:
    good = [{"key": f"key{number}", "readonly": False, "value": "1"} for number in range(50)]
    bad = [{"key": "SecretKey", "readonly": "perhaps", "value": 5}, None, {"readonly": True}]
    payload = {"configurationKey": [*good[:25], *bad, *good[25:]], "unknownKey": ["a", {}, 5]}

    found = check(V16, "GetConfiguration", "response", payload, strict=False)

    assert payload == {"configurationKey": good, "unknownKey": ["a", "5"]}
    dropped = "the item is left out: {}".format
    assert found == [
        Deviation("dropped-item", path, dropped(f"{path}{reason}"))
        for path, reason in (
            ("configurationKey[25]", ".readonly: 'perhaps' is not of type 'boolean'"),
            ("configurationKey[26]", ": null is not of type 'object'"),
            ("configurationKey[27]", ".key: is required but missing"),
            ("unknownKey[1]", ": an object is not of type 'string'"),
        )
    ] + [Deviation("number-for-text", "unknownKey[2]", "5 is not of type 'string'")]


@pytest.mark.parametrize("strict", [True, False])
def test_a_certificate_in_a_question_and_the_result_of_a_change_are_never_dropped(strict: bool) -> None:
    hashes = {
        "hashAlgorithm": "SHA256", "issuerNameHash": "a", "issuerKeyHash": "b", "serialNumber": "c",
        "responderURL": "https://example.com",
    }  # fmt: skip
    authorize = {
        "idToken": {"idToken": "A", "type": "eMAID"},
        "iso15118CertificateHashData": [hashes, {name: hashes[name] for name in ("issuerNameHash",)}],
    }
    results = {"setVariableResult": [{"attributeStatus": "Accepted"}]}
    with pytest.raises(errors.OccurrenceConstraintViolation):
        check(V201, "Authorize", "request", authorize, strict=strict)
    with pytest.raises(errors.OccurrenceConstraintViolation):
        check(V201, "SetVariables", "response", results, strict=strict)


def test_a_schedule_without_one_of_its_periods_is_no_schedule() -> None:
    periods = [{"startPeriod": 0, "limit": 16.0}, {"startPeriod": 60}]
    schedule = {"evseId": 1, "duration": 60, "scheduleStart": AT, "chargingRateUnit": "A"}
    payload = {"status": "Accepted", "schedule": schedule | {"chargingSchedulePeriod": periods}}

    with pytest.raises(errors.OccurrenceConstraintViolation):
        check(V201, "GetCompositeSchedule", "response", payload, strict=False)


def test_a_list_of_which_all_items_are_dropped_is_empty_or_absent() -> None:
    stop = STOP | {"transactionData": [{"timestamp": AT}]}
    values = {"connectorId": 1, "meterValue": [5]}

    assert tolerated(V16, "StopTransaction", stop) == [("dropped-item", "transactionData[0]")]
    assert tolerated(V16, "MeterValues", values) == [("dropped-item", "meterValue[0]")]
    assert values["meterValue"] == []


# -- counting ------------------------------------------------------------------------------------------------


def test_the_deviations_of_a_message_are_cut_but_unknown_content_is_always_reported() -> None:
    keys = [{"key": f"{number}", "readonly": 1} for number in range(50)]
    keys.append({"key": "last", "readonly": True, "colour": "red"})

    kinds = [kind for kind, _ in tolerated(V16, "GetConfiguration", {"configurationKey": keys}, "response")]

    assert kinds == ["number-for-boolean"] * 19 + ["extra-property"]


@pytest.mark.parametrize(
    ("version", "action", "kind", "payload"),
    [
        (V16, "GetConfiguration", "response",
         {"configurationKey": [{"key": "a", "readonly": "no", "value": 1234567}]}),
        (V16, "GetConfiguration", "response",
         {"configurationKey": [{"key": "a", "readonly": True, "value": {"p": 1234567}}]}),
        (V16, "DataTransfer", "request", {"vendorId": "a", "data": {"password": "1234567"}}),
        (V16, "DataTransfer", "request", {"vendorId": "a", "data": 1234567}),
        (V16, "SecurityEventNotification", "request",
         {"type": "a", "timestamp": AT, "techInfo": {"x": 1234567}}),
        (V201, "NotifyReport", "request",
         {"requestId": 1, "generatedAt": AT, "seqNo": 0, "reportData": [
             {"component": {"name": "a"}, "variable": {"name": "b"},
              "variableAttribute": {"value": 1234567}}]}),
        (V201, "GetVariables", "response",
         {"getVariableResult": [{"attributeStatus": "Accepted", "attributeValue": 1234567,
                                 "component": {"name": "a"}, "variable": {"name": "b"}}]}),
    ],
)  # fmt: skip
def test_S04_a_repaired_or_dropped_secret_is_never_repeated(
    version: str, action: str, kind: Any, payload: dict[str, Any]
) -> None:
    try:
        told = str(check(version, action, kind, payload, strict=False))
        assert told != "[]"
    except errors.OcppError as error:
        told = error.description

    assert "1234567" not in told


def test_a_repaired_payload_is_only_as_large_as_it_was() -> None:
    text = "1" * 1_000_000
    with pytest.raises(errors.TypeConstraintViolation) as raised:
        tolerated(V16, "StopTransaction", STOP | {"meterStop": text})

    assert len(raised.value.description) < 100
