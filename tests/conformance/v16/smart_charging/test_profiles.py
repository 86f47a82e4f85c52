"""OCPP 1.6 Smart Charging: set, clear and composite schedule, from the REST call to what is installed."""

from __future__ import annotations

import json

import pytest

from tests.conformance.conftest import ALICE
from tests.conformance.messages import start, status, stop
from tests.conformance.peer import V16, station
from tests.conformance.profiles import asked, listed, profiles

LIMIT = [{"startPeriod": 0, "limit": 16.04, "numberPhases": 3}]
DEFAULT = {"chargingProfilePurpose": "TxDefaultProfile", "chargingSchedulePeriod": LIMIT}


async def test_16_056_a_default_profile_is_installed_and_listed(server, operator, records):
    async with station(server) as peer:
        code, answer, call = await asked(
            operator,
            peer,
            "set-charging-profile",
            {**DEFAULT, "connectorId": 1, "chargingProfileKind": "Relative"},
        )
        shown = await listed(operator, peer.identity)

    assert (code, answer["data"]["status"]) == (200, "Accepted"), answer
    assert profiles(records, peer.identity) == [("TxDefaultProfile", 1, 0, "installed")]
    assert call[2:] == [
        "SetChargingProfile",
        {
            "connectorId": 1,
            "csChargingProfiles": {
                "chargingProfileId": 2_001_000,
                "stackLevel": 0,
                "chargingProfilePurpose": "TxDefaultProfile",
                "chargingProfileKind": "Relative",
                "chargingSchedule": {
                    "chargingRateUnit": "A",
                    "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.0, "numberPhases": 3}],
                },
            },
        },
    ]
    (row,) = shown
    assert row["profile"] == call[3]["csChargingProfiles"]
    assert (row["requestId"], row["state"], row["isCurrent"]) == (call[1], "installed", True)
    assert (row["chargingProfileId"], row["connectorId"], row["transactionId"]) == (2_001_000, 1, None)
    (event,) = records.rows(
        "SELECT data FROM api_events WHERE type = 'profile.changed' AND station = ?", peer.identity
    )
    assert json.loads(event["data"])["state"] == "installed"


@pytest.mark.parametrize("word", ["Rejected", "NotSupported"])
async def test_16_056_a_profile_that_the_station_refuses_is_not_installed(server, operator, records, word):
    async with station(server) as peer:
        _, answer, call = await asked(operator, peer, "set-charging-profile", DEFAULT, {"status": word})
        _, again, _ = await asked(operator, peer, "set-charging-profile", DEFAULT, {"status": word})

    assert (call[2], answer["success"], answer["data"]["status"]) == ("SetChargingProfile", False, word)
    assert ("NotSupported" in again["data"].get("warning", "")) is (word == "NotSupported")
    assert profiles(records, peer.identity) == []


async def test_16_056_a_profile_of_the_same_place_replaces_the_one_before(server, operator, records):
    async with station(server) as peer:
        for body in (DEFAULT, {**DEFAULT, "stackLevel": 1}, DEFAULT, {**DEFAULT, "connectorId": 1}):
            code, answer, _ = await asked(operator, peer, "set-charging-profile", body)
            assert code == 200, answer

    assert profiles(records, peer.identity) == [
        ("TxDefaultProfile", 0, 0, "replaced"),
        ("TxDefaultProfile", 0, 1, "installed"),
        ("TxDefaultProfile", 0, 0, "installed"),
        ("TxDefaultProfile", 1, 0, "installed"),
    ]


