"""Smart charging of OCPP 2.x; the cases have the numbers of the certification."""

from __future__ import annotations

import pytest

from tests.conformance.conftest import ALICE
from tests.conformance.messages import event, new_transaction, token
from tests.conformance.peer import V201, station
from tests.conformance.profiles import asked, listed, profiles

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


@pytest.mark.parametrize("evse", [0, 1])
async def test_TC_K_01_TC_K_10_a_default_profile(server, operator, records, version, evse):
    async with station(server, version) as peer:
        body = {**DEFAULT, "connectorId": evse, "chargingProfileKind": "Relative"}
        code, answer, call = await asked(operator, peer, "set-charging-profile", body)

    assert code == 200, answer
    number = 2_000_000 + evse * 1000
    schedule = {"id": number, "chargingRateUnit": "A", "chargingSchedulePeriod": LIMIT}
    assert call[2:] == [
        "SetChargingProfile",
        {
            "evseId": evse,
            "chargingProfile": {
                "id": number,
                "stackLevel": 0,
                "chargingProfilePurpose": "TxDefaultProfile",
                "chargingProfileKind": "Relative",
                "chargingSchedule": [schedule],
            },
        },
    ]
    assert profiles(records, peer.identity) == [("TxDefaultProfile", evse, 0, "installed")]


async def test_TC_K_03_a_limit_of_the_station_has_no_evse_and_is_not_relative(server, operator, version):
    limit = {**DEFAULT, "chargingProfilePurpose": "ChargingStationMaxProfile"}
    async with station(server, version) as peer:
        code, answer, call = await asked(operator, peer, "set-charging-profile", limit)
        wrong = {**limit, "connectorId": 1, "chargingProfileKind": "Relative"}
        refused, why, _ = await asked(operator, peer, "set-charging-profile", wrong)

    assert (code, call[3]["evseId"]) == (200, 0), answer
    assert "startSchedule" in call[3]["chargingProfile"]["chargingSchedule"][0]
    assert refused == 400
    assert [error["field"] for error in why["data"]["errors"]] == ["connectorId", "chargingProfileKind"]


async def test_TC_K_04_the_same_id_replaces(server, operator, records, version):
    async with station(server, version) as peer:
        for body in (
            {**DEFAULT, "chargingProfileId": 5},
            {**DEFAULT, "chargingProfileId": 5, "stackLevel": 1},
        ):
            code, answer, _ = await asked(operator, peer, "set-charging-profile", body)
            assert code == 200, answer

    assert [one[2:] for one in profiles(records, peer.identity)] == [(0, "replaced"), (1, "installed")]


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


async def test_TC_K_02_TC_K_60_a_profile_of_a_session(server, operator, records, version):
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
        assert code == 200, answer
        assert (call[3]["evseId"], call[3]["chargingProfile"]["transactionId"]) == (1, transaction)
        await peer.call("TransactionEvent", event("Ended", transaction, 1))

    assert profiles(records, peer.identity) == [("TxProfile", 1, 0, "ended")]


async def test_TC_K_37_a_remote_start_takes_a_profile(server, operator, records, version):
    transaction = new_transaction()
    body = {"idTag": ALICE, "connectorId": 1, "chargingProfile": {"chargingSchedulePeriod": LIMIT}}
    async with station(server, version) as peer:
        code, answer, call = await asked(operator, peer, "remote-start", body)
        assert code == 200, answer
        assert call[3]["chargingProfile"]["chargingProfilePurpose"] == "TxProfile"
        assert "transactionId" not in call[3]["chargingProfile"]
        info = {"remoteStartId": call[3]["remoteStartId"]}
        await peer.call("TransactionEvent", event("Started", transaction, 0, info=info, idToken=token()))
        (shown,) = await listed(operator, peer.identity)

    row = records.transaction(peer.identity)
    assert (shown["state"], shown["transactionId"]) == ("installed", row["id"])


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
async def test_TC_K_43_TC_K_44_composite_schedule(server, operator, version, evse):
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
    body = {"connectorId": evse, "duration": 300}
    async with station(server, version) as peer:
        code, shown, call = await asked(operator, peer, "get-composite-schedule", body, answer)

    assert call[2:] == ["GetCompositeSchedule", {"evseId": evse, "duration": 300}]
    assert (code, shown["data"]["schedule"]["startSchedule"]) == (200, "2026-05-04T12:00:00.000Z")
    assert shown["data"]["schedule"]["chargingSchedulePeriod"] == answer["schedule"]["chargingSchedulePeriod"]


async def test_TC_K_15_a_station_that_reports_no_smart_charging_is_not_asked(server, operator):
    name = {"component": {"name": "SmartChargingCtrlr"}, "variable": {"name": "Enabled"}}
    result = {**name, "attributeStatus": "Accepted", "attributeValue": "false"}
    async with station(server, V201) as peer:
        keys = {"keys": ["SmartChargingCtrlr.Enabled"]}
        await asked(operator, peer, "get-configuration", keys, {"getVariableResult": [result]})
        code, answer, call = await asked(operator, peer, "set-charging-profile", DEFAULT)

    assert (code, answer["data"]["code"], call) == (409, "not-supported", None)
