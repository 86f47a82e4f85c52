"""Needs and schedules of vehicles (2.x K15 to K17): the answer, the profile that follows, the comparison."""

from __future__ import annotations

import json

import pytest

from tests.conformance.messages import event, new_transaction, token
from tests.conformance.peer import V201, at, station
from tests.conformance.profiles import asked, listed, stored_profiles

ACCEPTED, REJECTED = {"status": "Accepted"}, {"status": "Rejected"}
AC = {"energyAmount": 20000, "evMinCurrent": 6, "evMaxCurrent": 20, "evMaxVoltage": 400}
NEEDS = {
    "evseId": 1,
    "maxScheduleTuples": 3,
    "chargingNeeds": {
        "requestedEnergyTransfer": "AC_three_phase",
        "departureTime": "2026-05-05T06:00:00Z",
        "acChargingParameters": AC,
    },
}
DEFAULT = {
    "chargingProfilePurpose": "TxDefaultProfile",
    "connectorId": 1,
    "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16}, {"startPeriod": 600, "limit": 32}],
}


def schedule(*limits, unit="A"):
    """A schedule of a vehicle with these (second, limit)."""
    periods = [{"startPeriod": second, "limit": limit} for second, limit in limits]
    wished = {"id": 1, "chargingRateUnit": unit, "chargingSchedulePeriod": periods}
    return {"timeBase": at(), "evseId": 1, "chargingSchedule": wished}


async def plans(operator, identity):
    path = f"/api/v1/chargepoints/{identity}/charging-plans"
    _, answer = await operator.request("GET", path)
    return answer["data"]["chargingPlans"]


async def charging(peer):
    transaction = new_transaction()
    await peer.call("TransactionEvent", event("Started", transaction, 0, idToken=token()))
    return transaction


async def profile_for(peer, answer=ACCEPTED):
    """The profile that the server sends on its own."""
    call = await peer.next_call()
    assert call[2] == "SetChargingProfile"
    await peer.answer(call, answer)
    await peer.heartbeat()
    return call[3]


async def test_TC_K_55_a_schedule_beyond_the_limit_is_rejected_and_a_profile_sent_again(
    server, operator, records, version
):
    async with station(server, version) as peer:
        transaction = await charging(peer)
        assert await peer.call("NotifyEVChargingNeeds", NEEDS) == ACCEPTED
        sent = await profile_for(peer)
        exceeding = await peer.call("NotifyEVChargingSchedule", schedule((0, 10), (300, 32)))
        again = await profile_for(peer)
        fitting = await peer.call("NotifyEVChargingSchedule", schedule((0, 20), (300, 0)))
        (plan,) = await plans(operator, peer.identity)

    profile = sent["chargingProfile"]
    assert (sent["evseId"], profile["chargingProfilePurpose"]) == (1, "TxProfile")
    assert profile["transactionId"] == transaction
    (ours,) = profile["chargingSchedule"]
    assert ours["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 20, "numberPhases": 3}]
    assert (exceeding, fitting) == (REJECTED, ACCEPTED)
    assert again == sent
    assert (plan["answer"], plan["isWithinLimits"], plan["energyWh"]) == ("profile", True, 20000)
    assert plan["departureAt"] == "2026-05-05T06:00:00.000Z"
    assert plan["chargingNeeds"] == NEEDS["chargingNeeds"]
    (row,) = records.of("smart_charging_chargingplan", peer.identity, order="t.transaction_id")
    assert row["transaction_id"] == records.transaction(peer.identity)["id"]


async def test_TC_K_53_TC_K_57_the_limits_of_the_session_hold_for_its_vehicle(
    server, operator, records, version
):
    async with station(server, version) as peer:
        await asked(operator, peer, "set-charging-profile", DEFAULT)
        transaction = await charging(peer)
        # Nothing is sent before the vehicle has sent its needs.
        await peer.heartbeat()
        assert not peer.calls
        assert await peer.call("NotifyEVChargingNeeds", NEEDS) == ACCEPTED
        first = await profile_for(peer)
        assert await peer.call("NotifyEVChargingSchedule", schedule((0, 16), (600, 20))) == ACCEPTED
        # The vehicle wants less from now on.
        less = json.loads(json.dumps(NEEDS))
        less["chargingNeeds"]["acChargingParameters"]["evMaxCurrent"] = 10
        assert await peer.call("NotifyEVChargingNeeds", less) == ACCEPTED
        second = await profile_for(peer)
        assert await peer.call("NotifyEVChargingSchedule", schedule((0, 10))) == ACCEPTED
        assert not peer.calls

    limits = [
        [
            period["limit"]
            for period in one["chargingProfile"]["chargingSchedule"][0]["chargingSchedulePeriod"]
        ]
        for one in (first, second)
    ]
    assert limits == [[16, 20], [10, 10]]
    assert {one["chargingProfile"]["transactionId"] for one in (first, second)} == {transaction}
    rows = records.of("smart_charging_installedprofile", peer.identity, order="t.installed_at")
    assert [(row["purpose"], row["state"], row["is_planned"]) for row in rows] == [
        ("TxDefaultProfile", "installed", 0),
        ("TxProfile", "replaced", 1),
        ("TxProfile", "installed", 1),
    ]


async def test_TC_K_58_TC_K_59_the_operator_renegotiates(server, operator, records, version):
    body = {
        "chargingProfilePurpose": "TxProfile",
        "connectorId": 1,
        "stackLevel": 2,
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 8}],
    }
    async with station(server, version) as peer:
        transaction = await charging(peer)
        await peer.call("NotifyEVChargingNeeds", NEEDS)
        await profile_for(peer)
        code, answer, call = await asked(operator, peer, "set-charging-profile", body)
        assert (code, answer["success"], call[3]["evseId"]) == (200, True, 1)
        asked_for = call[3]["chargingProfile"]
        assert (asked_for["chargingProfilePurpose"], asked_for["transactionId"]) == ("TxProfile", transaction)
        # The vehicle sends its needs again: the limit of the operator stays.
        for _ in range(2):
            assert await peer.call("NotifyEVChargingNeeds", NEEDS) == ACCEPTED
            again = (await profile_for(peer))["chargingProfile"]
            assert again["chargingSchedule"][0]["chargingSchedulePeriod"][0]["limit"] == 8
            assert (again["stackLevel"], again["transactionId"]) == (2, transaction)
        assert await peer.call("NotifyEVChargingSchedule", schedule((0, 9))) == REJECTED
        await profile_for(peer)
        assert await peer.call("NotifyEVChargingSchedule", schedule((0, 8))) == ACCEPTED

    stored = stored_profiles(records, peer.identity)
    # The first was the server's own; the operator's and the four that repeat it have one place.
    assert [state for state, _ in stored] == ["installed", *["replaced"] * 3, "installed"]
    assert [one["stackLevel"] for _, one in stored] == [0, 2, 2, 2, 2]
    assert stored[-1][1] == again
    (plan,) = records.of("smart_charging_chargingplan", peer.identity, order="t.transaction_id")
    assert (plan["answer"], plan["is_within_limits"]) == ("profile", 1)