async def test_16_057_a_profile_of_a_session_has_its_number_and_ends_with_it(server, operator, records):
    body = {**DEFAULT, "chargingProfilePurpose": "TxProfile", "connectorId": 1}
    async with station(server) as peer:
        await peer.call("StatusNotification", status(1, "Preparing"))
        code, answer, call = await asked(operator, peer, "set-charging-profile", body)
        assert (code, call) == (409, None), answer
        number = (await peer.call("StartTransaction", start()))["transactionId"]
        code, answer, call = await asked(operator, peer, "set-charging-profile", body)
        assert code == 200, answer
        sent = call[3]["csChargingProfiles"]
        assert (call[3]["connectorId"], sent["transactionId"]) == (1, number)
        (shown,) = await listed(operator, peer.identity)
        assert (shown["transactionId"], shown["state"]) == (number, "installed")
        await peer.call("StopTransaction", stop(number))

    assert profiles(records, peer.identity) == [("TxProfile", 1, 0, "ended")]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"chargingProfilePurpose": "ChargePointMaxProfile", "connectorId": 1}, "connectorId"),
        ({"chargingProfilePurpose": "TxProfile"}, "transactionId"),
        ({"chargingProfilePurpose": "LocalGeneration"}, "chargingProfilePurpose"),
        (
            {"chargingSchedulePeriod": [{"startPeriod": 1, "limit": 6}]},
            "chargingSchedulePeriod[0].startPeriod",
        ),
        ({"chargingProfileKind": "Recurring", "recurrencyKind": "Daily"}, "startSchedule"),
        ({"validTo": "2020-01-01T00:00:00Z"}, "validTo"),
    ],
)
async def test_16_056_a_wrong_profile_is_refused_before_it_is_sent(server, operator, body, field):
    async with station(server) as peer:
        code, answer, call = await asked(operator, peer, "set-charging-profile", {**DEFAULT, **body})
        await peer.heartbeat()

    assert (code, call) == (400, None), answer
    assert [error["field"] for error in answer["data"]["errors"]] == [field]


async def test_16_056_a_profile_beyond_the_limits_of_the_station_is_refused(server, operator):
    keys = {
        "ChargeProfileMaxStackLevel": "1",
        "ChargingScheduleAllowedChargingRateUnit": "Current",
        "ChargingScheduleMaxPeriods": "1",
        "MaxChargingProfilesInstalled": "1",
    }
    reported = [{"key": key, "readonly": True, "value": value} for key, value in keys.items()]
    two = [{"startPeriod": 0, "limit": 6000}, {"startPeriod": 60, "limit": 4000}]
    body = {**DEFAULT, "stackLevel": 2, "chargingRateUnit": "W", "chargingSchedulePeriod": two}
    async with station(server) as peer:
        await asked(operator, peer, "get-configuration", {"keys": list(keys)}, {"configurationKey": reported})
        _, answer, _ = await asked(operator, peer, "set-charging-profile", body)
        fields = [error["field"] for error in answer["data"]["errors"]]
        assert fields == ["stackLevel", "chargingRateUnit", "chargingSchedulePeriod"]
        code, answer, _ = await asked(operator, peer, "set-charging-profile", DEFAULT)
        assert code == 200, answer
        code, answer, _ = await asked(operator, peer, "set-charging-profile", {**DEFAULT, "stackLevel": 1})

    assert (code, answer["data"]["code"]) == (409, "limit-reached")


# -- clear ---------------------------------------------------------------------------------------------------


async def three_profiles(operator, peer):
    for body in (DEFAULT, {**DEFAULT, "stackLevel": 1}, {**DEFAULT, "connectorId": 1}):
        code, answer, _ = await asked(operator, peer, "set-charging-profile", body)
        assert code == 200, answer


@pytest.mark.parametrize(
    "what",
    [
        ({"chargingProfileId": 2_000_001}, {"id": 2_000_001}, [(0, 0), (1, 0)]),
        ({"stackLevel": 0}, {"stackLevel": 0}, [(0, 1)]),
        (
            {"connectorId": 0, "chargingProfilePurpose": "TxDefaultProfile"},
            {"connectorId": 0, "chargingProfilePurpose": "TxDefaultProfile"},
            [(1, 0)],
        ),
        (
            {"chargingProfilePurpose": "ChargingStationMaxProfile"},
            {"chargingProfilePurpose": "ChargePointMaxProfile"},
            [(0, 0), (0, 1), (1, 0)],
        ),
        ({}, {}, []),
    ],
    ids=["by id", "by level", "by place and purpose", "another purpose", "all"],
)
@pytest.mark.parametrize("answered", [("Accepted", "cleared"), ("Unknown", "missing")])
async def test_16_067_cleared_profiles_are_no_longer_installed(server, operator, records, what, answered):
    (body, payload, kept), (word, state) = what, answered
    async with station(server) as peer:
        await three_profiles(operator, peer)
        code, answer, call = await asked(operator, peer, "clear-charging-profile", body, {"status": word})
        shown = await listed(operator, peer.identity)

    assert (code, answer["data"]["status"]) == (200, word)
    assert call[2:] == ["ClearChargingProfile", payload]
    assert sorted((row["connectorId"], row["stackLevel"]) for row in shown) == sorted(kept)
    states = [one[3] for one in profiles(records, peer.identity)]
    assert states.count(state) == 3 - len(kept)


