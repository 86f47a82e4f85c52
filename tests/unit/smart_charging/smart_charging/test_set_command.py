"""Set charging profile: the session and the number that it gets, what refuses it, and its spellings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from chargepoints.models import ChargePoint, Command
from ocpp_server import live
from ocpp_server.domain import Conflict, Invalid, StationOffline
from ocpp_server.live.records import Connection
from ocpp_server.protocol.versions import V16, V21, V201
from smart_charging.commands.smart_charging.setting import SET_CHARGING_PROFILE as SET
from smart_charging.models import InstalledProfile
from transactions.models import Transaction

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
PERIODS = [{"startPeriod": 0, "limit": 16.05, "numberPhases": 1}]
DEFAULT = {"purpose": "TxDefaultProfile", "periods": PERIODS, "stack_level": 2}
OF_SESSION = DEFAULT | {"purpose": "TxProfile"}
ENDED = {"status": "completed", "ended_by": "operator", "stopped_at": NOON}


async def a_charger(run_orm: Any, *, is_online: bool = True, version: str = V16) -> ChargePoint:
    charger = cast(
        "ChargePoint", await run_orm(ChargePoint.objects.create, identity="CP-1", ocpp_version=version)
    )
    if is_online:
        await live.state().connect(Connection("c-1", "CP-1", V16, "", "", NOON))
    return charger


def a_session(charger: ChargePoint, id: int = 1000, evse: int | None = 1, **more: Any) -> Transaction:
    values = {"started_at": NOON, "start_received_at": NOON, "last_message_at": NOON}
    return Transaction.objects.create(
        id=id, ocpp_id=f"T-{id}", charge_point=charger, evse_number=evse, **(values | more)
    )


async def prepared(charger: ChargePoint, **arguments: Any) -> dict[str, Any]:
    assert SET.prepare is not None
    return cast("dict[str, Any]", await SET.prepare(charger, **arguments))


async def refusal(charger: ChargePoint, **arguments: Any) -> tuple[list[str], str]:
    """The wrong fields and the sentence."""
    with pytest.raises(Invalid) as refused:
        await prepared(charger, **arguments)
    return [one["field"] for one in refused.value.errors], refused.value.sentence


# -- the profile and the station -----------------------------------------------------------------------------


PLACES: list[tuple[dict[str, Any], int, int]] = [
    ({}, 0, 2_000_002),
    ({"evse_number": None}, 0, 2_000_002),
    ({"evse_number": 3}, 3, 2_003_002),
]


@pytest.mark.django_db(transaction=True)
async def test_a_default_profile_gets_the_number_of_its_place(run_orm: Any) -> None:
    charger = await a_charger(run_orm)

    for evse, place, number in PLACES:
        found = await prepared(charger, **DEFAULT, **evse)
        assert found == DEFAULT | {"evse_number": place, "profile_id": number}
        assert (await prepared(charger, **DEFAULT, **evse, profile_id=5))["profile_id"] == 5


@pytest.mark.django_db(transaction=True)
async def test_a_station_that_is_offline_or_of_no_version_is_not_asked(run_orm: Any) -> None:
    charger = await a_charger(run_orm, is_online=False)

    with pytest.raises(StationOffline, match="CP-1 is known but offline"):
        await prepared(charger, **DEFAULT)
    assert (await refusal(charger, **DEFAULT | {"periods": []}))[0] == ["chargingSchedulePeriod"]

    await live.state().connect(Connection("c-1", "CP-1", V16, "", "", NOON))
    assert await prepared(charger, **DEFAULT)
    charger.ocpp_version = ""
    with pytest.raises(StationOffline, match="CP-1 is known but offline"):
        await prepared(charger, **DEFAULT)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"purpose": "PriorityCharging"}, "chargingProfilePurpose"),
    ({"stack_level": -1}, "stackLevel"),
    ({"unit": "kW"}, "chargingRateUnit"),
    ({"kind": "Dynamic"}, "chargingProfileKind"),
    ({"start": "soon"}, "startSchedule"),
    ({"recurrency": "Daily"}, "recurrencyKind"),
    ({"duration_s": 0}, "duration"),
    ({"least": -1}, "minChargingRate"),
    ({"valid_from": "soon"}, "validFrom"),
    ({"valid_to": NOON}, "validTo"),
    ({"profile_id": -1}, "chargingProfileId"),
    ({"purpose": "ChargingStationMaxProfile", "evse_number": 1}, "connectorId"),
]


@pytest.mark.django_db(transaction=True)
async def test_a_wrong_argument_is_refused_by_its_name_in_the_api(run_orm: Any) -> None:
    charger = await a_charger(run_orm)

    for given, field in WRONG:
        assert await refusal(charger, **DEFAULT | given) == ([field], "The charging profile is not valid.")


# -- the session of a TxProfile ------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
async def test_only_a_profile_of_a_session_names_one(run_orm: Any) -> None:
    charger = await a_charger(run_orm)
    session = await run_orm(a_session, charger)

    for reference in (session, 1000, "T-1000"):
        assert await refusal(charger, **DEFAULT, transaction=reference) == (
            ["transactionId"],
            "Only a TxProfile belongs to a session.",
        )


@pytest.mark.django_db(transaction=True)
async def test_a_profile_of_a_session_needs_the_session_or_its_evse(run_orm: Any) -> None:
    charger = await a_charger(run_orm)
    await run_orm(a_session, charger)

    for evse in ({}, {"evse_number": None}, {"evse_number": 0}):
        assert await refusal(charger, **OF_SESSION, **evse) == (
            ["transactionId"],
            "A TxProfile needs its session, or the EVSE of it.",
        )


@pytest.mark.django_db(transaction=True)
async def test_without_its_name_the_session_is_the_newest_that_runs_at_the_evse(run_orm: Any) -> None:
    charger = await a_charger(run_orm)
    other = await run_orm(ChargePoint.objects.create, identity="OTHER")
    await run_orm(a_session, charger, 1000)
    newest = await run_orm(a_session, charger, 1001)
    await run_orm(a_session, charger, 1002, evse=2)
    await run_orm(a_session, charger, 1003, **ENDED)
    await run_orm(a_session, other, 1004)

    found = await prepared(charger, **OF_SESSION, evse_number=1)

    assert found == OF_SESSION | {"transaction": newest, "evse_number": 1, "profile_id": 3_001_002}
    with pytest.raises(Conflict, match="No session is running at EVSE 3: a TxProfile needs one"):
        await prepared(charger, **OF_SESSION, evse_number=3)


@pytest.mark.django_db(transaction=True)
async def test_a_named_session_tells_the_evse(run_orm: Any) -> None:
    charger = await a_charger(run_orm)
    session = await run_orm(a_session, charger, evse=2)

    for evse in (None, 0, 2):
        for reference in (session, 1000, "T-1000"):
            found = await prepared(charger, **OF_SESSION, evse_number=evse, transaction=reference)
            assert (found["transaction"], found["evse_number"]) == (session, 2)
            assert found["profile_id"] == 3_002_002


@pytest.mark.django_db(transaction=True)
async def test_a_session_that_has_ended_or_is_elsewhere_is_refused(run_orm: Any) -> None:
    charger = await a_charger(run_orm)
    await run_orm(a_session, charger, 1000, evse=2)
    await run_orm(a_session, charger, 1001, evse=None)
    await run_orm(a_session, charger, 1002, **ENDED)

    async def answer(number: int, evse: int) -> tuple[list[str], str]:
        return await refusal(charger, **OF_SESSION, transaction=number, evse_number=evse)

    assert await answer(1000, 1) == (["connectorId"], "The session is at EVSE 2.")
    assert await answer(1001, 1) == (["connectorId"], "The session is at EVSE ?.")
    assert await answer(1001, 0) == (["connectorId"], "The session is at EVSE ?.")
    assert await answer(1002, 1) == (["transactionId"], "The session has ended.")


# -- spellings -----------------------------------------------------------------------------------------------

FULL = {
    **OF_SESSION,
    "evse_number": 3,
    "profile_id": 7,
    "unit": "W",
    "kind": "Recurring",
    "recurrency": "Weekly",
    "start": "2026-05-04T12:00:00Z",
    "duration_s": 600,
    "least": 1380.27,
    "valid_from": "2026-05-04T12:00:00Z",
    "valid_to": "2026-05-05T12:00:00Z",
    "transaction": Transaction(id=1000, ocpp_id="T-1"),
}
START, END = "2026-05-04T12:00:00.000Z", "2026-05-05T12:00:00.000Z"
SHARED = {
    "stackLevel": 2,
    "chargingProfileKind": "Recurring",
    "chargingProfilePurpose": "TxProfile",
    "recurrencyKind": "Weekly",
    "validFrom": START,
    "validTo": END,
}
SCHEDULE = {"chargingRateUnit": "W", "startSchedule": START, "duration": 600}


def test_a_profile_of_1_6_names_the_connector_and_the_number_of_the_session() -> None:
    assert SET.payload(V16, FULL) == {
        "connectorId": 3,
        "csChargingProfiles": {
            **SHARED,
            "chargingProfileId": 7,
            "transactionId": 1000,
            "chargingSchedule": {
                **SCHEDULE,
                "minChargingRate": 1380.2,
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.0, "numberPhases": 1}],
            },
        },
    }


@pytest.mark.parametrize("version", [V201, V21])
def test_a_profile_of_2_x_names_the_evse_and_the_id_of_the_session(version: str) -> None:
    assert SET.payload(version, FULL) == {
        "evseId": 3,
        "chargingProfile": {
            **SHARED,
            "id": 7,
            "transactionId": "T-1",
            "chargingSchedule": [
                {**SCHEDULE, "id": 7, "minChargingRate": 1380.27, "chargingSchedulePeriod": PERIODS}
            ],
        },
    }


def test_a_profile_without_a_session_is_for_the_whole_station_and_begins_now() -> None:
    before = datetime.now(UTC).isoformat()[:19]
    old, new = SET.payload(V16, DEFAULT), SET.payload(V201, DEFAULT)

    assert (old["connectorId"], new["evseId"]) == (0, 0)
    for profile in (old["csChargingProfiles"], new["chargingProfile"]):
        assert "transactionId" not in profile
        schedule = profile["chargingSchedule"]
        schedule = schedule if isinstance(schedule, dict) else schedule[0]
        assert before <= schedule["startSchedule"][:19] <= datetime.now(UTC).isoformat()[:19]
        assert schedule["chargingRateUnit"] == "A"


# -- warnings ------------------------------------------------------------------------------------------------


def sent(charger: ChargePoint, number: int = 1, **more: Any) -> Command:
    at = NOON + timedelta(minutes=number)
    values = {"action": "SetChargingProfile", "payload": {}, "created_at": at, "deadline_at": at}
    return Command.objects.create(
        id=f"c-{number}", charge_point=charger, **(values | {"finished_at": at} | more)
    )


REFUSED = "This station has answered its last charging profile with NotSupported."


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("answers", "is_warned"),
    [
        ([], False),
        ([{"status": "NotSupported"}], True),
        ([{"error_code": "NotSupported"}], True),
        ([{"error_code": "NotImplemented"}], True),
        ([{"error_code": "InternalError"}], False),
        ([{"status": "Rejected"}], False),
        ([{"status": "NotSupported"}, {"status": "Accepted"}], False),
        ([{"status": "Accepted"}, {"status": "NotSupported"}], True),
        ([{"status": "NotSupported", "action": "Reset"}], False),
        ([{"status": "NotSupported"}, {"finished_at": None}], True),
    ],
)
def test_a_station_that_supports_no_profiles_gets_a_warning(
    answers: list[dict[str, Any]], is_warned: bool
) -> None:
    charger = ChargePoint.objects.create(identity="CP-1", ocpp_version=V16)
    for number, answer in enumerate(answers, start=1):
        sent(charger, number, **answer)

    assert SET.warning(charger, DEFAULT) == (REFUSED if is_warned else "")


LATER = DEFAULT | {"valid_from": "2999-01-01T00:00:00Z"}


@pytest.mark.django_db
def test_the_profile_that_is_replaced_leaves_a_gap() -> None:
    charger = ChargePoint.objects.create(identity="CP-1", ocpp_version=V16)
    profile = {"chargingProfilePurpose": "TxDefaultProfile", "chargingProfileKind": "Relative"}
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": PERIODS}
    InstalledProfile.objects.create(
        charge_point=charger,
        profile_id=7,
        evse_number=1,
        purpose="TxDefaultProfile",
        stack_level=2,
        kind="Relative",
        payload={"chargingProfileId": 7, "stackLevel": 2, "chargingSchedule": schedule, **profile},
        installed_at=NOON,
    )
    gap = "It replaces the installed profile at once, but is valid only later: nothing in between."

    assert SET.warning(charger, LATER | {"evse_number": 1}) == gap
    assert SET.warning(charger, LATER) == ""
    assert SET.warning(charger, LATER | {"evse_number": 1, "stack_level": 3}) == ""
    sent(charger, status="NotSupported")
    assert SET.warning(charger, LATER | {"evse_number": 1}) == f"{gap} {REFUSED}"
    assert SET.warning(charger, LATER | {"evse_number": 0, "transaction": 5}) == REFUSED