async def test_TC_K_57_a_vehicle_gets_no_profile_that_the_server_does_not_have(server, operator, version):
    no_profile = REJECTED if version == V201 else {"status": "NoChargingProfile"}
    direct = {"requestedEnergyTransfer": "DC"}
    async with station(server, version) as peer:
        assert await peer.call("NotifyEVChargingNeeds", NEEDS) == no_profile  # no session runs
        await charging(peer)
        without_maximum = {"evseId": 1, "chargingNeeds": direct}
        assert await peer.call("NotifyEVChargingNeeds", without_maximum) == no_profile
        for level in (0, 1):
            await asked(operator, peer, "set-charging-profile", {**DEFAULT, "stackLevel": level})
        assert await peer.call("NotifyEVChargingNeeds", NEEDS) == no_profile
        (plan,) = await plans(operator, peer.identity)
        # A schedule that can't be compared is read.
        assert await peer.call("NotifyEVChargingSchedule", schedule((0, 99))) == ACCEPTED
        await peer.heartbeat()
        assert not peer.calls

    assert (plan["answer"], plan["reason"]) == ("no-profile", "Several profiles limit this session.")


async def test_TC_K_57_power_of_a_direct_current_vehicle(server, operator, version):
    of_dc = {"evMaxCurrent": 200, "evMaxVoltage": 500, "evMaxPower": 80000, "energyAmount": 40000}
    needs = {
        "evseId": 1,
        "chargingNeeds": {"requestedEnergyTransfer": "DC", "dcChargingParameters": of_dc},
    }
    async with station(server, version) as peer:
        await charging(peer)
        assert await peer.call("NotifyEVChargingNeeds", needs) == ACCEPTED
        (ours,) = (await profile_for(peer))["chargingProfile"]["chargingSchedule"]
        shown = await listed(operator, peer.identity)

    assert ours["chargingRateUnit"] == "W"
    assert ours["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 80000}]
    assert [one["chargingProfilePurpose"] for one in shown] == ["TxProfile"]


@pytest.mark.parametrize("rejections", [5])
async def test_TC_K_55_a_vehicle_that_never_keeps_to_its_limit_is_not_sent_it_for_ever(
    server, version, rejections
):
    async with station(server, version) as peer:
        await charging(peer)
        await peer.call("NotifyEVChargingNeeds", NEEDS)
        await profile_for(peer)
        sent = 0
        for _ in range(rejections):
            assert await peer.call("NotifyEVChargingSchedule", schedule((0, 32))) == REJECTED
            await peer.call("Heartbeat")
            while peer.calls:
                await peer.answer(peer.calls.popleft(), ACCEPTED)
                sent += 1

        assert sent == 3
