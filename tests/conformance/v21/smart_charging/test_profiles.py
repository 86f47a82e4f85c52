"""Charging profiles that only OCPP 2.1 has: dynamic ones, priority, the fields of Edition 2."""

from __future__ import annotations

import pytest

from tests.conformance.messages import event, new_transaction, token
from tests.conformance.peer import V21, V201, station
from tests.conformance.profiles import asked, listed, stored_profiles

ACCEPTED = {"status": "Accepted"}
REJECTED = {"status": "Rejected"}
DEFAULT = {
    "chargingProfilePurpose": "TxDefaultProfile",
    "connectorId": 1,
    "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6}],
}
DYNAMIC = {**DEFAULT, "chargingProfileKind": "Dynamic"}
PRIORITY = {**DEFAULT, "chargingProfilePurpose": "PriorityCharging"}


def fields(answer):
    return [error["field"] for error in answer["data"]["errors"]]


@pytest.mark.parametrize(
    ("body", "of_profile", "of_schedule"),
    [
        (  # TC_K_100
            {"maxOfflineDuration": 600, "invalidAfterOfflineDuration": True},
            {"maxOfflineDuration": 600, "invalidAfterOfflineDuration": True},
            {},
        ),
        ({"limitAtSoC": {"soc": 80, "limit": 4}}, {}, {"limitAtSoC": {"soc": 80, "limit": 4}}),  # TC_K_102
        (  # TC_K_106
            {"useLocalTime": True, "randomizedDelay": 120},
            {},
            {"useLocalTime": True, "randomizedDelay": 120},
        ),
    ],
)
async def test_TC_K_100_TC_K_102_TC_K_106_fields_of_2_1(  # noqa: PLR0917 - cases
    server, operator, records, body, of_profile, of_schedule
):
    async with station(server, V21) as peer:
        code, answer, call = await asked(operator, peer, "set-charging-profile", {**DEFAULT, **body})
        (shown,) = await listed(operator, peer.identity)
    assert (code, answer["success"], call[3]["evseId"]) == (200, True, 1)
    profile = call[3]["chargingProfile"]
    (schedule,) = profile["chargingSchedule"]
    assert profile["chargingProfilePurpose"] == "TxDefaultProfile"
    assert {name: profile[name] for name in of_profile} == of_profile
    assert {name: schedule[name] for name in of_schedule} == of_schedule
    assert shown["profile"] == profile
    assert stored_profiles(records, peer.identity) == [("installed", profile)]

    async with station(server, V201) as peer:
        refused, why, none = await asked(operator, peer, "set-charging-profile", {**DEFAULT, **body})
    assert (refused, none) == (400, None)
    assert set(fields(why)) == set(body)


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"randomizedDelay": 5, "chargingProfilePurpose": "ChargingStationMaxProfile"}, "randomizedDelay"),
        ({"invalidAfterOfflineDuration": True}, "maxOfflineDuration"),
        ({"limitAtSoC": {"soc": 101, "limit": 4}}, "limitAtSoC"),
        ({"dynUpdateInterval": 5}, "dynUpdateInterval"),
        ({**DYNAMIC, "startSchedule": "2026-05-04T12:00:00Z"}, "startSchedule"),
        ({**PRIORITY, "duration": 60}, "duration"),
    ],
)
async def test_TC_K_104_TC_K_106_wrong_fields_are_refused_before_they_are_sent(server, operator, body, wrong):
    body = {**DEFAULT, **body}
    if body["chargingProfilePurpose"] == "ChargingStationMaxProfile":
        body.pop("connectorId")
    async with station(server, V21) as peer:
        code, answer, call = await asked(operator, peer, "set-charging-profile", body)

    assert (code, call) == (400, None)
    assert fields(answer) == [wrong]


async def test_TC_K_104_TC_K_118_priority_charging(server, operator, records):
    transaction = new_transaction()
    async with station(server, V21) as peer:
        _, _, set_ = await asked(operator, peer, "set-charging-profile", PRIORITY)
        await peer.call("TransactionEvent", event("Started", transaction, 0, idToken=token()))
        session = records.transaction(peer.identity)["id"]
        body = {"transactionId": session}
        code, answer, call = await asked(operator, peer, "use-priority-charging", body)
        by_us = records.of("smart_charging_chargingplan", peer.identity, order="t.updated_at")
        assert (
            await peer.call("NotifyPriorityCharging", {"transactionId": transaction, "activated": False})
            == {}
        )
        by_driver = records.of("smart_charging_chargingplan", peer.identity, order="t.updated_at")
        refused, _, end = await asked(
            operator, peer, "use-priority-charging", {**body, "deactivate": True}, {"status": "NoProfile"}
        )
        await peer.call("TransactionEvent", event("Ended", transaction, 1))
        over, _, none = await asked(operator, peer, "use-priority-charging", body)

    profile = set_[3]["chargingProfile"]
    assert profile["chargingProfilePurpose"] == "PriorityCharging"
    assert "duration" not in profile["chargingSchedule"][0]
    assert code == 200, answer
    assert call[2:] == ["UsePriorityCharging", {"transactionId": transaction, "activate": True}]
    assert [(row["transaction_id"], row["has_priority"]) for row in by_us] == [(session, 1)]
    assert [row["has_priority"] for row in by_driver] == [0]
    assert end[3] == {"transactionId": transaction, "activate": False}
    assert (refused, over, none) == (200, 409, None)


