"""Charging profiles between the dialects, and the composite schedules of stations."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from ocpp_server.protocol import schemas, translate
from ocpp_server.protocol.translate import ChargingProfile, Period, Schedule
from ocpp_server.protocol.translate.charging_profiles import tenths
from ocpp_server.protocol.versions import V16, V21, V201

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
FULL = ChargingProfile(
    id=2_001_001,
    stack_level=1,
    purpose="TxProfile",
    kind="Recurring",
    recurrency="Daily",
    valid_from=NOON,
    valid_to=NOON.replace(day=5),
    transaction_id="1000",
    schedule=Schedule(
        unit="A",
        periods=(Period(0, 16.0, 3), Period(60, 8.25, 1, 2)),
        start=NOON,
        duration_s=3600,
        min_rate=6.0,
    ),
)
SMALL = ChargingProfile(
    id=1,
    stack_level=0,
    purpose="ChargingStationMaxProfile",
    kind="Relative",
    schedule=Schedule(unit="W", periods=(Period(0, 11000.0),)),
)


def test_a_profile_of_1_6_has_one_schedule_one_decimal_and_no_phase_to_use() -> None:
    assert translate.charging_profile_16(FULL) == {
        "chargingProfileId": 2_001_001,
        "stackLevel": 1,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Recurring",
        "recurrencyKind": "Daily",
        "validFrom": "2026-05-04T12:00:00.000Z",
        "validTo": "2026-05-05T12:00:00.000Z",
        "transactionId": 1000,
        "chargingSchedule": {
            "duration": 3600,
            "startSchedule": "2026-05-04T12:00:00.000Z",
            "chargingRateUnit": "A",
            "minChargingRate": 6.0,
            "chargingSchedulePeriod": [
                {"startPeriod": 0, "limit": 16.0, "numberPhases": 3},
                {"startPeriod": 60, "limit": 8.2, "numberPhases": 1},
            ],
        },
    }


def test_a_profile_of_2_x_has_a_list_of_schedules_and_a_text_as_transaction() -> None:
    written = translate.charging_profile_2x(FULL)

    assert (written["id"], written["transactionId"]) == (2_001_001, "1000")
    assert "chargingProfileId" not in written
    (schedule,) = written["chargingSchedule"]
    assert schedule["id"] == 2_001_001
    assert schedule["chargingSchedulePeriod"][1] == {
        "startPeriod": 60,
        "limit": 8.25,
        "numberPhases": 1,
        "phaseToUse": 2,
    }


@pytest.mark.parametrize("profile", [FULL, SMALL])
def test_both_spellings_fit_their_schemas_and_are_read_as_the_same_profile(profile: ChargingProfile) -> None:
    old, new = translate.charging_profile_16(profile), translate.charging_profile_2x(profile)

    schemas.outgoing(V16, "SetChargingProfile", "request", {"connectorId": 1, "csChargingProfiles": old})
    for version in (V201, V21):
        schemas.outgoing(version, "SetChargingProfile", "request", {"evseId": 1, "chargingProfile": new})
    assert translate.charging_profile(new) == profile
    rounded = tuple(
        period._replace(limit=tenths(period.limit or 0), phase_to_use=None)
        for period in profile.schedule.periods
    )
    assert translate.charging_profile(old) == replace(
        profile, schedule=replace(profile.schedule, periods=rounded)
    )


def test_the_limit_of_the_station_has_another_name_in_1_6() -> None:
    assert translate.charging_profile_16(SMALL)["chargingProfilePurpose"] == "ChargePointMaxProfile"
    assert translate.charging_profile_2x(SMALL)["chargingProfilePurpose"] == "ChargingStationMaxProfile"


@pytest.mark.parametrize(
    ("limit", "down"),
    [(16.0, 16.0), (6.25, 6.2), (0.29, 0.2), (8.3, 8.3), (16.1, 16.1), (0.0, 0.0), (31.99, 31.9)],
)
def test_a_limit_is_rounded_down_to_one_decimal(limit: float, down: float) -> None:
    assert tenths(limit) == down


PERIODS = [
    {"startPeriod": 60, "limit": 8.0},
    {"startPeriod": 0, "limit": 16.0, "numberPhases": 3},
    {"startPeriod": 120, "limit": 8.0},
]
JOINED = (Period(0, 16.0, 3), Period(60, 8.0))


@pytest.mark.parametrize(
    ("response", "schedule"),
    [
        ({"status": "Accepted"}, None),
        (
            {
                "scheduleStart": "2026-05-04T12:00:00Z",
                "chargingSchedule": {
                    "duration": 600,
                    "startSchedule": "2020-01-01T00:00:00Z",
                    "chargingRateUnit": "A",
                    "chargingSchedulePeriod": PERIODS,
                },
            },
            Schedule(unit="A", periods=JOINED, start=NOON, duration_s=600),
        ),
        (
            {
                "chargingSchedule": {
                    "startSchedule": "2026-05-04T14:00:00+02:00",
                    "chargingRateUnit": "W",
                    "chargingSchedulePeriod": [],
                },
            },
            Schedule(unit="W", periods=(), start=NOON),
        ),
    ],
)
def test_a_composite_schedule_of_1_6(response: dict[str, Any], schedule: Schedule | None) -> None:
    assert translate.composite_16(response) == schedule


def test_a_composite_schedule_of_2_x() -> None:
    found = {
        "evseId": 1,
        "duration": 600,
        "scheduleStart": "2026-05-04T12:00:00",
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": PERIODS,
    }

    schedule = translate.composite_2x({"status": "Accepted", "schedule": found})

    assert schedule == Schedule(unit="A", periods=JOINED, start=NOON, duration_s=600)
    assert translate.composite_2x({"status": "Rejected"}) is None
    assert translate.schedule_json(schedule) == {
        "chargingRateUnit": "A",
        "startSchedule": "2026-05-04T12:00:00.000Z",
        "duration": 600,
        "chargingSchedulePeriod": [
            {"startPeriod": 0, "limit": 16.0, "numberPhases": 3},
            {"startPeriod": 60, "limit": 8.0},
        ],
    }


def test_a_time_that_cannot_be_read_is_left_out() -> None:
    value = translate.charging_profile_16(SMALL) | {"validFrom": "yesterday", "validTo": 5}

    profile = translate.charging_profile(value)

    assert (profile.valid_from, profile.valid_to) == (None, None)
