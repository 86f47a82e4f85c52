"""Needs of vehicles with ISO 15118-20 (2.1 K18 to K20)."""

from __future__ import annotations

from tests.conformance.messages import event, new_transaction, token
from tests.conformance.peer import V21, station
from tests.conformance.profiles import asked
from tests.conformance.v2x.smart_charging.test_needs import NEEDS, charging, plans, profile_for, schedule

ACCEPTED = {"status": "Accepted"}


def needs(transfer="AC_three_phase", control="DynamicControl", tuples=3, **more):
    power = {"maxChargePower": 11000, "evTargetEnergyRequest": 20000, **more}
    return {
        "evseId": 1,
        "maxScheduleTuples": tuples,
        "chargingNeeds": {
            "requestedEnergyTransfer": transfer,
            "controlMode": control,
            "v2xChargingParameters": power,
        },
    }


async def test_TC_K_115_dynamic_control(server, operator):
    async with station(server, V21) as peer:
        transaction = await charging(peer)
        body = {"transactionId": transaction, "allowedEnergyTransfer": ["AC_three_phase", "AC_BPT"]}
        await asked(operator, peer, "notify-allowed-energy-transfer", body)
        assert await peer.call("NotifyEVChargingNeeds", needs("AC_BPT")) == ACCEPTED
        profile = (await profile_for(peer))["chargingProfile"]
        assert await peer.call("NotifyEVChargingSchedule", schedule((0, 11000), unit="W")) == ACCEPTED

    assert (profile["chargingProfilePurpose"], profile["transactionId"]) == ("TxProfile", transaction)
    (ours,) = profile["chargingSchedule"]
    assert ours["chargingRateUnit"] == "W"
    assert ours["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 11000}]


async def test_TC_K_113_TC_K_114_one_schedule_with_as_many_periods_as_the_vehicle_takes(server, operator):
    two = [{"startPeriod": 0, "limit": 6000}, {"startPeriod": 60, "limit": 7000}]
    body = {
        "chargingProfilePurpose": "TxDefaultProfile", "chargingRateUnit": "W", "chargingSchedulePeriod": two
    }  # fmt: skip
    async with station(server, V21) as peer:
        await asked(operator, peer, "set-charging-profile", body)
        await charging(peer)
        few = await peer.call("NotifyEVChargingNeeds", needs(control="ScheduledControl", tuples=1))
        (plan,) = await plans(operator, peer.identity)
        enough = await peer.call("NotifyEVChargingNeeds", needs(control="ScheduledControl", tuples=2))
        profile = (await profile_for(peer))["chargingProfile"]

    assert few == {"status": "NoChargingProfile"}
    assert "1 periods" in plan["reason"]
    assert enough == ACCEPTED
    assert [one["chargingSchedulePeriod"] for one in profile["chargingSchedule"]] == [two]


async def test_TC_K_117_each_change_of_the_needs_gets_a_profile(server):
    async with station(server, V21) as peer:
        transaction = await charging(peer)
        for power in (11000, 7000, 3000):
            assert await peer.call("NotifyEVChargingNeeds", needs(maxChargePower=power)) == ACCEPTED
            profile = (await profile_for(peer))["chargingProfile"]
            (ours,) = profile["chargingSchedule"]
            assert profile["transactionId"] == transaction
            assert ours["chargingSchedulePeriod"][0]["limit"] == power
            assert await peer.call("NotifyEVChargingSchedule", schedule((0, power), unit="W")) == ACCEPTED


async def test_TC_K_126_no_profile_for_a_vehicle_that_may_not_discharge_yet(server, operator):
    async with station(server, V21) as peer:
        await charging(peer)
        assert await peer.call("NotifyEVChargingNeeds", needs("DC_BPT")) == {"status": "NoChargingProfile"}
        await peer.heartbeat()
        assert not peer.calls
        (plan,) = await plans(operator, peer.identity)

    assert (plan["answer"], plan["requestedEnergyTransfer"]) == ("no-profile", "DC_BPT")


async def test_TC_K_126_a_profile_that_can_not_be_sent_is_shown(server, operator, records):
    """The station reports that it takes only W, and the vehicle names its maximum in A."""
    name = {"component": {"name": "SmartChargingCtrlr"}, "variable": {"name": "RateUnit"}}
    result = {**name, "attributeStatus": "Accepted", "attributeValue": "W"}
    async with station(server, V21) as peer:
        keys = {"keys": ["SmartChargingCtrlr.RateUnit"]}
        await asked(operator, peer, "get-configuration", keys, {"getVariableResult": [result]})
        await peer.call("TransactionEvent", event("Started", new_transaction(), 0, idToken=token()))
        assert await peer.call("NotifyEVChargingNeeds", NEEDS) == ACCEPTED
        await peer.heartbeat()
        assert not peer.calls
        (plan,) = await plans(operator, peer.identity)

    assert (plan["answer"], plan["reason"]) == ("no-profile", "The charging profile is not valid.")
