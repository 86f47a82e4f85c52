"""Required fields that may be missing, because the rest of the message has their meaning (decision 0064)."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_server.protocol import errors
from ocpp_server.protocol.schemas import Deviation, check
from ocpp_server.protocol.versions import V16, V21, V201

AT = "2026-11-28T14:00:00Z"
READING = {"sampledValue": [{"value": "1"}]}
EVENT = {
    "eventType": "Ended", "timestamp": AT, "triggerReason": "EVDeparted", "seqNo": 1,
    "transactionInfo": {"transactionId": "t"},
}  # fmt: skip
RECEIPT = "is required but missing; the time of receipt is used"


def found(version: str, action: str, payload: dict[str, Any]) -> list[Deviation]:
    """The deviations of a payload; a strict station is refused."""
    with pytest.raises(errors.OccurrenceConstraintViolation, match="is required but missing"):
        check(version, action, "request", dict(payload), strict=True)
    return list(check(version, action, "request", payload, strict=False))


@pytest.mark.parametrize(
    ("version", "action", "payload", "path"),
    [
        (V16, "StartTransaction", {"connectorId": 1, "idTag": "A", "meterStart": 0}, "timestamp"),
        (V16, "StopTransaction", {"transactionId": 1000, "meterStop": 0}, "timestamp"),
        (V16, "MeterValues", {"connectorId": 1, "meterValue": [READING]}, "meterValue[0].timestamp"),
        (V201, "StatusNotification",
         {"evseId": 1, "connectorId": 1, "connectorStatus": "Available"}, "timestamp"),
        (V201, "TransactionEvent", {k: v for k, v in EVENT.items() if k != "timestamp"}, "timestamp"),
        (V21, "SecurityEventNotification", {"type": "a"}, "timestamp"),
        (V201, "NotifyReport", {"requestId": 1, "seqNo": 0}, "generatedAt"),
    ],
)  # fmt: skip
def test_a_message_without_its_time_gets_the_time_of_receipt(
    version: str, action: str, payload: dict[str, Any], path: str
) -> None:
    before = str(payload)

    assert found(version, action, payload) == [Deviation("missing-field", path, RECEIPT)]
    assert str(payload) == before


@pytest.mark.parametrize("value", [None, [], {}])
def test_an_empty_time_counts_once(value: Any) -> None:
    payload = {"transactionId": 1000, "meterStop": 0, "timestamp": value}

    (deviation,) = check(V16, "StopTransaction", "request", payload, strict=False)

    assert deviation.path == "timestamp"
    assert "timestamp" not in payload


def test_the_only_reading_of_an_event_has_the_time_of_the_event() -> None:
    reading = {"sampledValue": [{"value": 1}]}
    payload = EVENT | {"meterValue": [dict(reading)]}

    assert [one.path for one in found(V201, "TransactionEvent", payload)] == ["meterValue[0].timestamp"]
    assert payload["meterValue"] == [reading | {"timestamp": AT}]


def test_several_readings_need_their_own_times() -> None:
    timed = READING | {"timestamp": AT}
    values = {"connectorId": 1, "meterValue": [dict(READING), dict(timed)]}
    # The readings of a stop are of the past.
    stop = {"transactionId": 1000, "meterStop": 0, "timestamp": AT, "transactionData": [dict(READING)]}

    for action, payload in (("MeterValues", values), ("StopTransaction", stop)):
        assert [one.kind for one in check(V16, action, "request", payload, strict=False)] == ["dropped-item"]
    assert values["meterValue"] == [timed]


def test_an_empty_time_is_kept_like_another_unreadable_one() -> None:
    payload = {"connectorId": 1, "meterValue": [READING | {"timestamp": text} for text in ("", "now", AT)]}

    kinds = [one.kind for one in check(V16, "MeterValues", "request", payload, strict=False)]

    assert kinds == ["bad-format", "bad-format"]
    assert len(payload["meterValue"]) == 3


def test_meter_values_without_a_connector_belong_to_the_connector_of_their_transaction() -> None:
    payload = {"transactionId": 1000, "meterValue": [READING | {"timestamp": AT}]}

    assert found(V16, "MeterValues", dict(payload)) == [
        Deviation(
            "missing-field",
            "connectorId",
            "is required but missing; the connector of the transaction is used",
        )
    ]
    for number in ({}, {"transactionId": -1}, {"transactionId": 0}):
        others = {"meterValue": payload["meterValue"]} | number
        with pytest.raises(errors.OccurrenceConstraintViolation):
            check(V16, "MeterValues", "request", others, strict=False)


@pytest.mark.parametrize(
    ("status", "word"), [("Available", "NoError"), ("faulted", "OtherError"), ("Humming", "NoError")]
)
def test_a_status_without_an_error_code(status: str, word: str) -> None:
    payload = {"connectorId": 1, "status": status}

    found = check(V16, "StatusNotification", "request", payload, strict=False)

    assert found[-1] == Deviation("missing-field", "errorCode", f"is required but missing; {word} is used")
    assert payload["errorCode"] == word


def test_a_boot_without_a_reason_has_an_unknown_one() -> None:
    payload = {"chargingStation": {"vendorName": "a", "model": "b"}}

    assert [one.kind for one in found(V201, "BootNotification", payload)] == ["missing-field"]
    assert payload["reason"] == "Unknown"


def test_events_of_a_message_have_its_time() -> None:
    event = {
        "eventId": 1, "trigger": "Delta", "actualValue": "1", "component": {"name": "a"},
        "eventNotificationType": "HardWiredNotification", "variable": {"name": "b"},
    }  # fmt: skip
    payload = {"generatedAt": AT, "seqNo": 0, "eventData": [dict(event), dict(event)]}

    assert len(found(V201, "NotifyEvent", payload)) == 2
    assert payload["eventData"] == [event | {"timestamp": AT}] * 2


@pytest.mark.parametrize(
    ("version", "action", "payload"),
    [
        (V16, "StartTransaction", {"idTag": "A", "meterStart": 0, "timestamp": AT}),
        (V16, "StartTransaction", {"connectorId": 1, "meterStart": 0, "timestamp": AT}),
        (V16, "StopTransaction", {"transactionId": 1, "timestamp": AT}),
        (V16, "StatusNotification", {"status": "Available", "errorCode": "NoError"}),
        (V201, "TransactionEvent", {k: v for k, v in EVENT.items() if k != "seqNo"}),
        (V201, "MeterValues", {"meterValue": [{"timestamp": AT, "sampledValue": [{"value": 1}]}]}),
        (V21, "NotifySettlement", {"pspRef": "a", "status": "Settled", "settlementAmount": 1}),
    ],
)  # fmt: skip
def test_other_missing_fields_are_refused(version: str, action: str, payload: dict[str, Any]) -> None:
    with pytest.raises(errors.OccurrenceConstraintViolation, match="is required but missing"):
        check(version, action, "request", payload, strict=False)
