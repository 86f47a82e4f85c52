"""A profile beside the reports and the profiles of its station, and the profile of a remote start."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import ChargePoint
from configuration.models import ReportedKey
from ocpp_server.domain import Conflict, Invalid, StationOffline
from ocpp_server.error_codes import Code
from ocpp_server.protocol.translate import ChargingProfile, Period, Schedule
from ocpp_server.protocol.versions import V16, V21, V201
from smart_charging.models import InstalledProfile
from smart_charging.services.smart_charging import checking, remote_starts
from smart_charging.services.smart_charging.abilities import abilities, takes_setpoints
from smart_charging.services.smart_charging.rules import Standing

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
SCHEDULE = Schedule(unit="A", periods=(Period(0, 16.0),), start=NOON)
DEFAULT = ChargingProfile(id=0, stack_level=1, purpose="TxDefaultProfile", kind="Absolute", schedule=SCHEDULE)


def a_charger(version: str = V16, **reported: str) -> ChargePoint:
    charger = ChargePoint.objects.create(identity="CP-1", ocpp_version=version)
    for key, value in reported.items():
        ReportedKey.objects.create(
            charge_point=charger, key=key.replace("__", "."), value=value, reported_at=NOON
        )
    return charger


def a_profile(charger: ChargePoint, number: int = 7, level: int = 1, evse: int = 0, **more: Any) -> None:
    payload = {
        "chargingProfileId": number,
        "stackLevel": level,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Relative",
        "validFrom": "2026-05-04T12:00:00Z",
        "validTo": "2026-05-05T12:00:00Z",
        "chargingSchedule": {
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6}],
        },
    }
    values = {"purpose": "TxDefaultProfile", "kind": "Relative", "payload": payload, "installed_at": NOON}
    InstalledProfile.objects.create(
        charge_point=charger, profile_id=number, stack_level=level, evse_number=evse, **(values | more)
    )


@pytest.mark.django_db
def test_the_profiles_that_a_station_has_are_at_work_and_its_own() -> None:
    charger = a_charger()
    a_profile(charger, evse=2)
    a_profile(charger, 8, state="waiting")
    a_profile(charger, 9, state="cleared", ended_at=NOON)
    a_profile(ChargePoint.objects.create(identity="OTHER"), 10)

    assert checking.standing(charger.pk) == [
        Standing(7, 2, "TxDefaultProfile", 1, NOON, NOON + timedelta(days=1))
    ]


@pytest.mark.django_db
def test_a_profile_is_numbered_and_refused_with_its_fields() -> None:
    charger = a_charger(ChargeProfileMaxStackLevel="1")

    assert checking.check(charger, DEFAULT, evse=3) == replace(DEFAULT, id=2_003_001)
    with pytest.raises(Invalid, match="The charging profile is not valid") as refused:
        checking.check(charger, replace(DEFAULT, stack_level=2, recurrency="Daily"), evse=3, below="x.")
    assert refused.value.errors == [
        {"field": "x.stackLevel", "reason": "The station reports 1 as its highest level."},
        {"field": "x.recurrencyKind", "reason": "Only a recurring schedule has one."},
    ]


@pytest.mark.django_db
def test_the_ids_of_external_constraints_are_the_station_s_own() -> None:
    charger = a_charger(V21, SmartChargingCtrlr__MaxExternalConstraintsId="100")

    with pytest.raises(Invalid, match="Must be above 100: the station uses lower ids itself") as refused:
        checking.check(charger, replace(DEFAULT, id=100), evse=0, below="x.")

    assert refused.value.field == "x.chargingProfileId"
    assert checking.check(charger, replace(DEFAULT, id=101), evse=0).id == 101
    assert checking.check(charger, DEFAULT, evse=0).id == 2_000_101


@pytest.mark.django_db
def test_a_new_profile_takes_the_number_of_the_one_it_replaces() -> None:
    charger = a_charger()
    a_profile(charger)

    assert checking.check(charger, DEFAULT, evse=0).id == 7


@pytest.mark.django_db
@pytest.mark.parametrize("version", [V201, V21])
def test_a_2_x_station_takes_one_profile_of_a_level(version: str) -> None:
    charger = a_charger(version)
    a_profile(charger)

    with pytest.raises(
        Conflict, match="Profile 7 has the same purpose and stack level there. Clear it"
    ) as no:
        checking.check(charger, replace(DEFAULT, id=9), evse=0)

    assert no.value.code != Code.LIMIT_REACHED
    assert checking.check(charger, replace(DEFAULT, id=7), evse=0).id == 7
    ChargePoint.objects.update(ocpp_version=V16)
    charger.refresh_from_db()
    assert checking.check(charger, replace(DEFAULT, id=9), evse=0).id == 9


@pytest.mark.django_db
def test_a_full_station_takes_a_profile_only_for_another_one() -> None:
    charger = a_charger(MaxChargingProfilesInstalled="2")
    a_profile(charger)
    other = replace(DEFAULT, stack_level=5)
    assert checking.check(charger, other, evse=0)
    a_profile(charger, 8, level=2)

    with pytest.raises(Conflict, match="The station takes 2 profiles and has 2. Clear one first") as refused:
        checking.check(charger, other, evse=0)

    assert refused.value.code == Code.LIMIT_REACHED
    assert checking.check(charger, DEFAULT, evse=0).id == 7
    assert checking.check(charger, replace(other, id=8), evse=0).id == 8


@pytest.mark.parametrize(
    ("text", "level"),
    [("2147483647", 2**31 - 1), ("12345678901", None), ("1.5", None), ("²", None), (" 3 ", 3)],
)
def test_a_level_is_a_number_of_at_most_ten_digits(text: str, level: int | None) -> None:
    assert abilities(V16, {"ChargeProfileMaxStackLevel": text}).max_stack_level == level


@pytest.mark.parametrize(("words", "units"), [("A,W", "AW"), ("w", "W"), ("Power", "W"), ("current", "A")])
def test_units_are_read_in_the_words_of_every_station(words: str, units: str) -> None:
    assert abilities(V16, {"ChargingScheduleAllowedChargingRateUnit": words}).units == frozenset(units)


# -- the profile of a remote start ---------------------------------------------------------------------------

PERIODS = [{"startPeriod": 0, "limit": 16}]
GIVEN = {"chargingSchedulePeriod": PERIODS}


async def prepared(charger: ChargePoint, given: Any, evse: int | None = 2) -> ChargingProfile:
    return await remote_starts.prepare(charger, evse_number=evse, given=given)


@pytest.mark.django_db(transaction=True)
async def test_the_profile_of_a_remote_start_is_relative_and_of_its_session(run_orm: Any) -> None:
    charger = await run_orm(a_charger)

    assert await prepared(charger, GIVEN) == ChargingProfile(
        id=3_002_000,
        stack_level=0,
        purpose="TxProfile",
        kind="Relative",
        schedule=Schedule(unit="A", periods=(Period(0, 16.0),)),
    )
    for more in ({"chargingProfilePurpose": "TxProfile"}, {"chargingProfilePurpose": None}):
        assert (await prepared(charger, GIVEN | more)).purpose == "TxProfile"
    assert (await prepared(charger, GIVEN, None)).id > 100_000_000


@pytest.mark.django_db(transaction=True)
async def test_the_profile_of_a_remote_start_may_begin_at_a_time(run_orm: Any) -> None:
    charger = await run_orm(a_charger)

    timed = await prepared(charger, GIVEN | {"startSchedule": "2026-05-04T12:00:00Z"})
    named = await prepared(charger, GIVEN | {"chargingProfileKind": "Absolute"})

    assert (timed.kind, timed.schedule.start) == ("Absolute", NOON)
    assert named.kind == "Absolute" and named.schedule.start is not None
    assert abs(named.schedule.start - datetime.now(UTC)) < timedelta(minutes=1)


WRONG: list[tuple[Any, str, str]] = [
    ([], "chargingProfile", "Must be an object."),
    (
        GIVEN | {"chargingProfilePurpose": "TxDefaultProfile"},
        "chargingProfile.chargingProfilePurpose",
        "Must be TxProfile with a remote start.",
    ),
    (
        GIVEN | {"transactionId": 0},
        "chargingProfile.transactionId",
        "The session does not exist yet: leave it out.",
    ),
    ({}, "chargingProfile.chargingSchedulePeriod", "Must be a list of 1 to 1024 periods."),
    (
        GIVEN | {"stackLevel": 2},
        "chargingProfile.stackLevel",
        "The station reports 1 as its highest level.",
    ),
]


@pytest.mark.django_db(transaction=True)
async def test_a_wrong_profile_of_a_remote_start_is_refused_with_its_field(run_orm: Any) -> None:
    charger = await run_orm(a_charger, ChargeProfileMaxStackLevel="1")

    for given, field, reason in WRONG:
        with pytest.raises(Invalid) as refused:
            await prepared(charger, given)
        assert refused.value.errors == [{"field": field, "reason": reason}]


async def test_a_station_of_no_version_gets_no_profile() -> None:
    with pytest.raises(StationOffline, match="CP-1 has never connected"):
        await prepared(ChargePoint(pk=1, identity="CP-1"), GIVEN)


@pytest.mark.parametrize(
    ("reported", "takes"),
    [
        ({}, True),
        ({"V2XChargingCtrlr(1).SupportedOperationModes[AC_BPT]": "ChargingOnly, CentralSetpoint"}, True),
        ({"V2XChargingCtrlr(1).SupportedOperationModes[AC_BPT]": "ChargingOnly"}, False),
        ({"V2XChargingCtrlr(1).SupportedOperationModes": "ChargingOnly"}, False),
        ({"V2XChargingCtrlr.SupportedOperationModes": "ChargingOnly"}, False),
        ({"V2XChargingCtrlr(2).SupportedOperationModes[AC_BPT]": "ChargingOnly"}, True),
        ({"V2XChargingCtrlr(1).SupportedOperationModes[DC_BPT]": "ChargingOnly"}, True),
    ],
)
@pytest.mark.django_db
def test_a_station_that_names_its_modes_takes_setpoints_only_with_theirs(
    reported: dict[str, str], takes: bool
) -> None:
    charger = a_charger(V21, **reported)

    assert takes_setpoints(charger.pk, evse=1, transfer="AC_BPT") is takes