async def test_TC_K_109_ids_are_above_those_of_the_station(server, operator, records):
    name = {"component": {"name": "SmartChargingCtrlr"}, "variable": {"name": "MaxExternalConstraintsId"}}
    value = {"attributeStatus": "Accepted", "attributeValue": "2147400000"}
    result = {"getVariableResult": [{**name, **value}]}
    async with station(server, V21) as peer:
        keys = {"keys": ["SmartChargingCtrlr.MaxExternalConstraintsId"]}
        await asked(operator, peer, "get-configuration", keys, result)
        code, answer, call = await asked(operator, peer, "set-charging-profile", DEFAULT)

    assert (code, answer["success"], call[2]) == (200, True, "SetChargingProfile")
    profile = call[3]["chargingProfile"]
    assert 2_147_400_000 < profile["id"] < 2**31
    assert stored_profiles(records, peer.identity) == [("installed", profile)]


async def test_TC_K_121_a_station_pulls_the_update_of_a_dynamic_profile(server, operator, records):
    async with station(server, V21) as peer:
        body = {**DYNAMIC, "dynUpdateInterval": 15}
        code, answer, call = await asked(operator, peer, "set-charging-profile", body)
        assert code == 200, answer
        profile = call[3]["chargingProfile"]
        number = profile["id"]
        unknown = await peer.call("PullDynamicScheduleUpdate", {"chargingProfileId": number + 1})
        first = await peer.call("PullDynamicScheduleUpdate", {"chargingProfileId": number})
        update = {"chargingProfileId": number, "scheduleUpdate": {"limit": 10, "limit_L2": 9}}
        code, _, pushed = await asked(operator, peer, "update-dynamic-schedule", update)
        second = await peer.call("PullDynamicScheduleUpdate", {"chargingProfileId": number})
        update = {"chargingProfileId": number, "scheduleUpdate": {"limit": 12}}
        await asked(operator, peer, "update-dynamic-schedule", update, REJECTED)
        third = await peer.call("PullDynamicScheduleUpdate", {"chargingProfileId": number})
    async with station(server, V21, peer.identity) as again:
        after_a_boot = await again.call("PullDynamicScheduleUpdate", {"chargingProfileId": number})

    assert (profile["chargingProfileKind"], profile["dynUpdateInterval"]) == ("Dynamic", 15)
    assert profile["dynUpdateTime"].endswith("Z")
    (schedule,) = profile["chargingSchedule"]
    assert schedule["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 6}]
    assert "startSchedule" not in schedule
    assert unknown == {**REJECTED, "statusInfo": {"reasonCode": "InvalidProfile"}}
    assert first == {**ACCEPTED, "scheduleUpdate": {"limit": 6}}
    assert (code, pushed[2]) == (200, "UpdateDynamicSchedule")
    assert pushed[3] == {"chargingProfileId": number, "scheduleUpdate": {"limit": 10, "limit_L2": 9}}
    assert second["scheduleUpdate"] == {"limit": 10, "limit_L2": 9}
    assert third == second == after_a_boot
    (row,) = records.of("smart_charging_installedprofile", peer.identity, order="t.installed_at")
    assert row["dynamic"] is not None


@pytest.mark.parametrize(
    ("update", "wrong"),
    [
        ({"limit": -1}, ["scheduleUpdate.limit"]),
        ({"dischargeLimit": 1}, ["scheduleUpdate.dischargeLimit"]),
        ({"limit": 5, "setpoint": 6}, ["scheduleUpdate.setpoint"]),
        ({"power": 6}, ["scheduleUpdate.power"]),
        ({}, ["scheduleUpdate"]),
    ],
)
async def test_TC_K_121_an_update_is_checked_before_it_is_sent(server, operator, update, wrong):
    async with station(server, V21) as peer:
        _, _, call = await asked(operator, peer, "set-charging-profile", DYNAMIC)
        body = {"chargingProfileId": call[3]["chargingProfile"]["id"], "scheduleUpdate": update}
        code, answer, none = await asked(operator, peer, "update-dynamic-schedule", body)

    assert (code, none) == (400, None)
    assert fields(answer) == wrong


async def test_TC_K_121_only_a_dynamic_profile_is_updated(server, operator):
    async with station(server, V21) as peer:
        _, _, call = await asked(operator, peer, "set-charging-profile", DEFAULT)
        number = call[3]["chargingProfile"]["id"]
        body = {"chargingProfileId": number, "scheduleUpdate": {"limit": 5}}
        code, answer, none = await asked(operator, peer, "update-dynamic-schedule", body)
        pulled = await peer.call("PullDynamicScheduleUpdate", {"chargingProfileId": number})

    assert (code, none) == (409, None)
    assert f"no dynamic profile {number}" in answer["message"]
    assert pulled["status"] == "Rejected"


async def test_TC_K_104_a_station_without_priority_charging_is_not_sent_a_profile_for_it(server, operator):
    name = {
        "component": {"name": "SmartChargingCtrlr"},
        "variable": {"name": "SupportedAdditionalPurposes"},
    }
    value = {"attributeStatus": "Accepted", "attributeValue": "LocalGeneration"}
    async with station(server, V21) as peer:
        keys = {"keys": ["SmartChargingCtrlr.SupportedAdditionalPurposes"]}
        await asked(operator, peer, "get-configuration", keys, {"getVariableResult": [{**name, **value}]})
        code, answer, call = await asked(operator, peer, "set-charging-profile", PRIORITY)
        local = {**DEFAULT, "chargingProfilePurpose": "LocalGeneration"}
        accepted, _, sent = await asked(operator, peer, "set-charging-profile", local)

    assert (code, call, fields(answer)) == (400, None, ["chargingProfilePurpose"])
    assert (accepted, sent[3]["chargingProfile"]["chargingProfilePurpose"]) == (200, "LocalGeneration")
