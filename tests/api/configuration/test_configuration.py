"""Stored and live configuration over REST."""

from __future__ import annotations

from typing import Any

import pytest

from chargepoints.models import ChargePoint
from configuration.models import StoredKey
from tests.api.conftest import Caller

GARAGE = "/api/v1/chargepoints/GARAGE%201/configuration"


def test_all_stored_keys_come_with_value_and_readonly(viewer: Caller, garage: ChargePoint) -> None:
    found = viewer.get(GARAGE).info

    assert found["configuration"]["HeartbeatInterval"] == {"value": "300", "readonly": False}
    assert found["configuration"]["NumberOfConnectors"] == {"value": "2", "readonly": True}
    assert "unknownKeys" not in found
    assert found == viewer.get(f"{GARAGE}/export").info


def test_keys_are_split_on_commas_and_unknown_ones_named(viewer: Caller, garage: ChargePoint) -> None:
    found = viewer.get(f"{GARAGE}?keys=heartbeatinterval,%20BlinkRepeat,Nonsense,,").info

    assert list(found["configuration"]) == ["HeartbeatInterval", "BlinkRepeat"]
    assert found["unknownKeys"] == ["Nonsense"]


@pytest.mark.parametrize(
    ("key", "value", "status", "success"),
    [
        ("HeartbeatInterval", "60", "Accepted", True),
        ("HeartbeatInterval", "-1", "Rejected", False),
        ("StopTxnAlignedData", "", "Accepted", True),
        ("MeterValuesSampledData", "", "Accepted", True),
        ("WebSocketPingInterval", "30", "RebootRequired", True),
        ("WebSocketPingInterval", "60", "Accepted", True),
        ("VendorName", "Me", "Rejected", False),
        ("Nonsense", "1", "NotSupported", False),
    ],
)
def test_a_change_is_200_with_one_of_four_statuses(  # noqa: PLR0917 - a table's columns
    operator: Caller, garage: ChargePoint, key: str, value: str, status: str, success: bool
) -> None:
    response = operator.put(GARAGE, {"key": key, "value": value})

    assert response.status_code == 200
    assert response.info["status"] == status
    assert response.answer["success"] is success


def test_a_change_is_stored_and_read_again(operator: Caller, garage: ChargePoint) -> None:
    operator.put(GARAGE, {"key": "MeterValuesSampledData", "value": ""})

    assert operator.get(f"{GARAGE}?keys=MeterValuesSampledData").info["configuration"] == {
        "MeterValuesSampledData": {"value": "", "readonly": False}
    }


def test_the_authorization_key_is_written_and_never_returned(operator: Caller, garage: ChargePoint) -> None:
    secret = "00112233445566778899aabbccddeeff"

    changed = operator.put(GARAGE, {"key": "AuthorizationKey", "value": secret})
    asked = operator.get(f"{GARAGE}?keys=AuthorizationKey")

    assert changed.info["status"] == "Accepted"
    assert asked.info["configuration"] == {"AuthorizationKey": {"value": None, "readonly": False}}
    assert "AuthorizationKey" not in operator.get(GARAGE).info["configuration"]
    assert secret not in "".join(StoredKey.objects.values_list("value", flat=True))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"value": "1"}, "key"),
        ({"key": "HeartbeatInterval"}, "value"),
        ({"key": "HeartbeatInterval", "value": 60}, "value"),
        ({"key": "HeartbeatInterval", "value": None}, "value"),
        ({"key": "", "value": "1"}, "key"),
        ({"key": "K" * 51, "value": "1"}, "key"),
        ({"key": "HeartbeatInterval", "value": "1" * 501}, "value"),
        ({"key": "HeartbeatInterval", "value": "1", "timeout": 5}, "timeout"),
    ],
)
def test_an_invalid_change_is_400(
    operator: Caller, garage: ChargePoint, body: dict[str, Any], field: str
) -> None:
    response = operator.put(GARAGE, body)

    assert response.status_code == 400
    assert [error["field"] for error in response.info["errors"]] == [field]


def test_live_configuration_of_an_offline_station_is_503_and_names_the_stored_values(
    operator: Caller, garage: ChargePoint
) -> None:
    read = operator.get(f"{GARAGE}/live?keys=HeartbeatInterval")
    changed = operator.put(f"{GARAGE}/live", {"key": "VendorSpecific", "value": "1"})

    assert read.status_code == changed.status_code == 503
    assert "tored values" in read.answer["message"]


def test_a_viewer_reads_stored_keys_and_sends_no_request_to_a_station(
    viewer: Caller, garage: ChargePoint
) -> None:
    assert viewer.get(GARAGE).status_code == 200
    assert viewer.get(f"{GARAGE}/live").status_code == 403


@pytest.mark.parametrize("keys", ["HeartbeatInterval", "A.B.C", "[x].Y", ".", "A[].B"])
def test_a_2x_station_is_asked_for_named_variables(operator: Caller, garage: ChargePoint, keys: str) -> None:
    ChargePoint.objects.update(ocpp_version="ocpp2.0.1")

    response = operator.get(f"{GARAGE}/live?keys={keys}")

    assert response.status_code == 400
    assert response.info["errors"][0]["field"] == "keys"


def test_too_many_keys_at_once_are_400(operator: Caller, garage: ChargePoint) -> None:
    keys = ",".join(f"K{number}" for number in range(101))

    assert operator.get(f"{GARAGE}/live?keys={keys}").status_code == 400
    assert operator.get(f"{GARAGE}/live?timeout=0.5").status_code == 400