async def test_16_067_profiles_are_in_doubt_after_a_boot_of_1_6(server, operator, records):
    async with station(server) as peer:
        await asked(operator, peer, "set-charging-profile", DEFAULT)
        identity = peer.identity
    async with station(server, V16, identity) as peer:
        assert profiles(records, identity) == [("TxDefaultProfile", 0, 0, "unverified")]
        await asked(operator, peer, "set-charging-profile", DEFAULT)

    assert [one[3] for one in profiles(records, identity)] == ["replaced", "installed"]


# -- remote start and composite schedule ---------------------------------------------------------------------


@pytest.mark.parametrize("place", [{"connectorId": 1}, {}], ids=["with connector", "without"])
async def test_16_059_a_remote_start_takes_a_profile_that_ends_with_the_session(
    server, operator, records, place
):
    body = {
        "idTag": ALICE,
        **place,
        "chargingProfile": {"stackLevel": 1, "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10}]},
    }
    async with station(server) as peer:
        await peer.call("StatusNotification", status(1, "Preparing"))
        code, answer, call = await asked(operator, peer, "remote-start", body)
        assert code == 200, answer
        profile = call[3]["chargingProfile"]
        assert (profile["chargingProfilePurpose"], profile["chargingProfileKind"]) == (
            "TxProfile",
            "Relative",
        )
        assert "transactionId" not in profile
        assert profiles(records, peer.identity) == [("TxProfile", place.get("connectorId", 0), 1, "waiting")]
        number = (await peer.call("StartTransaction", start()))["transactionId"]
        (shown,) = await listed(operator, peer.identity)
        assert (shown["connectorId"], shown["transactionId"], shown["state"]) == (1, number, "installed")
        await peer.call("StopTransaction", stop(number))

    assert profiles(records, peer.identity) == [("TxProfile", 1, 1, "ended")]


async def test_16_059_a_refused_remote_start_leaves_no_profile(server, operator, records):
    body = {"idTag": ALICE, "connectorId": 1, "chargingProfile": {"chargingSchedulePeriod": LIMIT}}
    async with station(server) as peer:
        await asked(operator, peer, "remote-start", body, {"status": "Rejected"})
        wrong = {**body["chargingProfile"], "transactionId": "5"}
        code, answer, call = await asked(operator, peer, "remote-start", {**body, "chargingProfile": wrong})

        no_object, _, _ = await asked(operator, peer, "remote-start", {**body, "chargingProfile": 16})

    assert profiles(records, peer.identity) == []
    assert no_object == 400
    assert (code, call) == (400, None)
    assert [error["field"] for error in answer["data"]["errors"]] == ["chargingProfile.transactionId"]


async def test_16_066_a_composite_schedule_has_the_fields_of_every_version(server, operator, records):
    schedule = {
        "duration": 600,
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [
            {"startPeriod": 0, "limit": 16.0},
            {"startPeriod": 60, "limit": 16.0},
            {"startPeriod": 120, "limit": 8.0},
        ],
    }
    start_at = "2026-05-04T12:00:00Z"
    body = {"connectorId": 1, "duration": 600, "chargingRateUnit": "A"}
    async with station(server) as peer:
        code, answer, call = await asked(
            operator,
            peer,
            "get-composite-schedule",
            body,
            {
                "status": "Accepted",
                "connectorId": 1,
                "scheduleStart": start_at,
                "chargingSchedule": schedule,
            },
        )
        refused_code, refused, _ = await asked(
            operator, peer, "get-composite-schedule", {"duration": 60}, {"status": "Rejected"}
        )

    assert call[2:] == ["GetCompositeSchedule", body]
    assert json.loads(records.command(call[1])["response"])["chargingSchedule"] == schedule
    assert (code, answer["data"]["connectorId"]) == (200, 1)
    assert answer["data"]["schedule"] == {
        "chargingRateUnit": "A",
        "startSchedule": "2026-05-04T12:00:00.000Z",
        "duration": 600,
        "chargingSchedulePeriod": [
            {"startPeriod": 0, "limit": 16.0},
            {"startPeriod": 120, "limit": 8.0},
        ],
    }
    assert (refused_code, refused["success"], refused["data"]["schedule"]) == (200, False, None)
