import copy
import time

import orjson
import pytest

from ocpp_server.protocol import errors, schemas
from ocpp_server.protocol.schemas import PayloadInvalid, check, outgoing
from ocpp_server.protocol.versions import V16, V21, V201
from tests.unit.protocol.samples import profile

BOOT = {"chargePointVendor": "Acme", "chargePointModel": "One"}
METER_VALUES = {
    "connectorId": 1,
    "meterValue": [{"timestamp": "2025-03-01T12:00:00Z", "sampledValue": [{"value": "1"}]}],
}


def tolerated(version, action, payload):
    return [
        (deviation.kind, deviation.path)
        for deviation in check(version, action, "request", payload, strict=False)
    ]


def test_a_valid_payload_has_no_deviation():
    assert list(check(V16, "BootNotification", "request", dict(BOOT), strict=True)) == []


@pytest.mark.parametrize("strict", [True, False])
def test_R10_a_missing_required_field_is_refused(strict):
    with pytest.raises(
        errors.OccurrenceConstraintViolation, match="^chargePointModel: is required but missing$"
    ):
        check(V16, "BootNotification", "request", {"chargePointVendor": "Acme"}, strict=strict)


@pytest.mark.parametrize("strict", [True, False])
def test_R11_a_wrong_type_is_refused_with_the_path_and_the_reason(strict):
    payload = copy.deepcopy(METER_VALUES)
    payload["meterValue"][0]["sampledValue"].append({"value": {}})

    with pytest.raises(errors.TypeConstraintViolation) as raised:
        check(V16, "MeterValues", "request", payload, strict=True)
    with pytest.raises(errors.TypeConstraintViolation) as other:
        check(V16, "MeterValues", "request", METER_VALUES | {"connectorId": "x"}, strict=strict)

    assert (
        raised.value.description == "meterValue[0].sampledValue[1].value: an object is not of type 'string'"
    )
    assert other.value.description == "connectorId: 'x' is not of type 'integer'"


def test_R12_a_value_that_is_not_allowed_is_a_deviation_or_a_violation():
    payload = BOOT | {"iccid": "x" * 21}

    assert tolerated(V16, "BootNotification", payload) == [("too-long", "iccid")]
    assert payload["iccid"] == "x" * 21
    with pytest.raises(errors.PropertyConstraintViolation):
        check(V16, "BootNotification", "request", payload, strict=True)


def test_R13_an_additional_property_is_a_deviation_or_a_violation():
    payload = BOOT | {"colour": "red", "shape": "box"}

    assert tolerated(V16, "BootNotification", payload) == [
        ("extra-property", "colour"),
        ("extra-property", "shape"),
    ]
    with pytest.raises(errors.FormatViolation):
        check(V16, "BootNotification", "request", payload, strict=True)


@pytest.mark.parametrize("version", [V201, V21])
def test_R13_custom_data_may_hold_anything(version):
    payload = {"customData": {"vendorId": 5, "anything": [{}]}}

    assert not check(version, "Heartbeat", "request", payload, strict=True)


def test_R14_a_list_of_the_wrong_length_is_refused():
    payload = {"evseId": 1, "meterValue": []}

    with pytest.raises(errors.OccurrenceConstraintViolation, match="^meterValue: has fewer than 1 items$"):
        check(V201, "MeterValues", "request", payload, strict=True)
    with pytest.raises(errors.OccurrenceConstraintViolation, match="^setVariableResult: has fewer than 1"):
        check(V201, "SetVariables", "response", {"setVariableResult": []}, strict=False)


@pytest.mark.parametrize("limit", [21.4, 0.3, 16, 16.0, 0.1, 63.9, 1000000.7, 0])
def test_R37_decimals_with_one_digit_are_multiples_of_a_tenth(limit):
    outgoing(V16, "SetChargingProfile", "request", profile(limit))


def test_R37_every_tenth_of_an_ampere_up_to_1000_is_accepted_and_a_hundredth_is_not():
    for tenths in range(10_000):
        outgoing(
            V16,
            "SetChargingProfile",
            "request",
            profile(orjson.loads(f"{tenths // 10}.{tenths % 10}")),
        )
    with pytest.raises(PayloadInvalid):
        outgoing(V16, "SetChargingProfile", "request", profile(21.45))


def test_null_for_an_optional_property_is_dropped_and_for_a_required_one_refused():
    payload = BOOT | {"iccid": None}

    assert tolerated(V16, "BootNotification", payload) == [("null-property", "iccid")]
    assert payload == BOOT
    with pytest.raises(errors.TypeConstraintViolation):
        tolerated(V16, "BootNotification", BOOT | {"chargePointModel": None})


def test_null_deep_inside_lists_and_references_is_dropped():
    sample = {"value": 1.5, "context": None, "unitOfMeasure": {"unit": "Wh", "multiplier": None}}
    payload = {"evseId": 1, "meterValue": [{"timestamp": "2025-03-01T12:00:00Z", "sampledValue": [sample]}]}

    kinds = {kind for kind, _ in tolerated(V201, "MeterValues", payload)}

    assert kinds == {"null-property"}
    assert sample == {"value": 1.5, "unitOfMeasure": {"unit": "Wh"}}


