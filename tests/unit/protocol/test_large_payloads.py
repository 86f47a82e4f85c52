"""A MiB message that breaks its schema everywhere is validated quickly: all stations wait for it."""

from __future__ import annotations

import time
from typing import Any

import pytest

from ocpp_server.protocol import exact, schemas
from ocpp_server.protocol.errors import OcppError
from ocpp_server.protocol.versions import V16, V201

# Seconds of one thread. On an idle machine a MiB takes a third of a second; it once took fifteen seconds.
SOON = 3.0
AT = "2026-11-28T14:00:00Z"


def values(samples: list[Any]) -> dict[str, Any]:
    return {"connectorId": 1, "meterValue": [{"timestamp": AT, "sampledValue": samples}]}


def validated_kinds(
    payload: dict[str, Any], action: str = "MeterValues", version: str = V16, kind: exact.Kind = "request"
) -> set[str]:
    """The kinds of deviations of a payload; fails when the validation takes too long."""
    began = time.thread_time()
    try:
        found = schemas.check(version, action, kind, payload, strict=False)
    finally:
        assert time.thread_time() - began < SOON
    return {deviation.kind for deviation in found}


def test_many_values_that_are_no_samples_are_refused() -> None:
    with pytest.raises(OcppError):
        validated_kinds(values([1] * 400_000))


def test_more_repairs_than_a_message_needs_are_refused() -> None:
    payload = {"chargingProfile": {"chargingLimitSource": [1] * 500_000}}
    with pytest.raises(OcppError):
        schemas.check(V201, "GetChargingProfiles", "request", payload, strict=False)
    with pytest.raises(OcppError):
        validated_kinds({"unknownKey": [1] * 500_000}, "GetConfiguration", kind="response")


def test_many_broken_items_are_dropped_up_to_a_limit() -> None:
    def keys(count: int) -> dict[str, Any]:
        return {"configurationKey": [{"key": "a", "readonly": True}, *({"key": "b"} for _ in range(count))]}

    payload = keys(1000)
    assert validated_kinds(payload, "GetConfiguration", kind="response") == {"dropped-item"}
    assert payload == keys(0)
    with pytest.raises(OcppError):
        validated_kinds(keys(1001), "GetConfiguration", kind="response")


@pytest.mark.parametrize(
    ("sample", "kind"),
    [
        ({"value": 1}, "number-for-text"),
        ({"value": True}, "boolean-for-text"),
        ({"value": "1", "unit": None}, "null-property"),
        ({"value": "1", "unit": ""}, "empty-text"),
        ({"value": "1", "measurand": "voltage"}, "wrong-case"),
        ({"value": ["1"]}, "list-for-value"),
    ],
)
def test_each_kind_of_repair_is_applied_to_every_item(sample: dict[str, Any], kind: str) -> None:
    payload = values([dict(sample) for _ in range(40_000)])

    assert validated_kinds(payload) == {kind}
    schemas.outgoing(V16, "MeterValues", "request", payload)


def test_every_number_is_repaired_at_any_place() -> None:
    payload = values([{"value": number} for number in range(40_000)])
    payload["meterValue"].append({"timestamp": AT, "sampledValue": [{"value": "7"}, {"value": 8.5}]})

    kinds = validated_kinds(payload)

    assert kinds == {"number-for-text"}
    assert payload["meterValue"][0]["sampledValue"][39_999] == {"value": "39999"}
    assert payload["meterValue"][1]["sampledValue"] == [{"value": "7"}, {"value": "8.5"}]


def test_different_faults_of_a_large_message_are_repaired_one_after_the_other() -> None:
    payload = values([{"value": 1, "unit": None} for _ in range(20_000)])
    payload["transactionId"] = None

    assert validated_kinds(payload) == {"number-for-text", "null-property"}
    assert payload == values([{"value": "1"} for _ in range(20_000)])


def test_a_tolerated_fault_does_not_end_the_validation() -> None:
    payload = values([{"value": "1", "measurand": "Odd"} for _ in range(40_000)])
    payload["transactionId"] = None

    assert "unknown-value" in validated_kinds(payload)
    assert "transactionId" not in payload


def test_many_unknown_fields_are_validated_quickly() -> None:
    samples = [{"value": 1, "measurand": "Voltage", "unknown": 1} for _ in range(20_000)]
    payload = {"evseId": 1, "meterValue": [{"timestamp": AT, "sampledValue": samples}]}

    assert validated_kinds(payload, version=V201) == {"extra-property"}


def test_a_strict_station_gets_the_first_fault() -> None:
    with pytest.raises(OcppError):
        schemas.check(V16, "MeterValues", "request", values([{"value": 1}] * 40_000), strict=True)
