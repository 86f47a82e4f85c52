"""Smart charging of OCPP 2.x; the cases have the numbers of the certification."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.conformance.conftest import ALICE
from tests.conformance.messages import event, new_transaction, token
from tests.conformance.peer import V201, at, station
from tests.conformance.profiles import asked, listed, profiles, stored_profiles

LIMIT = [{"startPeriod": 0, "limit": 16.05}]
DEFAULT = {"chargingProfilePurpose": "TxDefaultProfile", "chargingSchedulePeriod": LIMIT}
SCHEDULE = {
    "id": 1,
    "startSchedule": "2026-01-01T00:00:00Z",
    "chargingRateUnit": "A",
    "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6}],
}
PROFILE = {
    "id": 7,
    "stackLevel": 3,
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Absolute",
    "chargingSchedule": [SCHEDULE],
}


def milliseconds(text):
    """A time of a test as the server sends it."""
    return text.replace("Z", ".000Z")


@pytest.mark.parametrize("evse", [0, 1])
async def test_TC_K_01_TC_K_10_a_default_profile(server, operator, records, version, evse):
    times = {"validFrom": at(), "validTo": at(60), "startSchedule": at(), "duration": 3600}
    async with station(server, version) as peer:
        body = {**DEFAULT, "connectorId": evse, "stackLevel": 1, **times}
        code, answer, call = await asked(operator, peer, "set-charging-profile", body)

    assert (code, answer["success"]) == (200, True)
    number = 2_000_001 + evse * 1000
    profile = {
        "id": number,
        "stackLevel": 1,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "validFrom": milliseconds(times["validFrom"]),
        "validTo": milliseconds(times["validTo"]),
        "chargingSchedule": [
            {
                "id": number,
                "startSchedule": milliseconds(times["startSchedule"]),
                "duration": 3600,
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": LIMIT,
            }
        ],
    }
    assert call[2:] == ["SetChargingProfile", {"evseId": evse, "chargingProfile": profile}]
    assert profiles(records, peer.identity) == [("TxDefaultProfile", evse, 1, "installed")]
    assert stored_profiles(records, peer.identity) == [("installed", profile)]


@pytest.mark.parametrize("recurrency", ["Daily", "Weekly"])
async def test_TC_K_19_a_recurring_profile(server, operator, records, version, recurrency):
    body = {
        **DEFAULT,
        "connectorId": 1,
        "stackLevel": 2,
        "chargingProfileKind": "Recurring",
        "recurrencyKind": recurrency,
        "startSchedule": "2026-01-01T22:00:00Z",
    }
    async with station(server, version) as peer:
        code, answer, call = await asked(operator, peer, "set-charging-profile", body)

    assert (code, answer["success"], call[3]["evseId"]) == (200, True, 1)
    profile = call[3]["chargingProfile"]
    (schedule,) = profile["chargingSchedule"]
    assert (profile["chargingProfilePurpose"], profile["stackLevel"]) == ("TxDefaultProfile", 2)
    assert (profile["chargingProfileKind"], profile["recurrencyKind"]) == ("Recurring", recurrency)
    assert schedule["startSchedule"] == "2026-01-01T22:00:00.000Z"
    assert schedule["chargingSchedulePeriod"] == LIMIT
    assert stored_profiles(records, peer.identity) == [("installed", profile)]


async def test_TC_K_03_a_limit_of_the_station_has_no_evse_and_is_not_relative(
    server, operator, records, version
):
    limit = {**DEFAULT, "chargingProfilePurpose": "ChargingStationMaxProfile", "duration": 3600}
    async with station(server, version) as peer:
        code, answer, call = await asked(operator, peer, "set-charging-profile", limit)
        wrong = {**limit, "connectorId": 1, "chargingProfileKind": "Relative"}
        refused, why, _ = await asked(operator, peer, "set-charging-profile", wrong)

    assert (code, answer["success"], call[3]["evseId"]) == (200, True, 0)
    profile = call[3]["chargingProfile"]
    (schedule,) = profile["chargingSchedule"]
    assert (profile["chargingProfilePurpose"], profile["chargingProfileKind"]) == (
        "ChargingStationMaxProfile", "Absolute",
    )  # fmt: skip
    assert (schedule["duration"], schedule["chargingSchedulePeriod"]) == (3600, LIMIT)
    assert "startSchedule" in schedule
    assert refused == 400
    assert [error["field"] for error in why["data"]["errors"]] == ["connectorId", "chargingProfileKind"]
    assert profiles(records, peer.identity) == [("ChargingStationMaxProfile", 0, 0, "installed")]


async def test_TC_K_04_the_same_id_replaces(server, operator, records, version):
    sent = []
    async with station(server, version) as peer:
        for limit in (8, 6):
            body = {
                **DEFAULT,
                "chargingProfileId": 5,
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
            }
            code, answer, call = await asked(operator, peer, "set-charging-profile", body)
            assert (code, answer["success"], call[2]) == (200, True, "SetChargingProfile")
            sent.append(call[3]["chargingProfile"])
        code, _, _ = await asked(
            operator, peer, "set-charging-profile", {**DEFAULT, "chargingProfileId": 5, "stackLevel": 1}
        )
        assert code == 200

    for profile, limit in zip(sent, (8, 6), strict=True):
        (schedule,) = profile["chargingSchedule"]
        assert (profile["id"], profile["stackLevel"], profile["chargingProfileKind"]) == (5, 0, "Absolute")
        assert schedule["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": limit}]
        assert "startSchedule" in schedule
        assert "recurrencyKind" not in profile
    states = [(one[2], one[3]) for one in profiles(records, peer.identity)]
    assert states == [(0, "replaced"), (0, "replaced"), (1, "installed")]


async def test_TC_K_70_two_profiles(server, operator, records, version):
    async with station(server, version) as peer:
        await peer.call("TransactionEvent", event("Started", new_transaction(), 0, idToken=token()))
        for purpose in ("TxDefaultProfile", "ChargingStationMaxProfile"):
            body = {**DEFAULT, "chargingProfilePurpose": purpose}
            code, answer, call = await asked(operator, peer, "set-charging-profile", body)
            assert (code, answer["success"], call[3]["evseId"]) == (200, True, 0)
            profile = call[3]["chargingProfile"]
            assert (profile["chargingProfilePurpose"], profile["chargingProfileKind"]) == (
                purpose,
                "Absolute",
            )
            assert "startSchedule" in profile["chargingSchedule"][0]

    (first, default), (second, highest) = stored_profiles(records, peer.identity)
    assert (first, second) == ("installed", "installed")
    assert default["chargingProfilePurpose"] == "TxDefaultProfile"
    assert highest == profile
    assert default["id"] != highest["id"]


async def test_TC_K_70_another_id_on_the_same_level_is_refused_before_it_is_sent(server, operator, version):
    async with station(server, version) as peer:
        await asked(operator, peer, "set-charging-profile", {**DEFAULT, "chargingProfileId": 5})
        code, answer, call = await asked(
            operator, peer, "set-charging-profile", {**DEFAULT, "connectorId": 1, "chargingProfileId": 6}
        )
        later, _, _ = await asked(
            operator, peer, "set-charging-profile", {**DEFAULT, "connectorId": 1, "stackLevel": 1}
        )

    assert (code, call) == (409, None)
    assert "Profile 5" in answer["message"]
    assert later == 200


async def test_TC_K_60_a_profile_of_a_session(server, operator, records, version):
    transaction = new_transaction()
    body = {**DEFAULT, "chargingProfilePurpose": "TxProfile", "connectorId": 1}
    async with station(server, version) as peer:
        code, _, _ = await asked(operator, peer, "set-charging-profile", body)
        assert code == 409  # no session is running
        await peer.call("TransactionEvent", event("Started", transaction, 0, idToken=token()))
        number = records.transaction(peer.identity)["id"]
        code, answer, call = await asked(
            operator,
            peer,
            "set-charging-profile",
            {**DEFAULT, "chargingProfilePurpose": "TxProfile", "transactionId": number},
        )
        (running,) = records.of("smart_charging_installedprofile", peer.identity, order="t.installed_at")
        await peer.call("TransactionEvent", event("Ended", transaction, 1))

    assert (code, answer["success"], call[3]["evseId"]) == (200, True, 1)
    profile = call[3]["chargingProfile"]
    assert (profile["chargingProfilePurpose"], profile["transactionId"]) == ("TxProfile", transaction)
    assert "startSchedule" in profile["chargingSchedule"][0]
    assert (running["state"], running["transaction_id"]) == ("installed", number)
    assert profiles(records, peer.identity) == [("TxProfile", 1, 0, "ended")]


async def test_TC_K_02_the_station_does_not_have_the_session(server, operator, records, version):
    """The session has ended, and its end has not arrived yet."""
    body = {
        **DEFAULT,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Relative",
        "connectorId": 1,
    }
    rejected = {"status": "Rejected", "statusInfo": {"reasonCode": "TxNotFound"}}
    async with station(server, version) as peer:
        none, _, nothing = await asked(operator, peer, "set-charging-profile", body)
        await peer.call("TransactionEvent", event("Started", new_transaction(), 0, idToken=token()))
        code, answer, call = await asked(operator, peer, "set-charging-profile", body, rejected)
        row = records.command(call[1])

    assert (none, nothing) == (409, None)
    assert (code, answer["success"], call[3]["evseId"]) == (200, False, 1)
    profile = call[3]["chargingProfile"]
    assert (profile["chargingProfilePurpose"], profile["chargingProfileKind"]) == ("TxProfile", "Relative")
    assert "startSchedule" not in profile["chargingSchedule"][0]
    assert row["status"] == "Rejected"
    assert profiles(records, peer.identity) == []


async def test_TC_K_37_a_remote_start_takes_a_profile(server, operator, records, version):
    transaction = new_transaction()
    body = {"idTag": ALICE, "connectorId": 1, "chargingProfile": {"chargingSchedulePeriod": LIMIT}}
    async with station(server, version) as peer:
        code, answer, call = await asked(operator, peer, "remote-start", body)
        ((before, _),) = stored_profiles(records, peer.identity)
        info = {"remoteStartId": call[3]["remoteStartId"]}
        await peer.call("TransactionEvent", event("Started", transaction, 0, info=info, idToken=token()))
        (shown,) = await listed(operator, peer.identity)

    assert (code, answer["success"], call[2]) == (200, True, "RequestStartTransaction")
    assert (call[3]["evseId"], call[3]["idToken"]["idToken"]) == (1, ALICE)
    profile = call[3]["chargingProfile"]
    assert (profile["chargingProfilePurpose"], profile["chargingProfileKind"]) == ("TxProfile", "Relative")
    assert "transactionId" not in profile
    assert "startSchedule" not in profile["chargingSchedule"][0]
    session = records.transaction(peer.identity)
    assert (shown["state"], shown["transactionId"]) == ("installed", session["id"])
    (row,) = records.of("smart_charging_installedprofile", peer.identity, order="t.installed_at")
    assert (before, row["state"], row["transaction_id"]) == ("waiting", "installed", session["id"])


@pytest.mark.parametrize(
    ("body", "payload"),
    [
        ({"chargingProfileId": 5}, {"chargingProfileId": 5}),
        (
            {"connectorId": 0, "chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 0},
            {
                "chargingProfileCriteria": {
                    "evseId": 0,
                    "chargingProfilePurpose": "TxDefaultProfile",
                    "stackLevel": 0,
                }
            },
        ),
    ],
)
@pytest.mark.parametrize(("word", "state"), [("Accepted", "cleared"), ("Unknown", "missing")])
async def test_TC_K_05_TC_K_06_TC_K_08_clear(server, operator, records, version, body, payload, word, state):  # noqa: PLR0917 - cases
    async with station(server, version) as peer:
        await asked(operator, peer, "set-charging-profile", {**DEFAULT, "chargingProfileId": 5})
        code, answer, call = await asked(operator, peer, "clear-charging-profile", body, {"status": word})

    assert (code, answer["success"]) == (200, True)
    assert call[2:] == ["ClearChargingProfile", payload]
    assert profiles(records, peer.identity) == [("TxDefaultProfile", 0, 0, state)]


async def test_TC_K_06_clearing_without_any_criterion_is_refused(server, operator, version):
    async with station(server, version) as peer:
        code, _, call = await asked(operator, peer, "clear-charging-profile", {})

    assert (code, call) == (400, None)


async def test_TC_K_29_reported_profiles_are_installed_and_verified(server, operator, records, version):
    report = {"requestId": 4, "chargingLimitSource": "CSO", "evseId": 1, "chargingProfile": [PROFILE]}
    async with station(server, version) as peer:
        await peer.call("ReportChargingProfiles", report)
        await peer.call("ReportChargingProfiles", report | {"requestId": 5})
        await peer.call("ReportChargingProfiles", {**report, "chargingLimitSource": "EMS", "evseId": 2})
        (shown,) = await listed(operator, peer.identity, "isCurrent=true&chargingLimitSource=CSO")
        answer = await operator.request(
            "GET", f"/api/v1/chargepoints/{peer.identity}/charging-profiles/{shown['id']}"
        )

    assert (shown["chargingProfileId"], shown["connectorId"], shown["requestId"]) == (7, 1, None)
    assert (answer[0], answer[1]["data"]["profile"]) == (200, PROFILE)
    assert profiles(records, peer.identity) == [
        ("TxDefaultProfile", 1, 3, "installed"),
        ("TxDefaultProfile", 2, 3, "installed"),
    ]


async def test_TC_K_30_profiles_that_the_station_does_not_have_are_missing(
    server, operator, records, version
):
    async with station(server, version) as peer:
        await asked(operator, peer, "set-charging-profile", {**DEFAULT, "chargingProfileId": 5})
        await asked(operator, peer, "set-charging-profile", {**DEFAULT, "stackLevel": 1})
        for criteria in ({"chargingProfileId": [5]}, {"chargingLimitSource": ["EMS"]}):
            payload = {"requestId": 4, "chargingProfile": criteria}
            body = {"action": "GetChargingProfiles", "payload": payload}
            await asked(operator, peer, "commands", body, {"status": "NoProfiles"})

    assert [one[3] for one in profiles(records, peer.identity)] == ["missing", "installed"]


@pytest.mark.parametrize("evse", [0, 1])
async def test_TC_K_43_TC_K_44_composite_schedule(server, operator, records, version, evse):
    answer = {
        "status": "Accepted",
        "schedule": {
            "evseId": evse,
            "duration": 300,
            "scheduleStart": "2026-05-04T12:00:00Z",
            "chargingRateUnit": "W",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 11000, "numberPhases": 3}],
        },
    }
    body = {"connectorId": evse, "duration": 300, "chargingRateUnit": "W"}
    async with station(server, version) as peer:
        code, shown, call = await asked(operator, peer, "get-composite-schedule", body, answer)
        row = records.command(call[1])

    wanted = {"evseId": evse, "duration": 300, "chargingRateUnit": "W"}
    assert call[2:] == ["GetCompositeSchedule", wanted]
    assert (code, shown["data"]["schedule"]["startSchedule"]) == (200, "2026-05-04T12:00:00.000Z")
    assert shown["data"]["schedule"]["chargingSchedulePeriod"] == answer["schedule"]["chargingSchedulePeriod"]
    assert (row["status"], json.loads(row["response"])) == ("Accepted", answer)


async def test_TC_K_15_a_station_without_smart_charging(server, operator, records, version):
    body = {**DEFAULT, "connectorId": 1, "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6}]}
    async with station(server, version) as peer:
        path = f"/api/v1/chargepoints/{peer.identity}/set-charging-profile"
        sent = asyncio.create_task(operator.request("POST", path, body))
        call = await peer.next_call()
        await peer.send([4, call[1], "NotSupported", "", {}])
        _, answer = await sent
        await peer.heartbeat()  # the conversation goes on
        row = records.command(call[1])

    assert (call[2], call[3]["evseId"]) == ("SetChargingProfile", 1)
    profile = call[3]["chargingProfile"]
    (schedule,) = profile["chargingSchedule"]
    assert (profile["chargingProfilePurpose"], profile["chargingProfileKind"]) == (
        "TxDefaultProfile", "Absolute",
    )  # fmt: skip
    assert schedule["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 6}]
    assert "startSchedule" in schedule
    assert answer["success"] is False
    assert row["error_code"] == "NotSupported"
    assert profiles(records, peer.identity) == []


async def test_TC_K_15_a_station_that_reports_no_smart_charging_is_not_asked(server, operator):
    name = {"component": {"name": "SmartChargingCtrlr"}, "variable": {"name": "Enabled"}}
    result = {**name, "attributeStatus": "Accepted", "attributeValue": "false"}
    async with station(server, V201) as peer:
        keys = {"keys": ["SmartChargingCtrlr.Enabled"]}
        await asked(operator, peer, "get-configuration", keys, {"getVariableResult": [result]})
        code, answer, call = await asked(operator, peer, "set-charging-profile", DEFAULT)

    assert (code, answer["data"]["code"], call) == (409, "not-supported", None)
