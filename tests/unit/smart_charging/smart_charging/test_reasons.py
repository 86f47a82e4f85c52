"""The reasons of a refused profile as sentences, and the limits just inside and just outside."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from ocpp_server.domain import Invalid
from ocpp_server.protocol.translate import ChargingProfile, Period, Schedule
from ocpp_server.protocol.versions import V16, V21
from smart_charging.services.smart_charging import reading, rules
from smart_charging.services.smart_charging.abilities import abilities, purposes
from smart_charging.services.smart_charging.rules import Standing

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
SCHEDULE = Schedule(unit="A", periods=(Period(0, 16.0), Period(60, 8.0)), start=NOON)
DEFAULT = ChargingProfile(id=0, stack_level=1, purpose="TxDefaultProfile", kind="Absolute", schedule=SCHEDULE)
STATION_MAX = "ChargingStationMaxProfile"
CAN = abilities(V21, {})


def scheduled(**how: Any) -> ChargingProfile:
    return replace(DEFAULT, schedule=replace(SCHEDULE, **how))


def changed(**how: Any) -> ChargingProfile:
    return replace(DEFAULT, **how)


def reasons(profile: ChargingProfile, evse: int | None = 0, **limits: Any) -> list[str]:
    found = rules.problems(profile, evse=evse, abilities=CAN._replace(**limits), now=NOON)
    return [reason for _field, reason in found]


@pytest.mark.parametrize(
    ("profile", "evse", "limits", "reason"),
    [
        (
            changed(purpose="ChargingStationExternalConstraints"),
            0,
            {},
            "Only the station itself sets external constraints.",
        ),
        (changed(purpose="PriorityCharging"), 0, {"purposes": ("A", "B")}, "Must be one of: A, B."),
        (changed(purpose=STATION_MAX), 1, {}, "A limit of the whole station has no EVSE: leave it out."),
        (changed(purpose="TxProfile"), 0, {}, "A TxProfile needs the EVSE of its session."),
        (changed(transaction_id="5"), 0, {}, "Only a TxProfile belongs to a session."),
        (DEFAULT, 0, {"max_stack_level": 0}, "The station reports 0 as its highest level."),
        (
            replace(scheduled(start=None), kind="Relative", purpose=STATION_MAX),
            0,
            {},
            "A limit of the whole station can't be relative to a session.",
        ),
        (changed(kind="Relative"), 0, {}, "A relative schedule begins with its session: leave it out."),
        (
            replace(scheduled(start=None), kind="Recurring", recurrency="Daily"),
            0,
            {},
            "Required for a recurring schedule.",
        ),
        (changed(kind="Recurring"), 0, {}, "Required for a recurring schedule: Daily or Weekly."),
        (changed(recurrency="Daily"), 0, {}, "Only a recurring schedule has one."),
        (changed(valid_to=NOON), 0, {}, "Must be in the future."),
        (changed(valid_from=NOON + SECOND, valid_to=NOON + SECOND), 0, {}, "Must be after validFrom."),
        (DEFAULT, 0, {"units": frozenset({"W", "K"})}, "The station reports that it takes K, W."),
        (
            replace(scheduled(duration_s=60), purpose="PriorityCharging"),
            0,
            {},
            "A profile for priority charging has none.",
        ),
        (DEFAULT, 0, {"max_periods": 1}, "The station reports 1 periods as its most."),
        (scheduled(periods=(Period(1, 6.0),)), 0, {}, "The first period must start at 0."),
        (
            scheduled(periods=(Period(0, 6.0), Period(0, 8.0))),
            0,
            {},
            "Must be later than the period before.",
        ),
        (
            scheduled(periods=(Period(0, 6.0, 1, 2),)),
            0,
            {"has_phase_to_use": False, "switches_phases": True},
            "OCPP 1.6 has no phaseToUse.",
        ),
        (
            scheduled(periods=(Period(0, 6.0, 3, 2),)),
            0,
            {"switches_phases": True},
            "Needs numberPhases 1.",
        ),
        (
            scheduled(periods=(Period(0, 6.0, None, 2),)),
            0,
            {"switches_phases": True},
            "Needs numberPhases 1.",
        ),
        (
            scheduled(periods=(Period(0, 6.0, 1, 2),)),
            0,
            {},
            "The station does not report that it can switch phases.",
        ),
    ],
)
def test_a_refused_profile_has_its_reason(
    profile: ChargingProfile, evse: int, limits: dict[str, Any], reason: str
) -> None:
    assert reasons(profile, evse, **limits) == [reason]


@pytest.mark.parametrize(
    "profile",
    [
        changed(valid_to=NOON + SECOND),
        changed(valid_from=NOON, valid_to=NOON + SECOND),
        changed(valid_from=NOON - SECOND),
        scheduled(periods=(Period(0, 6.0), Period(1, 8.0))),
        changed(purpose=STATION_MAX),
        replace(scheduled(duration_s=60), purpose="TxDefaultProfile"),
    ],
)
def test_a_profile_just_inside_its_limits_is_not_refused(profile: ChargingProfile) -> None:
    assert reasons(profile) == []


def test_the_places_of_every_wrong_period_are_named() -> None:
    profile = scheduled(periods=(Period(0, 6.0), Period(9, 6.0, 1, 1), Period(9, 6.0), Period(5, 6.0, 1, 1)))

    found = rules.problems(profile, evse=0, abilities=CAN, now=NOON)

    assert [field for field, _reason in found] == [
        "chargingSchedulePeriod[2].startPeriod",
        "chargingSchedulePeriod[3].startPeriod",
        "chargingSchedulePeriod[1].phaseToUse",
        "chargingSchedulePeriod[3].phaseToUse",
    ]


def test_a_warning_is_a_sentence() -> None:
    profile = replace(
        scheduled(duration_s=700_000, periods=(Period(0, 6.0), Period(700_000, 6.0))),
        recurrency="Weekly",
        valid_from=NOON + SECOND,
    )

    assert list(rules.warnings(profile, replaces=True, now=NOON)) == [
        "The schedule is longer than its recurrence: the excess never runs.",
        "A period starts after the duration of the schedule: it never runs.",
        "It replaces the installed profile at once, but is valid only later: nothing in between.",
    ]
    week = replace(scheduled(duration_s=604_800), recurrency="Weekly")
    assert list(rules.warnings(week, replaces=True, now=NOON)) == []
    longer = replace(scheduled(duration_s=604_801), recurrency="Weekly")
    assert len(list(rules.warnings(longer, replaces=True, now=NOON))) == 1


@pytest.mark.parametrize(
    ("place", "number"),
    [
        (("TxDefaultProfile", 999, 999), 2_999_999),
        (("PriorityCharging", 1, 2), 4_001_002),
        (("LocalGeneration", 0, 0), 5_000_000),
        (("TxDefaultProfile", 1000, 0), None),
        (("TxDefaultProfile", 0, 1000), None),
        (("Other", 0, 0), None),
    ],
)
@pytest.mark.parametrize("drawn", [0, -1])
def test_a_place_beyond_its_digits_gets_a_number_by_chance(
    monkeypatch: pytest.MonkeyPatch, place: tuple[str, int, int], number: int | None, drawn: int
) -> None:
    purpose, evse, level = place
    monkeypatch.setattr(rules.secrets, "randbelow", lambda below: drawn % below)
    profile = changed(purpose=purpose, stack_level=level)

    found = rules.number(profile, evse=evse, standing=[], above=10)

    by_chance = 100_000_010 if drawn == 0 else 1_100_000_009
    assert found == (by_chance if number is None else number + 10)


@pytest.mark.parametrize(
    ("old", "given", "competes"),
    [
        ({"valid_from": NOON}, {"valid_to": NOON}, False),
        ({"valid_from": NOON}, {"valid_to": NOON + SECOND}, True),
        ({"valid_to": NOON}, {"valid_from": NOON}, False),
        ({"valid_to": NOON + SECOND}, {"valid_from": NOON}, True),
    ],
)
def test_profiles_that_follow_each_other_do_not_compete(
    old: dict[str, Any], given: dict[str, Any], competes: bool
) -> None:
    here = Standing(7, 0, "TxDefaultProfile", 1, **old)

    found = rules.competitor(changed(id=9, **given), evse=0, standing=[here._replace(id=9), here])

    assert found == (here if competes else None)


@pytest.mark.parametrize("version", [V16, V21])
def test_the_purposes_are_in_the_order_of_the_schema(version: str) -> None:
    purposes.cache_clear()  # filled by the other tests

    found = abilities(version, {}).purposes

    assert found[:3] == ("ChargingStationMaxProfile", "TxDefaultProfile", "TxProfile")


# -- values of the API ---------------------------------------------------------------------------------------

PERIOD = {"startPeriod": 0, "limit": 16}


def read(period: dict[str, Any] | None = None, **given: Any) -> ChargingProfile:
    return reading.read({"chargingSchedulePeriod": [PERIOD | (period or {})], **given}, at=NOON)


@pytest.mark.parametrize(
    ("period", "given"),
    [
        ({"limit": 2**31 - 1}, {}),
        ({"limit": 0}, {}),
        ({"startPeriod": 2**31 - 1}, {}),
        ({"numberPhases": 1, "phaseToUse": 1}, {}),
        ({"numberPhases": 3, "phaseToUse": 3}, {}),
        ({}, {"stackLevel": 2**31 - 1, "chargingProfileId": 0, "duration": 1, "minChargingRate": 0}),
        ({}, {"chargingSchedulePeriod": [PERIOD] * 1024}),
    ],
)
def test_the_largest_and_the_smallest_values_are_read(period: dict[str, Any], given: dict[str, Any]) -> None:
    assert read(period, **given)


@pytest.mark.parametrize(
    ("period", "reason"),
    [
        ({"limit": 2**31}, "Must be a number, 0 or more."),
        ({"limit": "16"}, "Must be a number, 0 or more."),
        ({"startPeriod": -1}, "Must be a whole number from 0 to 2147483647."),
        ({"numberPhases": 0}, "Must be a whole number from 1 to 3."),
        ({"phaseToUse": 4}, "Must be a whole number from 1 to 3."),
    ],
)
def test_a_value_just_outside_is_refused_once(period: dict[str, Any], reason: str) -> None:
    with pytest.raises(Invalid, match="The charging profile is not valid") as refused:
        read(period)

    (error,) = refused.value.errors
    (name,) = period
    assert error == {"field": f"chargingSchedulePeriod[0].{name}", "reason": reason}


def test_a_time_may_be_a_date_with_or_without_a_zone() -> None:
    profile = read(
        validFrom=NOON.astimezone(timezone(timedelta(hours=2))), startSchedule="2026-05-04T12:00:00"
    )

    assert (profile.valid_from, profile.schedule.start) == (NOON, NOON)
    assert profile.valid_from is not None and profile.valid_from.tzinfo is UTC
    assert profile.schedule.start is not None and profile.schedule.start.tzinfo is UTC


def test_a_wrong_begin_is_one_error_and_unknown_fields_name_the_known_ones() -> None:
    with pytest.raises(Invalid) as refused:
        read(startSchedule="soon", odd=1, even=2)

    known = ", ".join(sorted(reading.FIELDS))
    assert refused.value.errors == [
        {"field": "even", "reason": f"Unknown; known are {known}."},
        {"field": "odd", "reason": f"Unknown; known are {known}."},
        {"field": "startSchedule", "reason": "Must be a time such as 2026-11-28T10:00:00Z."},
    ]
