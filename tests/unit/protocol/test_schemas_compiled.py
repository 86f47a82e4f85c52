"""Schemas as the server compiles them, in a process that has compiled none before."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_server.protocol import errors, schemas
from ocpp_server.protocol.schemas import PayloadInvalid, check, outgoing
from ocpp_server.protocol.versions import V16, V21, V201
from tests.unit.protocol.samples import profile


@pytest.fixture(autouse=True)
def fresh_schemas() -> None:
    schemas._message.cache_clear()
    schemas._files.cache_clear()


LIMIT = "csChargingProfiles.chargingSchedule.chargingSchedulePeriod[0].limit"


@pytest.mark.parametrize(
    ("version", "action", "kind", "payload", "fault"),
    [
        (
            V201,
            "Heartbeat",
            "request",
            {"customData": 5},
            ("customData", "the value is not of type 'object'"),
        ),
        (V21, "Heartbeat", "request", {"customData": []}, ("customData", "a list is not of type 'object'")),
        # This schema allows no property, and has no list of them.
        (V16, "SecurityEventNotification", "response", {"a": 1}, ("a", "is not a known property")),
        (
            V16,
            "GetDiagnostics",
            "request",
            {"location": "ftp://a", "startTime": "noon"},
            ("startTime", "'noon' is not a date-time"),
        ),
        (
            V16,
            "SetChargingProfile",
            "request",
            profile(6.25),
            (LIMIT, "6.25 is not a multiple of 0.1"),
        ),
    ],
)
def test_an_invalid_field_is_named_with_its_rule(
    version: str, action: str, kind: schemas.Kind, payload: dict[str, Any], fault: tuple[str, str]
) -> None:
    with pytest.raises(PayloadInvalid) as raised:
        outgoing(version, action, kind, payload)

    assert [(each["field"], each["reason"]) for each in raised.value.errors] == [fault]


def test_the_name_of_another_version_is_refused_by_the_strict_validation() -> None:
    payload = {"listVersion": 3}

    with pytest.raises(errors.FormatViolation, match="^listVersion: is not a known property$"):
        check(V201, "GetLocalListVersion", "response", payload, strict=True)
    assert payload == {"listVersion": 3}


def test_a_name_of_another_version_does_not_hide_the_other_deviations() -> None:
    payload = {"listVersion": 3, "colour": "red"}

    found = check(V201, "GetLocalListVersion", "response", payload, strict=False)

    assert [each.kind for each in found] == ["name-of-other-version", "extra-property"]
    assert payload["versionNumber"] == 3


def test_a_name_of_another_version_is_the_only_deviation_of_an_otherwise_valid_payload() -> None:
    found = check(V201, "GetLocalListVersion", "response", {"listVersion": 3}, strict=False)

    assert [(each.kind, each.path) for each in found] == [("name-of-other-version", "listVersion")]
