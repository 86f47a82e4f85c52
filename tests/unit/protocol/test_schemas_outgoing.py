"""The faults of outgoing payloads: each field with its reason, and as the server applies the schemas."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_server.protocol import errors, schemas
from ocpp_server.protocol.schemas import PayloadInvalid, check, outgoing
from ocpp_server.protocol.versions import V16, V21, V201, VERSIONS

INT64 = 2**63 - 1
CONFIGURATION: dict[str, Any] = {"key": "a", "value": "b"}


def faults(version: str, action: str, payload: Any, kind: schemas.Kind = "request") -> list[tuple[str, str]]:
    with pytest.raises(PayloadInvalid) as raised:
        outgoing(version, action, kind, payload)
    found = [(error["field"], error["reason"]) for error in raised.value.errors]
    assert str(raised.value) == "; ".join(f"{field}: {reason}" for field, reason in found)
    return sorted(found)


@pytest.mark.parametrize(
    ("version", "action", "payload", "expected"),
    [
        (V16, "ChangeConfiguration", {"key": "a"}, [("value", "is required but missing")]),
        (V16, "ChangeConfiguration", CONFIGURATION | {"colour": 1}, [("colour", "is not a known property")]),
        (
            V16,
            "ChangeConfiguration",
            CONFIGURATION | {"x" * 60: 1, "y": 2},
            [("x" * 50, "is not a known property"), ("y", "is not a known property")],
        ),
        (
            V16,
            "ChangeConfiguration",
            CONFIGURATION | {"key": "k" * 51},
            [("key", "'" + "k" * 46 + "... is longer than 50 characters")],
        ),
        (
            V16,
            "ChangeConfiguration",
            CONFIGURATION | {"value": 5},
            [("value", "the value is not of type 'string'")],
        ),
        (V16, "Reset", {"type": "Gentle"}, [("type", "'Gentle' is not one of the allowed values")]),
        (V16, "GetConfiguration", {"key": ["a", 5]}, [("key[1]", "5 is not of type 'string'")]),
        (
            V16,
            "GetDiagnostics",
            {"location": "ftp://a", "startTime": "noon"},
            [("startTime", "'noon' is not a date-time")],
        ),
        (
            V201,
            "SetMonitoringLevel",
            {"severity": INT64 + 1},
            [("severity", f"{INT64 + 1} is greater than {INT64}")],
        ),
        (
            V201,
            "SetMonitoringLevel",
            {"severity": -INT64 - 1},
            [("severity", f"{-INT64 - 1} is less than {-INT64}")],
        ),
        (V201, "GetVariables", {"getVariableData": []}, [("getVariableData", "has fewer than 1 items")]),
    ],
)
def test_every_fault_names_its_field_and_what_is_allowed(
    version: str, action: str, payload: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert faults(version, action, payload) == expected


@pytest.mark.parametrize("value", [INT64, -INT64])
def test_an_integer_of_64_bits_is_valid(value: int) -> None:
    outgoing(V201, "SetMonitoringLevel", "request", {"severity": value})


def test_a_limit_of_the_schema_is_kept_beside_those_of_64_bits() -> None:
    schema = schemas._enforced({"type": "integer", "minimum": 0})

    assert schema == {"type": "integer", "minimum": 0, "maximum": INT64}
    assert schemas._enforced({"type": "integer"})["minimum"] == -INT64
    assert schemas._enforced({"type": "number"}) == {"type": "number"}


def test_of_many_faults_20_are_named() -> None:
    assert len(faults(V16, "GetConfiguration", {"key": [5] * 21})) == 20
    assert len(faults(V16, "GetConfiguration", {"key": [5] * 20})) == 20
    assert len(faults(V16, "GetConfiguration", {f"x{number}": 1 for number in range(21)})) == 20


def test_of_a_payload_beyond_32_KiB_the_first_fault_is_named() -> None:
    def payload(size: int) -> dict[str, Any]:
        fixed = len(str({"key": [5, 6, ""]}))
        return {"key": [5, 6, "x" * (size - fixed)]}

    assert len(str(payload(32 * 1024))) == 32 * 1024
    assert [field for field, _ in faults(V16, "GetConfiguration", payload(32 * 1024))] == [
        "key[0]", "key[1]", "key[2]",
    ]  # fmt: skip
    assert [field for field, _ in faults(V16, "GetConfiguration", payload(32 * 1024 + 1))] == ["key[0]"]


@pytest.mark.parametrize("kind", ["request", "response"])
def test_a_valid_payload_has_no_fault(kind: schemas.Kind) -> None:
    outgoing(V16, "DataTransfer", kind, {"vendorId": "a"} if kind == "request" else {"status": "Accepted"})


def test_a_text_that_cannot_be_sent_is_named_in_a_request() -> None:
    ((field, reason),) = faults(V16, "DataTransfer", {"vendorId": "a", "data": "\ud800"})

    assert field == ""
    assert reason.startswith("cannot be written as JSON: ")


# --- which schemas there are


@pytest.mark.parametrize("version", VERSIONS)
def test_a_version_has_a_request_of_every_action_and_a_response_of_nearly_every(version: str) -> None:
    names = schemas.actions_of(version)

    assert all(schemas.has(version, name, "request") for name in names)
    assert {name for name in names if not schemas.has(version, name, "response")} == (
        {"NotifyPeriodicEventStream"} if version == V21 else set()
    )


def test_an_unknown_message_has_no_schema() -> None:
    assert not schemas.has(V16, "TransactionEvent", "request")
    assert not schemas.has("ocpp9", "Heartbeat", "request")
    with pytest.raises(LookupError, match="^ocpp2.1 has no NotifyPeriodicEventStream response$"):
        schemas.message_schema(V21, "NotifyPeriodicEventStream", "response")


@pytest.mark.parametrize("version", [V201, V21])
def test_the_content_of_custom_data_is_not_validated(version: str) -> None:
    outgoing(version, "Heartbeat", "request", {"customData": {"anything": None}})
    assert faults(version, "Heartbeat", {"customData": 5}) == [
        ("customData", "the value is not of type 'object'")
    ]


def test_a_rule_that_only_the_validator_knows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Nothing:
        found: list[Any] = []

        def __init__(self, *_: Any, **__: Any) -> None:
            pass

    monkeypatch.setattr(schemas, "Walk", Nothing)

    with pytest.raises(errors.PropertyConstraintViolation):
        check(V16, "Reset", "request", {}, strict=False)


def test_a_schema_is_the_one_of_its_message() -> None:
    assert schemas.message_schema(V16, "Reset", "request")["required"] == ["type"]
    assert schemas.message_schema(V16, "Reset", "response")["required"] == ["status"]
    assert "customData" in schemas.message_schema(V201, "Reset", "request")["properties"]
