"""Dynamic profiles that the server pushes and stations pull (2.1 Q04, Q07, K28)."""

from __future__ import annotations

import asyncio
import json

from tests.conformance.peer import V21, station
from tests.conformance.profiles import asked, stored_profiles
from tests.conformance.v21.v2x.test_v2x import body

ACCEPTED, REJECTED = {"status": "Accepted"}, {"status": "Rejected"}
DYNAMIC = {
    "chargingProfilePurpose": "TxDefaultProfile",
    "connectorId": 1,
    "chargingProfileKind": "Dynamic",
    "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6}],
}


async def pushed(peer, payload, answer=ACCEPTED):
    """The next call with this payload. On a slow machine the server may have sent other updates before it."""
    while True:
        call = await peer.next_call()
        if call[3] == payload:
            await peer.answer(call, answer)
            await peer.call("Heartbeat")  # the server has handled the answer
            return call
        await peer.answer(call, ACCEPTED)


async def asked_meanwhile(operator, peer, command, body, payload):
    """Send a command over REST while updates arrive: the HTTP status, the answer, and the call."""
    path = f"/api/v1/chargepoints/{peer.identity}/{command}"
    sent = asyncio.create_task(operator.request("POST", path, body))
    call = await pushed(peer, payload)
    return (*await sent, call)


def row(records, identity):
    (found,) = records.of("smart_charging_installedprofile", identity, order="t.installed_at")
    return found


async def test_TC_Q_109_a_dynamic_profile_is_pushed_and_cleared(server, operator, records):
    async with station(server, V21) as peer:
        wanted = {**DYNAMIC, "dynUpdateInterval": 1}
        code, answer, call = await asked(operator, peer, "set-charging-profile", wanted)
        number = call[3]["chargingProfile"]["id"]
        update = {"chargingProfileId": number, "scheduleUpdate": {"limit": 6}}
        first = await pushed(peer, update)
        second = await pushed(peer, update)
        by_id = {"chargingProfileId": number}
        status, cleared, clear = await asked_meanwhile(operator, peer, "clear-charging-profile", by_id, by_id)

    assert (code, answer["success"], call[3]["evseId"]) == (200, True, 1)
    profile = call[3]["chargingProfile"]
    (schedule,) = profile["chargingSchedule"]
    assert (profile["chargingProfileKind"], profile["chargingProfilePurpose"]) == (
        "Dynamic", "TxDefaultProfile",
    )  # fmt: skip
    assert schedule["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 6}]
    assert first[2:] == second[2:] == ["UpdateDynamicSchedule", update]
    assert (status, cleared["success"]) == (200, True)
    assert clear[2:] == ["ClearChargingProfile", by_id]
    assert stored_profiles(records, peer.identity) == [("cleared", profile)]
    by_server = [one for one in records.commands(peer.identity) if one["actor"] == "server"]
    assert [(one["id"], one["status"]) for one in by_server[:2]] == [
        (first[1], "Accepted"), (second[1], "Accepted"),
    ]  # fmt: skip


async def test_TC_Q_117_frequency_support_is_pushed_until_the_station_refuses_it(server, operator, records):
    wanted = body("CentralFrequency", kind="Dynamic", setpoint=-6.0) | {"dynUpdateInterval": 1}
    async with station(server, V21) as peer:
        code, answer, call = await asked(operator, peer, "set-charging-profile", wanted)
        number = call[3]["chargingProfile"]["id"]
        unchanged = {"chargingProfileId": number, "scheduleUpdate": {"setpoint": -6.0}}
        same = await pushed(peer, unchanged)
        # The limit of the case, although the mode has a setpoint.
        update = {"chargingProfileId": number, "scheduleUpdate": {"limit": 0, "setpoint": -5}}
        await asked_meanwhile(operator, peer, "update-dynamic-schedule", update, update)
        changed = await pushed(peer, update, REJECTED)

    assert (code, answer["success"], call[3]["evseId"]) == (200, True, 1)
    profile = call[3]["chargingProfile"]
    (schedule,) = profile["chargingSchedule"]
    assert (profile["chargingProfileKind"], profile["chargingProfilePurpose"]) == (
        "Dynamic", "TxDefaultProfile",
    )  # fmt: skip
    assert schedule["chargingSchedulePeriod"] == [
        {"startPeriod": 0, "operationMode": "CentralFrequency", "setpoint": -6.0}
    ]
    assert same[2:] == ["UpdateDynamicSchedule", unchanged]
    assert changed[2:] == ["UpdateDynamicSchedule", update]
    stored = row(records, peer.identity)
    assert json.loads(stored["dynamic"]) == {"limit": 0, "setpoint": -5}
    assert (stored["update_interval_s"], stored["push_at"]) == (1, None)


async def test_TC_Q_110_a_dynamic_profile_is_pulled(server, operator, records):
    async with station(server, V21) as peer:
        wanted = {**DYNAMIC, "dynUpdateInterval": 15}
        code, answer, call = await asked(operator, peer, "set-charging-profile", wanted)
        number = call[3]["chargingProfile"]["id"]
        before = row(records, peer.identity)
        unknown = await peer.call("PullDynamicScheduleUpdate", {"chargingProfileId": number + 1})
        known = await peer.call("PullDynamicScheduleUpdate", {"chargingProfileId": number})
        after = row(records, peer.identity)

    assert (code, answer["success"], call[3]["evseId"]) == (200, True, 1)
    profile = call[3]["chargingProfile"]
    (schedule,) = profile["chargingSchedule"]
    assert (profile["chargingProfileKind"], profile["dynUpdateInterval"]) == ("Dynamic", 15)
    assert profile["dynUpdateTime"].endswith("Z")
    assert schedule["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 6}]
    assert unknown == {**REJECTED, "statusInfo": {"reasonCode": "InvalidProfile"}}
    assert known == {**ACCEPTED, "scheduleUpdate": {"limit": 6}}
    assert stored_profiles(records, peer.identity) == [("installed", profile)]
    # A station that asks is not sent its limits for another interval.
    assert (before["update_interval_s"], after["push_at"] > before["push_at"]) == (15, True)
