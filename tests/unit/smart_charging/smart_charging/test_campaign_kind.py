"""The kind "charging-profile": the profile is checked at the start, and stations that have it are skipped."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from chargepoints.models import Campaign, ChargePoint, Command
from chargepoints.services.campaigns import kinds, planning
from chargepoints.services.campaigns.kinds import Result
from ocpp_server import commanding, live
from ocpp_server.credentials import Role
from ocpp_server.domain import Invalid, StationOffline
from ocpp_server.live.records import Connection
from ocpp_server.protocol import translate
from ocpp_server.storage.journal import journal
from smart_charging.models import InstalledProfile
from smart_charging.services.smart_charging import campaigns
from smart_charging.services.smart_charging.campaigns import CHARGING_PROFILE
from tests.unit.configuration.local_list.stations import at_once

NOW = datetime.now(UTC)
PERIODS = [{"startPeriod": 0, "limit": 16.25}, {"startPeriod": 3600, "limit": 8}]
GIVEN: dict[str, Any] = {
    "chargingProfilePurpose": "TxDefaultProfile",
    "startSchedule": "2026-11-28T10:00:00.000Z",
    "chargingSchedulePeriod": PERIODS,
}


def test_it_is_registered_for_its_command() -> None:
    assert kinds.find("charging-profile") is CHARGING_PROFILE
    assert kinds.of_command("set-charging-profile", GIVEN) == ("charging-profile", GIVEN)
    assert str(CHARGING_PROFILE.title) == "Charging profile"
    assert CHARGING_PROFILE.role(GIVEN) is Role.OPERATOR
    assert CHARGING_PROFILE.masked(GIVEN) == GIVEN


def test_an_absolute_schedule_begins_for_all_stations_at_one_time() -> None:
    open_one = {name: value for name, value in GIVEN.items() if name != "startSchedule"}

    checked = CHARGING_PROFILE.check(open_one)

    assert abs(datetime.fromisoformat(checked.pop("startSchedule")) - datetime.now(UTC)).seconds < 60
    assert checked == open_one
    assert CHARGING_PROFILE.check(GIVEN) == GIVEN
    relative = {**open_one, "chargingProfileKind": "Relative"}
    assert CHARGING_PROFILE.check(relative) == relative


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"chargingProfilePurpose": "TxProfile", "connectorId": 1}, "chargingProfilePurpose"),
        ({"transactionId": "t-1"}, "transactionId"),
        ({"chargingProfilePurpose": "ChargingStationMaxProfile", "connectorId": 2}, "connectorId"),
        ({"chargingSchedulePeriod": [{"startPeriod": 0}]}, "chargingSchedulePeriod[0].limit"),
        (
            {"chargingSchedulePeriod": [{"startPeriod": 5, "limit": 6}]},
            "chargingSchedulePeriod[0].startPeriod",
        ),
        ({"chargingSchedulePeriod": []}, "chargingSchedulePeriod"),
        ({"validTo": "2020-01-01T00:00:00Z"}, "validTo"),
        ({"chargingProfileKind": "Recurring"}, "recurrencyKind"),
        ({"chargingRateUnit": "kW"}, "chargingRateUnit"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_refusal_names_the_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as error:
        CHARGING_PROFILE.check(GIVEN | change)

    assert [one["field"] for one in error.value.errors] == [f"arguments.{field}"]


@pytest.mark.parametrize("purpose", ["ChargePointMaxProfile", "PriorityCharging", "LocalGeneration"])
def test_words_of_each_version_are_known(purpose: str) -> None:
    assert CHARGING_PROFILE.check(GIVEN | {"chargingProfilePurpose": purpose})


def test_its_sentence_is_purpose_place_and_limits() -> None:
    assert CHARGING_PROFILE.sentence(GIVEN) == "TxDefaultProfile, 8-16.25 A"
    assert CHARGING_PROFILE.sentence(GIVEN | {"connectorId": 2}) == "TxDefaultProfile, EVSE 2, 8-16.25 A"
    assert CHARGING_PROFILE.sentence({"gone": 1, "more": "x"}) == "gone: 1, more: x"


# -- at a station --------------------------------------------------------------------------------------------


class Sent(list[dict[str, Any]]):
    """The arguments of the commands that were sent."""


@pytest.fixture
def sent(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sent]:
    found = Sent()

    async def run(function: Any, *args: Any, **more: Any) -> Any:
        return function(*args, **more)

    async def perform(self: Any, charge_point: ChargePoint, **how: Any) -> None:
        found.append({"command": self.name, **how})

    monkeypatch.setattr(journal, "run", run)
    monkeypatch.setattr(commanding.OperatorCommand, "perform", perform)
    live.reset()
    yield found
    live.reset()


async def connected(version: str = "ocpp1.6") -> ChargePoint:
    connection = Connection("c", "CP-1", version, "here", "192.0.2.7", NOW)
    await live.state().connect(connection)
    return ChargePoint.objects.create(identity="CP-1", ocpp_version="")


def installed(station: ChargePoint, version: str, **columns: Any) -> InstalledProfile:
    profile = campaigns._profile(GIVEN | {"chargingProfileId": 7})
    spell = translate.charging_profile_16 if version == "ocpp1.6" else translate.charging_profile_2x
    usual: dict[str, Any] = {
        "profile_id": 7,
        "evse_number": 0,
        "purpose": "TxDefaultProfile",
        "stack_level": 0,
        "kind": "Absolute",
        "payload": spell(profile),
        "installed_at": NOW,
    }
    return InstalledProfile.objects.create(charge_point=station, **usual | columns)


@at_once
async def test_the_profile_is_sent_as_given(sent: Sent) -> None:
    station = await connected()

    assert await CHARGING_PROFILE.begin(station, GIVEN, actor="campaign 1") is None

    [how] = sent
    assert (how["command"], how["actor"], how["wait"]) == ("set-charging-profile", "campaign 1", False)
    assert (how["purpose"], how["periods"], how["start"]) == (
        "TxDefaultProfile", PERIODS, "2026-11-28T10:00:00.000Z"
    )  # fmt: skip


@pytest.mark.parametrize("version", ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"])
@at_once
async def test_a_station_that_has_the_profile_is_skipped(sent: Sent, version: str) -> None:
    station = await connected(version)
    installed(station, version)

    result = await CHARGING_PROFILE.begin(station, GIVEN, actor="campaign 1")

    assert result == Result("skipped", "unchanged", "The station has this profile.")
    named = GIVEN | {"chargingProfileId": 7}
    assert await CHARGING_PROFILE.begin(station, named, actor="campaign 1") == result
    assert sent == []


@pytest.mark.parametrize(
    ("columns", "change"),
    [
        ({"state": "unverified"}, {}),
        ({"state": "cleared", "ended_at": NOW}, {}),
        ({"evse_number": 1}, {}),
        ({"stack_level": 1}, {}),
        ({"purpose": "ChargingStationMaxProfile"}, {}),
        ({"payload": {}}, {}),
        ({}, {"chargingProfileId": 8}),
        ({}, {"connectorId": 1}),
        ({}, {"stackLevel": 1}),
        ({}, {"chargingRateUnit": "W"}),
        ({}, {"startSchedule": "2026-11-28T11:00:00.000Z"}),
    ],
)
@at_once
async def test_a_station_with_another_profile_gets_this_one(
    sent: Sent, columns: dict[str, Any], change: dict[str, Any]
) -> None:
    station = await connected()
    installed(station, "ocpp1.6", **columns)

    assert await CHARGING_PROFILE.begin(station, GIVEN | change, actor="campaign 1") is None
    assert len(sent) == 1


@at_once
async def test_the_profile_of_another_station_does_not_count(sent: Sent) -> None:
    station = await connected()
    installed(ChargePoint.objects.create(identity="CP-2"), "ocpp1.6")

    assert await CHARGING_PROFILE.begin(station, GIVEN, actor="campaign 1") is None
    assert len(sent) == 1


@at_once
async def test_an_offline_station_waits(sent: Sent) -> None:
    station = ChargePoint.objects.create(identity="CP-1", ocpp_version="ocpp1.6")

    with pytest.raises(StationOffline):
        await CHARGING_PROFILE.begin(station, GIVEN, actor="campaign 1")

    assert sent == []


@pytest.mark.parametrize(
    ("columns", "result"),
    [
        ({"state": "queued", "finished_at": None}, None),
        ({"state": "accepted", "status": "Accepted"}, ("done", "", "Accepted")),
        ({"state": "rejected", "status": "Rejected"}, ("failed", "rejected", "Rejected")),
        (
            {"state": "rejected", "status": "NotSupported"},
            ("skipped", "not-supported", "The station answered SetChargingProfile with NotSupported."),
        ),
        (
            {"state": "error", "error_code": "NotImplemented"},
            ("skipped", "not-supported", "The station answered SetChargingProfile with NotImplemented."),
        ),
        ({"state": "timeout"}, ("failed", "no-answer", "")),
    ],
)
def test_the_answer_is_the_result(
    db: None, columns: dict[str, Any], result: tuple[str, str, str] | None
) -> None:
    station = ChargePoint.objects.create(identity="CP-1", ocpp_version="ocpp1.6")
    campaign: Campaign = planning.create(
        name="c", kind="charging-profile", arguments=GIVEN, stations={"everything": True}, actor="ann"
    )
    campaign.stations.update(state="sent", claim="c-1", claimed_at=NOW)
    usual = {"created_at": NOW, "deadline_at": NOW, "finished_at": NOW, "actor": campaign.sender}
    Command.objects.create(
        id="c-1", charge_point=station, action="SetChargingProfile", payload={}, **usual | columns
    )
    row = campaign.stations.get()

    assert CHARGING_PROFILE.results([row]) == ({row.pk: Result(*result)} if result else {})


def test_a_deleted_command_is_an_error_of_the_server(db: None) -> None:
    ChargePoint.objects.create(identity="CP-1", ocpp_version="ocpp1.6")
    campaign = planning.create(
        name="c", kind="charging-profile", arguments=GIVEN, stations={"everything": True}, actor="ann"
    )
    campaign.stations.update(state="sent", claim="c-1", claimed_at=NOW)
    row = campaign.stations.get()

    assert CHARGING_PROFILE.results([row])[row.pk].reason == "server-error"