def test_an_empty_list_for_an_optional_one_is_dropped():
    payload = {"requestId": 1, "generatedAt": "2025-03-01T12:00:00Z", "seqNo": 0, "reportData": []}

    assert tolerated(V201, "NotifyReport", payload) == [("empty-array", "reportData")]
    assert "reportData" not in payload


def test_a_sampled_value_given_as_a_number_becomes_text_in_1_6():
    payload = copy.deepcopy(METER_VALUES)
    payload["meterValue"][0]["sampledValue"][0]["value"] = 1.5

    assert tolerated(V16, "MeterValues", payload) == [
        ("number-for-text", "meterValue[0].sampledValue[0].value"),
    ]
    assert payload["meterValue"][0]["sampledValue"][0]["value"] == "1.5"


def test_a_sampled_value_given_as_text_becomes_a_number_in_2x():
    sample = {"value": "1.5"}
    payload = {"evseId": 1, "meterValue": [{"timestamp": "2025-03-01T12:00:00Z", "sampledValue": [sample]}]}

    assert [kind for kind, _ in tolerated(V201, "MeterValues", payload)] == ["text-for-number"]
    assert sample == {"value": 1.5}


TIMED = {"timestamp": "2025-03-01T12:00:00Z"}


@pytest.mark.parametrize(
    ("version", "action", "payload", "path"),
    [
        (V16, "MeterValues", {"connectorId": 1, "meterValue": []}, "meterValue"),
        (
            V16,
            "MeterValues",
            {"connectorId": 1, "meterValue": [TIMED | {"sampledValue": []}]},
            "meterValue[0].sampledValue",
        ),
        (V201, "MeterValues", {"evseId": 1, "meterValue": []}, "meterValue"),
        (
            V21,
            "MeterValues",
            {"evseId": 1, "meterValue": [TIMED | {"sampledValue": []}]},
            "meterValue[0].sampledValue",
        ),
    ],
)
def test_an_empty_list_where_one_element_is_wanted_has_no_elements(version, action, payload, path):
    with pytest.raises(errors.OccurrenceConstraintViolation):
        check(version, action, "request", copy.deepcopy(payload), strict=True)
    assert tolerated(version, action, payload) == [("empty-array", path)]


def test_null_for_a_list_of_a_request_has_no_elements():
    payload = {"evseId": 1, "meterValue": [TIMED | {"sampledValue": None}]}

    assert tolerated(V201, "MeterValues", payload) == [("null-property", "meterValue[0].sampledValue")]
    assert payload["meterValue"][0]["sampledValue"] == []


def test_one_object_in_place_of_a_list_becomes_a_list_of_one_at_any_depth():
    payload = {"connectorId": 1, "meterValue": TIMED | {"sampledValue": {"value": 3.5, "unit": "kWh"}}}

    with pytest.raises(errors.TypeConstraintViolation):
        check(V16, "MeterValues", "request", copy.deepcopy(payload), strict=True)
    assert tolerated(V16, "MeterValues", payload) == [
        ("object-for-list", "meterValue"),
        ("object-for-list", "meterValue[0].sampledValue"),
        ("number-for-text", "meterValue[0].sampledValue[0].value"),
    ]
    assert payload["meterValue"] == [TIMED | {"sampledValue": [{"value": "3.5", "unit": "kWh"}]}]


@pytest.mark.parametrize("value", ["1000", 1000.5, "1000.0"])
def test_an_id_that_the_server_has_assigned_is_never_repaired(value):
    payload = {"transactionId": value, "timestamp": "2025-03-01T12:00:00Z", "meterStop": 5}

    with pytest.raises(errors.TypeConstraintViolation, match="^transactionId: "):
        tolerated(V16, "StopTransaction", payload)


def test_the_number_of_a_connector_or_evse_may_be_text():
    event = {
        "eventType": "Started",
        "timestamp": "2025-03-01T12:00:00Z",
        "triggerReason": "CablePluggedIn",
        "seqNo": "0",
        "transactionInfo": {"transactionId": "t"},
        "evse": {"id": "1", "connectorId": "2"},
    }

    assert {kind for kind, _ in tolerated(V201, "TransactionEvent", event)} == {"text-for-number"}
    assert (event["seqNo"], event["evse"]) == (0, {"id": 1, "connectorId": 2})
    with pytest.raises(errors.TypeConstraintViolation):
        tolerated(V16, "MeterValues", copy.deepcopy(METER_VALUES) | {"connectorId": 1.5})


