"""The rules for a profile before it is sent, by OCPP and by the reports of the station."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ocpp_server.protocol.translate import ChargingProfile, Period, Schedule
from ocpp_server.protocol.versions import V16, V21, V201, VERSIONS
from smart_charging.services.smart_charging import rules
from smart_charging.services.smart_charging.abilities import Abilities, abilities, names, of_any, purposes
from smart_charging.services.smart_charging.rules import Standing

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
SCHEDULE = Schedule(unit="A", periods=(Period(0, 16.0), Period(60, 8.0)), start=NOON)
DEFAULT = ChargingProfile(id=0, stack_level=1, purpose="TxDefaultProfile", kind="Absolute", schedule=SCHEDULE)
CAN = abilities(V21, {})


def scheduled(**how: Any) -> ChargingProfile:
    return replace(DEFAULT, schedule=replace(SCHEDULE, **how))


def changed(**how: Any) -> ChargingProfile:
    return replace(DEFAULT, **how)


def refused(profile: ChargingProfile, evse: int | None = 0, can: Abilities = CAN) -> list[str]:
    return [field for field, _reason in rules.problems(profile, evse=evse, abilities=can, now=NOON)]


# -- the profile alone ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("profile", "evse"),
    [
        (DEFAULT, 0),
        (DEFAULT, 1),
        (changed(purpose="ChargingStationMaxProfile"), 0),
        (changed(purpose="TxProfile", transaction_id="5"), 1),
        (changed(purpose="TxProfile"), None),
        (replace(scheduled(start=None), kind="Relative"), 1),
        (changed(kind="Recurring", recurrency="Daily"), 0),
        (changed(purpose="PriorityCharging"), 0),
        (changed(valid_from=NOON, valid_to=NOON + DAY), 0),
    ],
)
def test_a_profile_by_the_rules_is_not_refused(profile: ChargingProfile, evse: int | None) -> None:
    assert refused(profile, evse) == []


@pytest.mark.parametrize(
    ("profile", "evse", "field"),
    [
        (changed(purpose="ChargingStationExternalConstraints"), 0, "chargingProfilePurpose"),
        (changed(purpose="Other"), 0, "chargingProfilePurpose"),
        (changed(purpose="ChargingStationMaxProfile"), 1, "connectorId"),
        (changed(purpose="TxProfile"), 0, "connectorId"),
        (changed(transaction_id="5"), 0, "transactionId"),
        (
            replace(scheduled(start=None), kind="Relative", purpose="ChargingStationMaxProfile"),
            0,
            "chargingProfileKind",
        ),
        (changed(kind="Relative"), 0, "startSchedule"),
        (replace(scheduled(start=None), kind="Recurring", recurrency="Daily"), 0, "startSchedule"),
        (changed(kind="Recurring"), 0, "recurrencyKind"),
        (changed(recurrency="Daily"), 0, "recurrencyKind"),
        (changed(valid_to=NOON), 0, "validTo"),
        (changed(valid_from=NOON + DAY, valid_to=NOON + DAY), 0, "validTo"),
        (scheduled(periods=(Period(1, 6.0),)), 0, "chargingSchedulePeriod[0].startPeriod"),
        (
            scheduled(periods=(Period(0, 6.0), Period(60, 8.0), Period(60, 9.0))),
            0,
            "chargingSchedulePeriod[2].startPeriod",
        ),
        (scheduled(periods=(Period(0, 6.0, 1, 2),)), 0, "chargingSchedulePeriod[0].phaseToUse"),
        (replace(scheduled(duration_s=60), purpose="PriorityCharging"), 0, "duration"),
    ],
)
def test_a_profile_against_the_rules_is_refused_with_the_field(
    profile: ChargingProfile, evse: int, field: str
) -> None:
    assert refused(profile, evse) == [field]


# -- the reports of the station ------------------------------------------------------------------------------

PHASES = scheduled(periods=(Period(0, 6.0), Period(60, 6.0, 1, 2)))


@pytest.mark.parametrize(
    ("profile", "limits", "field"),
    [
        (DEFAULT, {"max_stack_level": 0}, "stackLevel"),
        (DEFAULT, {"max_stack_level": 1}, ""),
        (DEFAULT, {"units": frozenset("W")}, "chargingRateUnit"),
        (DEFAULT, {"units": frozenset("AW")}, ""),
        (DEFAULT, {"max_periods": 1}, "chargingSchedulePeriod"),
        (DEFAULT, {"max_periods": 2}, ""),
        (PHASES, {"switches_phases": True}, ""),
        (PHASES, {"switches_phases": False}, "chargingSchedulePeriod[1].phaseToUse"),
        (
            PHASES,
            {"switches_phases": True, "has_phase_to_use": False},
            "chargingSchedulePeriod[1].phaseToUse",
        ),
    ],
)
def test_the_limits_that_a_station_reports_count(
    profile: ChargingProfile, limits: dict[str, Any], field: str
) -> None:
    assert refused(profile, can=CAN._replace(**limits)) == ([field] if field else [])


def test_the_keys_of_1_6_and_the_variables_of_2_x_are_read() -> None:
    old = {
        "ChargeProfileMaxStackLevel": "8",
        "ChargingScheduleAllowedChargingRateUnit": "Current, power",
        "ChargingScheduleMaxPeriods": "24",
        "MaxChargingProfilesInstalled": "5",
    }
    new = {
        "SmartChargingCtrlr.ProfileStackLevel": "3",
        "SmartChargingCtrlr.RateUnit": "A",
        "SmartChargingCtrlr.PeriodsPerSchedule": "6",
        "SmartChargingCtrlr.ACPhaseSwitchingSupported": "True",
        "SmartChargingCtrlr.MaxExternalConstraintsId": "100",
        "SmartChargingCtrlr.SupportedAdditionalPurposes": "",
    }

    assert set(names(V16)) == set(old)
    assert set(names(V201)) == set(new)
    assert abilities(V16, old)[1:9] == (False, False, 8, frozenset("AW"), 24, 5, False, 0)
    assert abilities(V201, new)[1:9] == (True, True, 3, frozenset("A"), 6, None, True, 100)


def test_senseless_values_count_as_not_reported() -> None:
    odd = {
        "ChargeProfileMaxStackLevel": "-1",
        "ChargingScheduleAllowedChargingRateUnit": "Volts",
        "ChargingScheduleMaxPeriods": "0",
        "MaxChargingProfilesInstalled": "many",
    }

    assert abilities(V16, odd) == abilities(V16, {})


@pytest.mark.parametrize("version", VERSIONS)
def test_external_constraints_are_no_purpose_of_the_server(version: str) -> None:
    assert "ChargingStationExternalConstraints" not in purposes(version)
    assert set(purposes(version)) >= {"ChargingStationMaxProfile", "TxDefaultProfile", "TxProfile"}
    assert ("PriorityCharging" in purposes(version)) is (version == V21)


# -- beside the profiles that the station has ----------------------------------------------------------------

HERE = Standing(7, 0, "TxDefaultProfile", 1)


@pytest.mark.parametrize(
    ("profile", "evse", "standing", "number"),
    [
        (changed(id=9), 0, [HERE], 9),
        (DEFAULT, 0, [HERE], 7),
        (DEFAULT, 1, [HERE], 2_001_001),
        (DEFAULT, 0, [], 2_000_001),
        (changed(purpose="ChargingStationMaxProfile", stack_level=0), 0, [HERE], 1_000_000),
        (changed(purpose="TxProfile", stack_level=12), 34, [], 3_034_012),
    ],
)
def test_a_profile_has_the_number_of_its_place(
    profile: ChargingProfile, evse: int, standing: list[Standing], number: int
) -> None:
    assert rules.number(profile, evse=evse, standing=standing, above=0) == number
    if not profile.id and number != 7:
        assert rules.number(profile, evse=evse, standing=standing, above=50) == number + 50


def test_starts_without_an_evse_have_different_numbers_that_fit_31_bits() -> None:
    profile = changed(purpose="TxProfile")

    found = {rules.number(profile, evse=None, standing=[], above=1000) for _ in range(20)}

    assert len(found) > 15
    assert all(100_001_000 <= number < 2**31 for number in found)


def test_numbers_fit_where_the_station_leaves_few_of_them() -> None:
    """TC_K_109: a station keeps 2,147,400,000 for its own constraints."""
    profile, above = changed(purpose="TxDefaultProfile"), 2_147_400_000
    few = 2**31 - 4
    taken = [HERE._replace(id=few + 1, evse=8), HERE._replace(id=few + 2, evse=9)]

    found = {rules.number(profile, evse=1, standing=[], above=above) for _ in range(20)}

    assert all(above < number < 2**31 for number in found)
    assert rules.number(profile, evse=1, standing=taken, above=few) == few + 3


@pytest.mark.parametrize(
    ("old", "is_replaced"),
    [
        (HERE, True),
        (HERE._replace(id=9, evse=5), True),
        (HERE._replace(evse=1), False),
        (HERE._replace(stack_level=0), False),
        (HERE._replace(purpose="TxProfile"), False),
    ],
)
def test_the_same_id_and_the_same_place_are_replaced(old: Standing, is_replaced: bool) -> None:
    assert rules.is_replaced(old, changed(id=9), evse=0) is is_replaced


@pytest.mark.parametrize(
    ("profile", "evse", "old", "competes"),
    [
        (changed(id=9), 0, HERE, True),
        (changed(id=9), 1, HERE, True),
        (changed(id=9), 0, HERE._replace(evse=1), True),
        (changed(id=9), 2, HERE._replace(evse=1), False),
        (changed(id=7), 0, HERE, False),
        (changed(id=9, stack_level=2), 0, HERE, False),
        (changed(id=9, purpose="TxProfile"), 1, HERE._replace(purpose="TxProfile", evse=1), True),
        (changed(id=9, purpose="TxProfile"), 1, HERE._replace(purpose="TxProfile", evse=2), False),
        (changed(id=9, valid_from=NOON), 0, HERE._replace(valid_to=NOON), False),
        (changed(id=9, valid_from=NOON), 0, HERE._replace(valid_to=NOON + DAY), True),
        (changed(id=9, valid_to=NOON), 0, HERE._replace(valid_from=NOON), False),
    ],
)
def test_two_ids_on_one_level_compete_while_both_are_valid(
    profile: ChargingProfile, evse: int, old: Standing, competes: bool
) -> None:
    assert rules.competitor(profile, evse=evse, standing=[old]) == (old if competes else None)


@pytest.mark.parametrize(
    ("profile", "replaces", "words"),
    [
        (DEFAULT, True, ""),
        (replace(scheduled(duration_s=86_401), recurrency="Daily"), False, "longer than its recurrence"),
        (replace(scheduled(duration_s=86_400), recurrency="Daily"), False, ""),
        (replace(scheduled(duration_s=86_401), recurrency="Weekly"), False, ""),
        (scheduled(duration_s=60), False, "starts after the duration"),
        (scheduled(duration_s=61), False, ""),
        (changed(valid_from=NOON + DAY), True, "nothing in between"),
        (changed(valid_from=NOON + DAY), False, ""),
        (changed(valid_from=NOON), True, ""),
    ],
)
def test_a_valid_profile_may_have_a_warning(profile: ChargingProfile, replaces: bool, words: str) -> None:
    found = list(rules.warnings(profile, replaces=replaces, now=NOON))

    assert len(found) == bool(words)
    assert words in "".join(found)


def test_a_profile_for_stations_of_any_version_has_no_limit_of_one() -> None:
    any_station = of_any()

    assert set(any_station.purposes) == {word for version in VERSIONS for word in purposes(version)}
    assert set(any_station.kinds) == {"Absolute", "Recurring", "Relative", "Dynamic"}
    assert {"limit", "setpoint", "useLocalTime", "maxOfflineDuration"} <= any_station.fields
    empty = Abilities._field_defaults
    assert any_station._replace(purposes=(), kinds=empty["kinds"], fields=empty["fields"]) == Abilities(
        purposes=(), has_phase_to_use=True, has_unique_levels=False, switches_phases=True
    )
