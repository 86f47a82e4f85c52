"""Clear charging profile and Get composite schedule: criteria, spellings of both dialects, answers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from ocpp_server import command_fields as fields
from ocpp_server.domain import Invalid
from ocpp_server.protocol.versions import V16, V21, V201, VERSIONS
from smart_charging.commands.smart_charging import composite
from smart_charging.commands.smart_charging.clearing import CLEAR_CHARGING_PROFILE as CLEAR
from smart_charging.commands.smart_charging.composite import GET_COMPOSITE_SCHEDULE as COMPOSITE
from smart_charging.commands.smart_charging.setting import SET_CHARGING_PROFILE as SET
from tests.unit.configuration.commands.scripted import Answer, ScriptedStation

CRITERIA = {"evse_number": 2, "purpose": "ChargePointMaxProfile", "stack_level": 3}


def a_station(version: str) -> Any:
    return SimpleNamespace(identity="CP-1", ocpp_version=version, pk=1)


# -- clear ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "old", "new"),
    [
        ({}, {}, {}),
        ({"profile_id": 0}, {"id": 0}, {"chargingProfileId": 0}),
        ({"evse_number": 0}, {"connectorId": 0}, {"chargingProfileCriteria": {"evseId": 0}}),
        ({"stack_level": 0}, {"stackLevel": 0}, {"chargingProfileCriteria": {"stackLevel": 0}}),
        (
            {"purpose": "ChargingStationMaxProfile"},
            {"chargingProfilePurpose": "ChargePointMaxProfile"},
            {"chargingProfileCriteria": {"chargingProfilePurpose": "ChargingStationMaxProfile"}},
        ),
        (
            {"profile_id": 7, **CRITERIA},
            {
                "id": 7,
                "connectorId": 2,
                "chargingProfilePurpose": "ChargePointMaxProfile",
                "stackLevel": 3,
            },
            {
                "chargingProfileId": 7,
                "chargingProfileCriteria": {
                    "evseId": 2,
                    "chargingProfilePurpose": "ChargingStationMaxProfile",
                    "stackLevel": 3,
                },
            },
        ),
    ],
)
def test_what_is_cleared_is_spelled_in_both_dialects(
    given: dict[str, Any], old: dict[str, Any], new: dict[str, Any]
) -> None:
    assert CLEAR.payload(V16, given) == old
    assert CLEAR.payload(V201, given) == CLEAR.payload(V21, given) == new


async def checked(version: str, **arguments: Any) -> dict[str, Any]:
    assert CLEAR.prepare is not None
    return cast("dict[str, Any]", await CLEAR.prepare(a_station(version), **arguments))


@pytest.mark.parametrize("version", [V201, V21])
async def test_a_2_x_station_does_not_clear_everything_at_once(version: str) -> None:
    with pytest.raises(Invalid, match="Name the profile, or at least one of connectorId") as refused:
        await checked(version)

    assert refused.value.field == "chargingProfileId"
    for given in ({"stack_level": 0}, {"profile_id": 0}):
        assert await checked(version, **given) == given


@pytest.mark.parametrize("version", [V16, ""])
async def test_a_1_6_station_and_one_that_has_never_connected_need_no_criteria(version: str) -> None:
    assert await checked(version) == {}
    assert await checked(version, **CRITERIA) == CRITERIA


def test_clearing_everything_is_confirmed_and_clearing_some_is_not() -> None:
    everything = CLEAR.confirmation(a_station(V16), {})

    assert everything == "All charging profiles of the station will be deleted."
    assert CLEAR.confirmation(a_station(V16), {"stack_level": 0}) == ""


# -- the fields that several commands share ------------------------------------------------------------------

ALWAYS = ["TxDefaultProfile", "TxProfile", "ChargingStationMaxProfile"]


@pytest.mark.parametrize("command", [SET, CLEAR])
def test_the_purposes_are_those_of_the_version(command: Any) -> None:
    def offered(version: str) -> list[tuple[str, str]]:
        (field,) = [one for one in command.fields_at(a_station(version)) if one.argument == "purpose"]
        assert isinstance(field, fields.Choice)
        return [(value, str(label)) for value, label in field.choices]

    usual = [("Every session"), ("The running session"), ("The whole station")]
    for version in (V16, V201, ""):
        assert offered(version) == list(zip(ALWAYS, usual, strict=True))
    assert offered(V21) == [
        *zip(ALWAYS, usual, strict=True),
        ("PriorityCharging", "Priority charging"),
        ("LocalGeneration", "Local generation"),
    ]


def test_the_purposes_of_every_version_are_known_by_both_names() -> None:
    (field,) = [one for one in CLEAR.fields if one.argument == "purpose"]

    assert isinstance(field, fields.Choice)
    assert field.values == (*ALWAYS, "ChargePointMaxProfile", "PriorityCharging", "LocalGeneration")


def facts(command: Any) -> dict[str, tuple[Any, ...]]:
    """The name, the least value, whether it is required and the default of each argument."""
    return {
        one.argument: (one.name, getattr(one, "least", None), one.required, one.default)
        for one in command.fields
    }


IN_PART = ("duration_s", "least", "valid_from", "valid_to", "profile_id")
OF_21 = {
    "update_interval_s": ("dynUpdateInterval", 1),
    "uses_local_time": ("useLocalTime", None),
    "random_delay_s": ("randomizedDelay", 0),
    "limit_at_soc": ("limitAtSoC", None),
    "offline_s": ("maxOfflineDuration", 1),
    "ends_offline": ("invalidAfterOfflineDuration", None),
}


def test_the_arguments_have_the_names_of_ocpp() -> None:
    assert facts(CLEAR) == {
        "profile_id": ("chargingProfileId", 0, False, None),
        "evse_number": ("connectorId", 0, False, None),
        "purpose": ("chargingProfilePurpose", None, False, None),
        "stack_level": ("stackLevel", 0, False, None),
    }
    assert facts(COMPOSITE) == {
        "evse_number": ("connectorId", 0, False, None),
        "duration_s": ("duration", 1, True, None),
        "unit": ("chargingRateUnit", None, False, None),
    }
    assert facts(SET) == {
        "purpose": ("chargingProfilePurpose", None, True, None),
        "evse_number": ("connectorId", 0, False, None),
        "periods": ("chargingSchedulePeriod", None, True, None),
        "unit": ("chargingRateUnit", None, False, "A"),
        "stack_level": ("stackLevel", 0, False, 0),
        "transaction": ("transactionId", None, False, None),
        "kind": ("chargingProfileKind", None, False, "Absolute"),
        "start": ("startSchedule", None, False, None),
        "recurrency": ("recurrencyKind", None, False, None),
    } | {name: facts(SET)[name] for name in (*IN_PART, *OF_21)}
    assert [facts(SET)[name][:2] for name in ("duration_s", "valid_from", "valid_to", "profile_id")] == [
        ("duration", 1),
        ("validFrom", None),
        ("validTo", None),
        ("chargingProfileId", 1),
    ]
    assert {name: facts(SET)[name][:2] for name in OF_21} == OF_21
    shown = {version: {field.argument for field in SET.fields_at(a_station(version))} for version in VERSIONS}
    assert shown[V201] == shown[V16] == facts(SET).keys() - OF_21
    assert shown[V21] == facts(SET).keys()


def test_a_station_without_smart_charging_is_asked_nothing() -> None:
    reports = {V16: {"SupportedFeatureProfiles": "Core"}, V201: {"SmartChargingCtrlr.Enabled": "false"}}

    for command in (SET, CLEAR, COMPOSITE):
        for version, reported in reports.items():
            assert "does not support it" in command.unsupported(a_station(version), reported)
            assert command.unsupported(a_station(version), {}) == ""


# -- composite schedule --------------------------------------------------------------------------------------

PERIODS = [{"startPeriod": 0, "limit": 16.0}, {"startPeriod": 60, "limit": 16.0}]
SCHEDULE = {"chargingRateUnit": "A", "chargingSchedulePeriod": PERIODS, "duration": 3600}
START = "2026-05-04T12:00:00Z"
OLD = {"status": "Accepted", "connectorId": 2, "scheduleStart": START, "chargingSchedule": SCHEDULE}
NEW = {"status": "Accepted", "schedule": SCHEDULE | {"evseId": 2, "scheduleStart": START}}


async def asked(monkeypatch: pytest.MonkeyPatch, version: str, answer: Answer, **given: Any) -> Any:
    """The command and the data of the answer."""
    station = ScriptedStation(version, answer)
    monkeypatch.setattr(composite.calls, "call", station.call)
    assert COMPOSITE.run is not None
    result = await COMPOSITE.run(station.row, actor="a", timeout=5, wait=True, duration_s=3600, **given)
    assert station.timeouts == [5]
    assert result.command.actor == "a"
    return station.commands, result.data


@pytest.mark.parametrize(
    ("version", "answer", "name"), [(V16, OLD, "connectorId"), (V201, NEW, "evseId"), (V21, NEW, "evseId")]
)
async def test_a_composite_schedule_has_the_same_fields_in_both_dialects(
    monkeypatch: pytest.MonkeyPatch, version: str, answer: dict[str, Any], name: str
) -> None:
    sent, data = await asked(monkeypatch, version, answer, evse_number=2, unit="A")

    assert sent == [("GetCompositeSchedule", {name: 2, "duration": 3600, "chargingRateUnit": "A"})]
    (period,) = data["schedule"].pop("chargingSchedulePeriod")
    assert period == {"startPeriod": 0, "limit": 16.0}
    start = data["schedule"].pop("startSchedule")
    assert start.startswith("2026-05-04T12:00:00")
    assert data == {"connectorId": 2, "schedule": {"chargingRateUnit": "A", "duration": 3600}}


@pytest.mark.parametrize("version", [V16, V201])
@pytest.mark.parametrize(
    "answer",
    [
        {"status": "Rejected", "chargingSchedule": SCHEDULE, "schedule": SCHEDULE},
        {"status": "Accepted"},
        "x",
        None,
    ],
)
async def test_an_answer_without_a_schedule_has_none(
    monkeypatch: pytest.MonkeyPatch, version: str, answer: Answer
) -> None:
    sent, data = await asked(monkeypatch, version, answer)

    assert data == {"connectorId": 0, "schedule": None}
    assert sent[0][1] == {"connectorId" if version == V16 else "evseId": 0, "duration": 3600}