def test_a_repaired_number_is_still_checked_by_the_other_rules():
    payload = {"generatedAt": "2025-03-01T12:00:00Z", "requestId": 1, "seqNo": 0, "eventData": []}
    assert tolerated(V201, "NotifyEvent", payload | {"seqNo": "-1"})

    needs = {
        "evseId": "1",
        "chargingNeeds": {"requestedEnergyTransfer": "DC", "dcChargingParameters": {
            "evMaxCurrent": 1, "evMaxVoltage": 1, "stateOfCharge": "300"}},
    }  # fmt: skip
    kinds = tolerated(V201, "NotifyEVChargingNeeds", needs)
    assert ("out-of-range", "chargingNeeds.dcChargingParameters.stateOfCharge") in kinds


def test_whole_text_stays_whole_in_2x():
    payload = {"evseId": 1, "meterValue": [TIMED | {"sampledValue": [{"value": "1000"}]}]}

    assert [kind for kind, _ in tolerated(V201, "MeterValues", payload)] == ["text-for-number"]
    assert type(payload["meterValue"][0]["sampledValue"][0]["value"]) is int


def test_F44_an_invalid_time_is_a_deviation():
    payload = METER_VALUES | {"meterValue": [{"timestamp": "1000000", "sampledValue": [{"value": "1"}]}]}

    assert tolerated(V16, "MeterValues", payload) == [("bad-format", "meterValue[0].timestamp")]


def test_a_whole_float_counts_as_the_integer_it_is_even_in_strict_mode():
    payload = METER_VALUES | {"connectorId": 2.0}

    deviations = check(V16, "MeterValues", "request", payload, strict=True)

    assert [deviation.kind for deviation in deviations] == ["float-for-integer"]
    assert type(payload["connectorId"]) is int


@pytest.mark.parametrize("number", ["1" * 30, "18446744073709551615", "9223372036854775808", "-1e300", "1.5"])
@pytest.mark.parametrize("strict", [True, False])
def test_F71_an_integer_beyond_64_bits_is_always_refused(number, strict):
    payload = METER_VALUES | {"connectorId": orjson.loads(number)}

    with pytest.raises((errors.TypeConstraintViolation, errors.PropertyConstraintViolation)):
        check(V16, "MeterValues", "request", payload, strict=strict)


def test_F76_over_long_values_are_shortened_in_the_answer_to_the_station():
    with pytest.raises(errors.TypeConstraintViolation) as raised:
        check(V16, "MeterValues", "request", METER_VALUES | {"connectorId": "x" * 10_000}, strict=False)

    assert len(raised.value.description) < 100


@pytest.mark.parametrize(
    ("version", "action", "payload"),
    [
        (V16, "ChangeConfiguration", {"key": "AuthorizationKey", "value": 1234567}),
        (V16, "DataTransfer", {"vendorId": "a", "data": 1234567}),
        (V16, "Authorize", {"idTag": 1234567}),
        (
            V201,
            "SetVariables",
            {
                "setVariableData": [
                    {"attributeValue": 1234567, "component": {"name": "a"}, "variable": {"name": "b"}}
                ]
            },
        ),
    ],
)
def test_S04_a_secret_is_never_repeated(version, action, payload):
    with pytest.raises(errors.TypeConstraintViolation) as raised:
        check(version, action, "request", payload, strict=True)
    with pytest.raises(PayloadInvalid) as ours:
        outgoing(version, action, "request", payload)

    assert "1234567" not in raised.value.description
    assert "1234567" not in str(ours.value)


def test_a_flood_of_deviations_is_cut_short():
    payload = BOOT | {f"extra{number}": number for number in range(1000)}

    assert len(tolerated(V16, "BootNotification", payload)) == 20


def test_outgoing_payloads_are_always_strict_and_the_error_names_every_field():
    with pytest.raises(PayloadInvalid) as raised:
        outgoing(V16, "ChangeConfiguration", "request", {"key": "k" * 51, "colour": 1})

    assert sorted(error["field"] for error in raised.value.errors) == ["colour", "key", "value"]


@pytest.mark.parametrize("value", ["\ud800", {1, 2}])
def test_a_value_that_cannot_be_written_as_json_is_invalid(value):
    with pytest.raises(PayloadInvalid):
        outgoing(V16, "ChangeConfiguration", "request", {"key": "a", "value": value})


def test_a_large_outgoing_payload_is_refused_quickly_by_its_first_error():
    payload = {"key": [1] * 300_000}

    began = time.monotonic()
    with pytest.raises(PayloadInvalid) as raised:
        outgoing(V16, "GetConfiguration", "request", payload)

    assert raised.value.errors == [{"field": "key[0]", "reason": "1 is not of type 'string'"}]
    assert time.monotonic() - began < 5  # listing all errors took seventeen seconds and blocked all threads


def test_a_message_that_does_not_exist_is_a_lookup_error():
    assert not schemas.has(V21, "NotifyPeriodicEventStream", "response")
    assert not schemas.has("ocpp1.5", "Heartbeat", "request")
    with pytest.raises(LookupError, match=r"ocpp1.6 has no TransactionEvent request"):
        schemas.message_schema(V16, "TransactionEvent", "request")
