"""A charging profile from the fields of the API: its defaults, and the reason of each wrong field."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ocpp_server.domain import Invalid
from ocpp_server.protocol.translate import ChargingProfile, Period, Schedule
from smart_charging.services.smart_charging.reading import FIELDS, read

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
PERIODS = [{"startPeriod": 0, "limit": 16}]


def test_a_limit_alone_is_a_default_profile_that_begins_now() -> None:
    assert read({"chargingSchedulePeriod": PERIODS, "validTo": None}, at=NOON) == ChargingProfile(
        id=0,
        stack_level=0,
        purpose="TxDefaultProfile",
        kind="Absolute",
        schedule=Schedule(unit="A", periods=(Period(0, 16.0),), start=NOON),
    )


def test_every_field_is_read() -> None:
    given = {
        "chargingProfileId": 7,
        "stackLevel": 2,
        "chargingProfilePurpose": "ChargePointMaxProfile",
        "chargingProfileKind": "Recurring",
        "recurrencyKind": "Weekly",
        "validFrom": "2026-05-04T14:00:00+02:00",
        "validTo": "2026-05-05T12:00:00",
        "transactionId": 1000,
        "chargingRateUnit": "W",
        "startSchedule": "2026-05-04T12:00:00Z",
        "duration": 60,
        "minChargingRate": 1380,
        "useLocalTime": True,
        "randomizedDelay": 5,
        "limitAtSoC": {"soc": 80, "limit": 4},
        "maxOfflineDuration": 60,
        "invalidAfterOfflineDuration": False,
        "dynUpdateInterval": 15,
        "chargingSchedulePeriod": [
            {"startPeriod": 0, "limit": 11000.5, "numberPhases": 1, "phaseToUse": 3},
            {"startPeriod": 30, "limit": 0},
        ],
    }

    assert given.keys() == FIELDS
    assert read(given, at=NOON) == ChargingProfile(
        id=7,
        stack_level=2,
        purpose="ChargingStationMaxProfile",
        kind="Recurring",
        recurrency="Weekly",
        valid_from=NOON,
        valid_to=NOON.replace(day=5),
        transaction_id="1000",
        schedule=Schedule(
            unit="W",
            periods=(Period(0, 11000.5, 1, 3), Period(30, 0.0)),
            start=NOON,
            duration_s=60,
            min_rate=1380.0,
            more={"useLocalTime": True, "randomizedDelay": 5, "limitAtSoC": {"soc": 80, "limit": 4.0}},
        ),
        more={"maxOfflineDuration": 60, "invalidAfterOfflineDuration": False, "dynUpdateInterval": 15},
    )


@pytest.mark.parametrize("kind", ["Relative", "Recurring"])
def test_only_an_absolute_schedule_begins_now(kind: str) -> None:
    profile = read({"chargingProfileKind": kind, "chargingSchedulePeriod": PERIODS}, at=NOON)

    assert profile.schedule.start is None


PERIOD = "chargingSchedulePeriod[0]"
NUMBER = "Must be a number, 0 or more."


@pytest.mark.parametrize(
    ("given", "field", "reason"),
    [
        ({"colour": 1}, "colour", "Unknown"),
        ({"stackLevel": -1}, "stackLevel", "Must be a whole number from 0 to 2147483647."),
        ({"stackLevel": True}, "stackLevel", "whole number"),
        ({"stackLevel": 1.0}, "stackLevel", "whole number"),
        ({"stackLevel": 2**31}, "stackLevel", "whole number"),
        ({"duration": 0}, "duration", "from 1 to"),
        ({"chargingProfileKind": "Fixed"}, "chargingProfileKind", "Must be one of: Absolute"),
        ({"chargingProfileKind": ["Absolute"]}, "chargingProfileKind", "Must be one of"),
        ({"recurrencyKind": "Hourly"}, "recurrencyKind", "Must be one of: Daily, Weekly."),
        ({"chargingRateUnit": "kW"}, "chargingRateUnit", "Must be one of: A, W."),
        ({"chargingProfilePurpose": 5}, "chargingProfilePurpose", "Must be a text."),
        ({"validFrom": "soon"}, "validFrom", "Must be a time"),
        ({"validTo": 5}, "validTo", "Must be a time"),
        ({"startSchedule": "0001-01-01T00:00:00+14:00"}, "startSchedule", "Must be a time"),
        ({"minChargingRate": "6"}, "minChargingRate", NUMBER),
        ({"chargingSchedulePeriod": None}, "chargingSchedulePeriod", "Must be a list of 1 to 1024 periods."),
        ({"chargingSchedulePeriod": []}, "chargingSchedulePeriod", "list of 1 to"),
        ({"chargingSchedulePeriod": PERIODS * 1025}, "chargingSchedulePeriod", "list of 1 to"),
        ({"chargingSchedulePeriod": {"limit": 6}}, "chargingSchedulePeriod", "list of 1 to"),
        ({"chargingSchedulePeriod": [16]}, PERIOD, "Must be an object with startPeriod and limit."),
        ({"chargingSchedulePeriod": [{"startPeriod": 0}]}, f"{PERIOD}.limit", "Required."),
        ({"chargingSchedulePeriod": [{"limit": 6}]}, f"{PERIOD}.startPeriod", "Required."),
        ({"chargingSchedulePeriod": [{"startPeriod": 0, "limit": -1}]}, f"{PERIOD}.limit", NUMBER),
        ({"chargingSchedulePeriod": [{"startPeriod": 0, "limit": True}]}, f"{PERIOD}.limit", NUMBER),
        ({"chargingSchedulePeriod": [{"startPeriod": 0, "limit": float("inf")}]}, f"{PERIOD}.limit", NUMBER),
        ({"chargingSchedulePeriod": [{"startPeriod": 0, "limit": float("nan")}]}, f"{PERIOD}.limit", NUMBER),
        (
            {"chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6, "numberPhases": 4}]},
            f"{PERIOD}.numberPhases",
            "from 1 to 3",
        ),
        (
            {"chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6, "power": 4}]},
            f"{PERIOD}.power",
            "Unknown; known are dischargeLimit, ",
        ),
    ],
)
def test_a_wrong_field_is_named_with_its_reason(given: dict[str, Any], field: str, reason: str) -> None:
    with pytest.raises(Invalid) as refused:
        read({"chargingSchedulePeriod": PERIODS, **given}, at=NOON, below="x.")

    (error,) = refused.value.errors
    assert error["field"] == f"x.{field}"
    assert reason in error["reason"]


def test_a_period_needs_its_begin_and_its_limit() -> None:
    with pytest.raises(Invalid) as refused:
        read({"chargingSchedulePeriod": [{}]}, at=NOON)

    assert refused.value.errors == [
        {"field": f"{PERIOD}.{name}", "reason": "Required."} for name in ("limit", "startPeriod")
    ]


def test_all_wrong_fields_are_named_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        read({"stackLevel": "1", "duration": "2"}, at=NOON)

    assert [error["field"] for error in refused.value.errors] == [
        "stackLevel",
        "chargingSchedulePeriod",
        "duration",
    ]
