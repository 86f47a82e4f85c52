"""A MiB message that breaks its schema everywhere is validated quickly: all stations wait for it."""

from __future__ import annotations

import time
from typing import Any

import pytest

from ocpp_server.protocol import schemas
from ocpp_server.protocol.errors import OcppError
from ocpp_server.protocol.versions import V16, V201

# Seconds of one thread. On an idle machine a test takes a tenth of a second; it once took fifteen seconds.
SOON = 3.0
AT = "2026-11-28T14:00:00Z"


def values(samples: list[Any]) -> dict[str, Any]:
    return {"connectorId": 1, "meterValue": [{"timestamp": AT, "sampledValue": samples}]}


def validated_kinds(payload: dict[str, Any], action: str = "MeterValues", version: str = V16) -> set[str]:
    """The kinds of deviations of a payload; fails when the validation takes too long."""
    began = time.thread_time()
    try:
        found = schemas.check(version, action, "request", payload, strict=False)
    finally:
        assert time.thread_time() - began < SOON
    return {deviation.kind for deviation in found}


def test_many_values_that_are_no_samples_are_refused() -> None:
    with pytest.raises(OcppError):
        validated_kinds(values([1] * 400_000))


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


def test_a_tolerated_fault_ends_the_validation_and_is_reported() -> None:
    payload = values([{"value": "1", "measurand": "Odd"} for _ in range(40_000)])

    assert validated_kinds(payload) == {"unknown-value", "not-judged"}


def test_many_unknown_fields_are_validated_quickly() -> None:
    samples = [{"value": 1, "measurand": "Voltage", "unknown": 1} for _ in range(20_000)]
    payload = {"evseId": 1, "meterValue": [{"timestamp": AT, "sampledValue": samples}]}

    assert validated_kinds(payload, version=V201) == {"extra-property", "not-judged"}


def test_a_strict_station_gets_the_first_fault() -> None:
    with pytest.raises(OcppError):
        schemas.check(V16, "MeterValues", "request", values([{"value": 1}] * 40_000), strict=True)
