"""The rule for the needs of vehicles, and the comparison of their schedules; without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from smart_charging.services.smart_charging import planning

NOON = datetime(2026, 5, 4, 12, 0, 0, 700_000, tzinfo=UTC)
AC = {"energyAmount": 1000.4, "evMaxCurrent": 20}


def needs(transfer: str = "AC_single_phase", tuples: int | None = None, **given: Any) -> planning.Needs:
    request = {"evseId": 1, "chargingNeeds": {"requestedEnergyTransfer": transfer, **given}}
    return planning.needs(request | ({} if tuples is None else {"maxScheduleTuples": tuples}))


def profile(*limits: tuple[int, float], unit: str = "A", **more: Any) -> dict[str, Any]:
    periods = [{"startPeriod": second, "limit": limit} for second, limit in limits]
    schedule = {
        "id": 1,
        "chargingRateUnit": unit,
        "startSchedule": "2026-05-04T12:00:00Z",
        "chargingSchedulePeriod": periods,
        **more.pop("schedule", {}),
    }
    usual = {"id": 1, "stackLevel": 4, "chargingProfilePurpose": "TxDefaultProfile"}
    return {**usual, "chargingProfileKind": "Absolute", "chargingSchedule": [schedule], **more}


@pytest.mark.parametrize(
    ("transfer", "given", "unit", "most", "phases"),
    [
        ("AC_single_phase", {"acChargingParameters": AC}, "A", 20, 1),
        ("AC_three_phase", {"acChargingParameters": AC}, "A", 20, 3),
        ("DC", {"dcChargingParameters": {"evMaxPower": 50000, "evMaxCurrent": 1}}, "W", 50000, None),
        ("DC", {"dcChargingParameters": {"evMaxCurrent": 100, "evMaxVoltage": 400}}, "W", 40000, None),
        ("AC_BPT", {"v2xChargingParameters": {"maxChargePower": 7000}}, "W", 7000, None),
        ("DC", {"dcChargingParameters": {"evMaxPower": 0}}, "W", None, None),
        ("DC", {}, "W", None, None),
    ],
)
def test_needs_have_the_most_that_the_vehicle_takes(
    transfer: str, given: dict[str, Any], unit: str, most: float | None, phases: int | None
) -> None:
    found = needs(transfer, **given)

    assert (found.unit, found.most, found.phases) == (unit, most, phases)


def test_needs_have_the_energy_and_the_departure() -> None:
    found = needs(acChargingParameters=AC, departureTime="2026-05-05T08:00:00+02:00", tuples=3)

    assert (found.energy_wh, found.max_periods) == (1000, 3)
    assert found.departure == datetime(2026, 5, 5, 6, tzinfo=UTC)


def test_without_limits_the_vehicle_gets_its_own_maximum() -> None:
    planned = planning.plan(needs(acChargingParameters=AC), in_force=[], at=NOON)

    assert planned.arguments == {
        "unit": "A",
        "periods": [{"startPeriod": 0, "limit": 20.0, "numberPhases": 1}],
        "kind": "Absolute",
        "start": "2026-05-04T12:00:00.000Z",
    }


def test_the_limits_in_force_are_kept_and_capped() -> None:
    base = profile((0, 16), (60, 32), schedule={"duration": 600}, validTo="2026-06-01T00:00:00Z")

    planned = planning.plan(needs(acChargingParameters=AC), in_force=[base], at=NOON)

    assert planned.arguments == {
        "unit": "A",
        "periods": [{"startPeriod": 0, "limit": 16}, {"startPeriod": 60, "limit": 20}],
        "kind": "Absolute",
        "stack_level": 0,
        "start": "2026-05-04T12:00:00.000Z",
        "duration_s": 600,
        "valid_to": "2026-06-01T00:00:00.000Z",
    }


def test_limits_in_another_unit_are_kept_as_they_are() -> None:
    planned = planning.plan(needs(acChargingParameters=AC), in_force=[profile((0, 11000), unit="W")], at=NOON)

    assert planned.arguments is not None
    assert planned.arguments["periods"] == [{"startPeriod": 0, "limit": 11000}]


def test_a_profile_of_the_session_keeps_its_level() -> None:
    own = profile((0, 8), chargingProfilePurpose="TxProfile")

    planned = planning.plan(needs(acChargingParameters=AC), in_force=[own], at=NOON)

    assert planned.arguments is not None
    assert planned.arguments["stack_level"] == 4


@pytest.mark.parametrize(
    ("wanted", "in_force", "reason"),
    [
        (needs(), [], "The vehicle names no maximum."),
        (needs(acChargingParameters=AC), [profile((0, 8)), profile((0, 8))], "Several profiles"),
        (needs(acChargingParameters=AC), [None], "too long"),
        (needs(acChargingParameters=AC), [profile((0, 8), chargingProfileKind="Dynamic")], "changes while"),
        (needs(acChargingParameters=AC, tuples=1), [profile((0, 8), (60, 6))], "takes 1 periods"),
    ],
)
def test_what_the_rule_can_not_say_is_no_profile(
    wanted: planning.Needs, in_force: list[dict[str, Any] | None], reason: str
) -> None:
    planned = planning.plan(wanted, in_force=in_force, at=NOON)

    assert planned.arguments is None
    assert reason in planned.reason


OURS = profile((0, 16), (60, 10), schedule={"duration": 120})


@pytest.mark.parametrize(
    ("limits", "shift", "duration", "is_within"),
    [
        ([(0, 16), (60, 10)], 0, None, True),
        ([(0, 16.05)], 0, 60, True),  # rounded
        ([(0, 16.2)], 0, 60, False),
        ([(0, 16)], 0, None, False),  # 10 from the 60th second on
        ([(0, 12), (50, 10)], 0, None, True),
        ([(0, 12), (50, 10)], 30, None, False),  # the vehicle begins later: 12 reaches into the 10
        ([(0, 10), (90, 99)], 30, None, True),  # our schedule has ended by then
        ([(0, 10), (80, 99)], 30, None, False),
    ],
)
def test_a_schedule_of_a_vehicle_is_compared_with_its_profile_second_by_second(
    limits: list[tuple[int, float]], shift: int, duration: int | None, is_within: bool
) -> None:
    (theirs,) = profile(*limits)["chargingSchedule"]
    if duration is not None:
        theirs["duration"] = duration
    start = datetime(2026, 5, 4, 12, tzinfo=UTC)

    assert planning.is_within(OURS, theirs, base=start + timedelta(seconds=shift)) is is_within


@pytest.mark.parametrize(
    "ours",
    [
        profile((0, 16), unit="W"),
        profile((0, 16), chargingProfileKind="Relative", schedule={"startSchedule": None}),
    ],
)
def test_a_schedule_that_can_not_be_compared(ours: dict[str, Any]) -> None:
    (theirs,) = profile((0, 99))["chargingSchedule"]

    assert planning.is_within(ours, theirs, base=NOON) is None


# -- vehicles whose power the station sets -----------------------------------------------------------------


POWER = {"v2xChargingParameters": {"maxChargePower": 5000, "maxDischargePower": 5000}}


def controlled(transfer: str = "AC_BPT", mode: str = "DynamicControl", **given: Any) -> planning.Needs:
    return needs(transfer, controlMode=mode, **(given or POWER))


@pytest.mark.parametrize(
    ("wanted", "is_controlled"),
    [
        (controlled(), True),
        (controlled("DC_BPT"), True),
        (controlled("AC_three_phase"), False),
        (controlled(mode="ScheduledControl"), False),
        (needs("AC_BPT", **POWER), False),
    ],
)
def test_the_station_sets_the_power_of_a_vehicle_that_can_discharge(
    wanted: planning.Needs, is_controlled: bool
) -> None:
    assert wanted.is_controlled is is_controlled


def test_a_controlled_vehicle_gets_a_setpoint() -> None:
    planned = planning.plan(controlled(), in_force=[], at=NOON)

    assert planned.arguments is not None
    assert planned.arguments["periods"] == [
        {"startPeriod": 0, "operationMode": "CentralSetpoint", "setpoint": 5000.0}
    ]


def test_the_limits_in_force_become_setpoints_and_stay_so() -> None:
    base = profile((0, 3000), (60, 9000), unit="W")
    planned = planning.plan(controlled(), in_force=[base], at=NOON)

    assert planned.arguments is not None
    periods = planned.arguments["periods"]
    assert periods == [
        {"startPeriod": 0, "operationMode": "CentralSetpoint", "setpoint": 3000},
        {"startPeriod": 60, "operationMode": "CentralSetpoint", "setpoint": 5000},
    ]
    # The vehicle sends its needs again, with a lower maximum, while this profile is in force.
    own = profile(unit="W", schedule={"chargingSchedulePeriod": periods}, chargingProfilePurpose="TxProfile")
    less = controlled(v2xChargingParameters={"maxChargePower": 2000})
    again = planning.plan(less, in_force=[own], at=NOON)
    assert again.arguments is not None
    assert [one["setpoint"] for one in again.arguments["periods"]] == [2000, 2000]
    assert planning.again(own).arguments == {**planned.arguments, "stack_level": 4}


def test_a_period_with_a_mode_of_its_own_is_left_as_it_is() -> None:
    period = {"startPeriod": 0, "operationMode": "ChargingOnly", "limit": 4000}
    base = profile(unit="W", schedule={"chargingSchedulePeriod": [period]})
    planned = planning.plan(controlled(), in_force=[base], at=NOON)

    assert planned.arguments is not None
    assert planned.arguments["periods"] == [period]


def test_a_setpoint_of_an_external_system_can_not_be_planned() -> None:
    period = {"startPeriod": 0, "operationMode": "ExternalSetpoint", "setpoint": 4000}
    base = profile(unit="W", schedule={"chargingSchedulePeriod": [period]})

    assert "changes while" in planning.plan(controlled(), in_force=[base], at=NOON).reason


@pytest.mark.parametrize(("wished", "is_within"), [({"setpoint": 3000}, True), ({"limit": 3100}, False)])
def test_a_schedule_is_compared_with_the_setpoint(wished: dict[str, Any], is_within: bool) -> None:
    period = {"startPeriod": 0, "operationMode": "CentralSetpoint", "setpoint": 3000}
    ours = profile(unit="W", schedule={"chargingSchedulePeriod": [period]})
    theirs = {"chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, **wished}]}

    assert planning.is_within(ours, theirs, base=NOON) is is_within
