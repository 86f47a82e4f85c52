"""Stored messages that follow a command: their numbers, parts, objects and repetitions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
import pytest

from chargepoints.services.follow_ups import personal
from chargepoints.services.follow_ups.recording import record, whole
from chargepoints.tables import FOLLOW_UPS
from tests.unit.chargepoints.in_memory import NOON, STATION, a_station, rows


def recorded(action: str, request: dict[str, Any], *, minutes: float = 0, frame: str = "") -> dict[str, Any]:
    station = a_station()
    station.begin(
        frame or orjson.dumps([2, "m", action, request]).decode(), NOON + timedelta(minutes=minutes)
    )
    station.action, station.payload = action, orjson.dumps(request).decode()

    record(station=station, request=request)

    (row,) = rows(station, FOLLOW_UPS)
    return row


def test_a_part_of_a_report_is_stored_with_its_numbers() -> None:
    row = recorded("NotifyReport", {"requestId": 4, "seqNo": 2, "tbc": True, "generatedAt": "x"})

    assert (row["charge_point_id"], row["action"], row["received_at"]) == (STATION, "NotifyReport", NOON)
    assert (row["request_id"], row["seq_no"], row["is_last"]) == (4, 2, False)
    assert (row["reference"], row["status"], row["personal_data"]) == ("", "", "")
    assert orjson.loads(row["payload"])["generatedAt"] == "x"


@pytest.mark.parametrize(
    ("action", "request_", "is_last"),
    [
        ("NotifyReport", {"tbc": True}, False),
        ("NotifyReport", {"tbc": False}, True),
        ("NotifyReport", {}, True),
        # Only reports have parts.
        ("NotifyPriorityCharging", {"tbc": True}, True),
    ],
)
def test_a_report_ends_with_the_part_that_nothing_follows(
    action: str, request_: dict[str, Any], is_last: bool
) -> None:
    assert recorded(action, request_)["is_last"] is is_last


@pytest.mark.parametrize(
    ("action", "request_", "number", "reference"),
    [
        ("ReservationStatusUpdate", {"reservationId": 5}, 5, "reservationId 5"),
        ("NotifyChargingLimit", {"evseId": 1}, None, "evseId 1"),
        (
            "ClearedChargingLimit",
            {"evseId": 1, "chargingLimitSource": "EMS"},
            None,
            "evseId 1 chargingLimitSource EMS",
        ),
        (
            "ClearedChargingLimit",
            {"chargingLimitSource": "x" * 300},
            None,
            f"chargingLimitSource {'x' * 235}",
        ),
        ("OpenPeriodicEventStream", {"id": 3}, None, ""),
        ("ClosePeriodicEventStream", {"id": 3}, None, "id 3"),
    ],
)
def test_a_message_names_its_object(
    action: str, request_: dict[str, Any], number: int | None, reference: str
) -> None:
    row = recorded(action, request_)

    assert (row["request_id"], row["reference"]) == (number, reference)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"status": "Idle"}, "Idle"),
        ({"reservationUpdateStatus": "Expired"}, "Expired"),
        ({"eventType": "BatteryIn"}, "BatteryIn"),
        ({"status": "x" * 65}, "x" * 64),
        ({"status": 5}, ""),
        ({}, ""),
    ],
)
def test_a_message_has_the_status_of_its_action(request_: dict[str, Any], status: str) -> None:
    assert recorded("LogStatusNotification", request_)["status"] == status


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (5, 5),
        (0, 0),
        (2**63, 2**63 - 1),
        (-(2**64), -(2**63 - 1)),
        (True, None),
        ("5", None),
        (5.0, None),
        (None, None),
    ],
)
def test_a_number_fits_its_column_or_is_none(value: object, number: int | None) -> None:
    assert whole(value) == number
    assert isinstance(whole(value), int) is (number is not None)


def test_personal_data_are_encrypted_and_not_in_the_payload() -> None:
    row = recorded("NotifyCustomerInformation", {"requestId": 1, "seqNo": 0, "data": "Alice Miller"})

    assert personal.unseal(row["personal_data"]) == "Alice Miller"
    assert "Alice" not in row["payload"] + row["personal_data"]
    assert recorded("NotifyCustomerInformation", {"data": ""})["personal_data"] == ""
    assert recorded("NotifyCustomerInformation", {"data": 5})["personal_data"] == ""


def same(action: str, first: dict[str, Any], second: dict[str, Any], **more: Any) -> bool:
    one, two = recorded(action, first, frame="a"), recorded(action, second, **{"frame": "a"} | more)
    assert len(one["fingerprint"]) == 32
    return bool(one["fingerprint"] == two["fingerprint"])


NUMBERED, PLAIN = {"requestId": 1, "seqNo": 0}, {"requestId": 1}


def test_a_numbered_part_is_the_same_under_any_message_id_and_at_any_time() -> None:
    assert same("NotifyReport", NUMBERED, NUMBERED, frame="b", minutes=600)
    assert not same("NotifyReport", NUMBERED, NUMBERED | {"seqNo": 1})


def test_any_other_message_is_the_same_in_the_same_frame_and_hour() -> None:
    assert same("NotifyDisplayMessages", PLAIN, PLAIN, minutes=59)
    assert not same("NotifyDisplayMessages", PLAIN, PLAIN, minutes=60)
    assert not same("NotifyDisplayMessages", PLAIN, PLAIN, frame="b")
    assert not same("NotifyDisplayMessages", PLAIN, PLAIN, minutes=24 * 60)


def test_the_same_payload_of_another_action_is_another_message() -> None:
    one = recorded("NotifyReport", NUMBERED)["fingerprint"]

    assert one != recorded("NotifyMonitoringReport", NUMBERED)["fingerprint"]
