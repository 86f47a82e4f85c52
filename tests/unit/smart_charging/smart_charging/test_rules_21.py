"""Rules for the parts of a profile that only 2.1 has; without a database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ocpp_server.domain import Invalid
from ocpp_server.protocol import translate
from ocpp_server.protocol.versions import V16, V21, V201, Version
from smart_charging.services.smart_charging import abilities, reading, rules

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def given(mode: str = "", **values: Any) -> dict[str, Any]:
    """The fields of the API, with one period: values of a period are put there, others beside it."""
    period = {"startPeriod": 0, **({"operationMode": mode} if mode else {})}
    names = {"limit", "setpoint", "dischargeLimit", "v2xBaseline", "v2xFreqWattCurve", "evseSleep"}
    period |= {name: value for name, value in values.items() if name.split("_")[0] in names}
    rest = {name: value for name, value in values.items() if name.split("_")[0] not in names}
    return {"chargingSchedulePeriod": [period], "chargingProfileKind": "Relative", **rest}


def problems(version: Version, reported: dict[str, str] | None = None, **fields: Any) -> list[str]:
    profile = reading.read(given(**fields), at=NOON)
    found = rules.problems(profile, evse=1, abilities=abilities.abilities(version, reported or {}), now=NOON)
    return [field for field, _reason in found]


LIMITS = {"limit": 6}


@pytest.mark.parametrize("version", [V16, V201])
@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"mode": "ChargingOnly", **LIMITS}, "chargingSchedulePeriod[0].operationMode"),
        ({"maxOfflineDuration": 60, **LIMITS}, "maxOfflineDuration"),
        ({"useLocalTime": True, **LIMITS}, "useLocalTime"),
        ({"chargingProfileKind": "Dynamic", **LIMITS}, "chargingProfileKind"),
    ],
)
def test_an_earlier_version_has_none_of_it(version: Version, fields: dict[str, Any], wrong: str) -> None:
    assert problems(version, **fields) == [wrong]
    assert problems(V21, **fields) == []


@pytest.mark.parametrize(
    ("fields", "variable", "wrong"),
    [
        ({"useLocalTime": True}, "SupportsUseLocalTime", "useLocalTime"),
        ({"limitAtSoC": {"soc": 80, "limit": 6}}, "SupportsLimitAtSoC", "limitAtSoC"),
        ({"maxOfflineDuration": 9}, "SupportsMaxOfflineDuration", "maxOfflineDuration"),
        ({"randomizedDelay": 9}, "SupportsRandomizedDelay", "randomizedDelay"),
        ({"chargingProfileKind": "Dynamic"}, "SupportsDynamicProfiles", "chargingProfileKind"),
    ],
)
def test_what_a_station_reports_as_not_supported_is_refused(
    fields: dict[str, Any], variable: str, wrong: str
) -> None:
    name = f"SmartChargingCtrlr.{variable}"

    assert name in abilities.names(V21)
    assert problems(V21, {name: "False"}, **LIMITS, **fields) == [wrong]
    assert problems(V21, {name: "true"}, **LIMITS, **fields) == []


@pytest.mark.parametrize(
    ("reported", "purpose", "wrong"),
    [
        ("", "PriorityCharging", []),
        ("LocalGeneration", "PriorityCharging", ["chargingProfilePurpose"]),
        ("LocalGeneration, prioritycharging", "PriorityCharging", []),
        ("LocalGeneration", "TxDefaultProfile", []),
    ],
)
def test_additional_purposes_are_those_that_the_station_names(
    reported: str, purpose: str, wrong: list[str]
) -> None:
    name = "SmartChargingCtrlr.SupportedAdditionalPurposes"
    fields = {"chargingProfilePurpose": purpose, **LIMITS}

    assert problems(V21, {name: reported} if reported else {}, **fields) == wrong


@pytest.mark.parametrize(
    ("purpose", "mode", "is_allowed"),
    [
        ("ChargingStationMaxProfile", "ExternalLimits", False),
        ("LocalGeneration", "ExternalLimits", True),
        ("LocalGeneration", "Idle", False),
        ("TxProfile", "ExternalLimits", True),
    ],
)
def test_a_purpose_has_its_operation_modes(purpose: str, mode: str, is_allowed: bool) -> None:
    profile = reading.read(given(mode, chargingProfilePurpose=purpose), at=NOON)
    evse = 0 if purpose == "ChargingStationMaxProfile" else 1
    found = rules.problems(profile, evse=evse, abilities=abilities.abilities(V21, {}), now=NOON)
    fields = [field for field, _ in found if field.endswith("operationMode")]

    assert fields == ([] if is_allowed else ["chargingSchedulePeriod[0].operationMode"])


def test_limits_and_setpoints_of_each_phase_are_in_order() -> None:
    fields = {"limit": 10, "limit_L2": 8, "dischargeLimit": -4, "setpoint": 11, "setpoint_L2": 9}
    assert problems(V21, mode="ExternalLimits", chargingProfilePurpose="TxProfile", **fields) == [
        "chargingSchedulePeriod[0].setpoint",
        "chargingSchedulePeriod[0].setpoint_L2",
        "chargingSchedulePeriod[0].setpoint",
        "chargingSchedulePeriod[0].setpoint_L2",
    ]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("limit_L2", -1),
        ("dischargeLimit", 1),
        ("setpoint", float("inf")),
        ("setpoint", float("nan")),
        ("setpoint", 10**400),
        ("setpoint", True),
        ("evseSleep", 1),
        ("v2xBaseline", "0"),
        ("v2xFreqWattCurve", []),
        ("v2xFreqWattCurve", [{"frequency": 50}]),
        ("v2xFreqWattCurve", [{"frequency": 50, "power": None}]),
        ("v2xFreqWattCurve", [{"frequency": 50, "power": 0}] * 21),
    ],
)
def test_a_wrong_value_of_a_period_is_refused_by_its_name(field: str, value: Any) -> None:
    with pytest.raises(Invalid) as refused:
        reading.read(given("Idle", **{field: value}), at=NOON)

    assert [one["field"] for one in refused.value.errors] == [f"chargingSchedulePeriod[0].{field}"]


def test_the_fields_of_2_1_are_on_the_wire_and_are_read_from_it() -> None:
    fields = {
        "chargingProfileId": 7, "chargingProfileKind": "Dynamic", "dynUpdateInterval": 15,
        "maxOfflineDuration": 60, "useLocalTime": True, "setpoint": 5, "v2xBaseline": 0.1234567,
    }  # fmt: skip

    wire = translate.charging_profile_2x(reading.read(given("CentralSetpoint", **fields), at=NOON))

    (schedule,) = wire["chargingSchedule"]
    assert (wire["dynUpdateInterval"], wire["maxOfflineDuration"]) == (15, 60)
    assert wire["dynUpdateTime"] == "2026-05-04T12:00:00.000Z"
    assert schedule["useLocalTime"] is True
    assert schedule["chargingSchedulePeriod"] == [
        {"startPeriod": 0, "operationMode": "CentralSetpoint", "setpoint": 5.0, "v2xBaseline": 0.123457}
    ]
    assert translate.charging_profile_2x(translate.charging_profile(wire)) == wire
