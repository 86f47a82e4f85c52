"""Needs of vehicles with ISO 15118-20 (2.1 K18 to K20)."""

from __future__ import annotations

from datetime import datetime

from tests.conformance.messages import event, moment, new_transaction, token
from tests.conformance.peer import V21, at, station
from tests.conformance.profiles import asked, stored_profiles
from tests.conformance.v2x.smart_charging.test_needs import NEEDS, charging, plans, profile_for, schedule

ACCEPTED = {"status": "Accepted"}


def needs(transfer="AC_three_phase", control="DynamicControl", tuples=3, departure=None, **more):
    power = {"maxChargePower": 11000, "evTargetEnergyRequest": 20000, **more}
    found = {"requestedEnergyTransfer": transfer, "controlMode": control, "v2xChargingParameters": power}
    if departure is not None:
        found["departureTime"] = departure
    return {"evseId": 1, "maxScheduleTuples": tuples, "chargingNeeds": found}


def plan_row(records, identity):
    (row,) = records.of("smart_charging_chargingplan", identity, order="t.transaction_id")
    return row


def setpoint(watts):
    """The periods of a vehicle whose power the station sets."""
    return [{"startPeriod": 0, "operationMode": "CentralSetpoint", "setpoint": watts}]


async def allow(operator, peer, transaction, *transfers):
    """Allow energy transfers in a session, as an operator."""
    body = {"transactionId": transaction, "allowedEnergyTransfer": list(transfers)}
    await asked(operator, peer, "notify-allowed-energy-transfer", body)


async def test_TC_K_115_dynamic_control(server, operator, records):
    async with station(server, V21) as peer:
        transaction = await charging(peer)
        await allow(operator, peer, transaction, "AC_three_phase", "AC_BPT")
        assert await peer.call("NotifyEVChargingNeeds", needs("AC_BPT")) == ACCEPTED
        profile = (await profile_for(peer))["chargingProfile"]
        ours = {"timeBase": at(), "evseId": 1, "chargingSchedule": profile["chargingSchedule"][0]}
        assert await peer.call("NotifyEVChargingSchedule", ours) == ACCEPTED

    assert (profile["chargingProfilePurpose"], profile["transactionId"]) == ("TxProfile", transaction)
    (schedule,) = profile["chargingSchedule"]
    assert schedule["chargingRateUnit"] == "W"
    assert schedule["chargingSchedulePeriod"] == setpoint(11000)
    assert stored_profiles(records, peer.identity) == [("installed", profile)]
    row = plan_row(records, peer.identity)
    assert (row["answer"], row["energy_transfer"], row["is_within_limits"]) == ("profile", "AC_BPT", 1)


async def test_TC_K_113_TC_K_114_one_schedule_with_as_many_periods_as_the_vehicle_takes(
    server, operator, records
):
    two = [{"startPeriod": 0, "limit": 6000}, {"startPeriod": 60, "limit": 7000}]
    body = {
        "chargingProfilePurpose": "TxDefaultProfile", "chargingRateUnit": "W", "chargingSchedulePeriod": two
    }  # fmt: skip
    async with station(server, V21) as peer:
        await asked(operator, peer, "set-charging-profile", body)
        transaction = await charging(peer)
        few = await peer.call("NotifyEVChargingNeeds", needs(control="ScheduledControl", tuples=1))
        refused = plan_row(records, peer.identity)
        enough = await peer.call("NotifyEVChargingNeeds", needs(control="ScheduledControl", tuples=2))
        profile = (await profile_for(peer))["chargingProfile"]
        # The server negotiates again with a profile of one period.
        own = {**body, "chargingProfilePurpose": "TxProfile", "connectorId": 1, "chargingRateUnit": "W"}
        own["chargingSchedulePeriod"] = [{"startPeriod": 0, "limit": 5000}]
        code, answer, call = await asked(operator, peer, "set-charging-profile", own)
        fitting = await peer.call("NotifyEVChargingSchedule", schedule((0, 5000), unit="W"))

    assert few == {"status": "NoChargingProfile"}
    assert "1 periods" in refused["reason"]
    assert enough == fitting == ACCEPTED
    assert [one["chargingSchedulePeriod"] for one in profile["chargingSchedule"]] == [two]
    assert (profile["chargingProfilePurpose"], profile["transactionId"]) == ("TxProfile", transaction)
    assert (code, answer["success"], call[3]["evseId"]) == (200, True, 1)
    again = call[3]["chargingProfile"]
    assert (again["chargingProfilePurpose"], again["transactionId"]) == ("TxProfile", transaction)
    _, *of_session = stored_profiles(records, peer.identity)
    assert of_session == [("replaced", profile), ("installed", again)]
    assert plan_row(records, peer.identity)["is_within_limits"] == 1


async def test_TC_K_117_each_change_of_the_needs_gets_a_profile(server, operator, records):
    two_hours, three_hours = at(120), at(180)
    changes = [(two_hours, 1000), (three_hours, 1000), (three_hours, 3000)]
    sent, rows = [], []
    async with station(server, V21) as peer:
        transaction = await charging(peer)
        await allow(operator, peer, transaction, "AC_three_phase", "AC_BPT")
        for departure, energy in changes:
            changed = needs(
                "AC_BPT",
                departure=departure,
                evTargetEnergyRequest=energy,
                maxChargePower=5000,
                maxDischargePower=5000,
            )
            assert await peer.call("NotifyEVChargingNeeds", changed) == ACCEPTED
            sent.append((await profile_for(peer))["chargingProfile"])
            theirs = {"timeBase": at(), "evseId": 1, "chargingSchedule": sent[-1]["chargingSchedule"][0]}
            assert await peer.call("NotifyEVChargingSchedule", theirs) == ACCEPTED
            rows.append(plan_row(records, peer.identity))

    for profile in sent:
        (ours,) = profile["chargingSchedule"]
        assert (profile["chargingProfilePurpose"], profile["transactionId"]) == ("TxProfile", transaction)
        assert ours["chargingSchedulePeriod"] == setpoint(5000)
    assert stored_profiles(records, peer.identity) == [
        ("replaced", sent[0]), ("replaced", sent[1]), ("installed", sent[2]),
    ]  # fmt: skip
    assert [(moment(row["departure_at"]), row["energy_wh"]) for row in rows] == [
        (datetime.fromisoformat(departure), energy) for departure, energy in changes
    ]


async def test_TC_K_117_the_limit_of_an_operator_holds_for_a_vehicle_that_can_discharge(
    server, operator, records
):
    """The station reports that it takes no setpoints of the server in this energy transfer."""
    name = {
        "component": {"name": "V2XChargingCtrlr", "evse": {"id": 1}},
        "variable": {"name": "SupportedOperationModes", "instance": "AC_BPT"},
    }
    reported = {**name, "attributeStatus": "Accepted", "attributeValue": "ChargingOnly,LocalFrequency"}
    own = {
        "chargingProfilePurpose": "TxProfile",
        "connectorId": 1,
        "chargingRateUnit": "W",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 4000}],
    }
    async with station(server, V21) as peer:
        transaction = await charging(peer)
        await allow(operator, peer, transaction, "AC_BPT")
        await asked(operator, peer, "set-charging-profile", own)
        assert await peer.call("NotifyEVChargingNeeds", needs("AC_BPT")) == ACCEPTED
        with_setpoint = (await profile_for(peer))["chargingProfile"]
        await asked(operator, peer, "set-charging-profile", own)
        keys = {"keys": ["V2XChargingCtrlr(1).SupportedOperationModes[AC_BPT]"]}
        await asked(operator, peer, "get-configuration", keys, {"getVariableResult": [reported]})
        assert await peer.call("NotifyEVChargingNeeds", needs("AC_BPT")) == ACCEPTED
        with_limit = (await profile_for(peer))["chargingProfile"]

    assert with_setpoint["chargingSchedule"][0]["chargingSchedulePeriod"] == setpoint(4000)
    limit = [{"startPeriod": 0, "limit": 4000}]
    assert with_limit["chargingSchedule"][0]["chargingSchedulePeriod"] == limit
    assert stored_profiles(records, peer.identity)[-1] == ("installed", with_limit)


async def test_TC_K_126_no_profile_for_a_vehicle_that_may_not_discharge_yet(server, records):
    async with station(server, V21) as peer:
        await charging(peer)
        assert await peer.call("NotifyEVChargingNeeds", needs("DC_BPT")) == {"status": "NoChargingProfile"}
        await peer.heartbeat()
        assert not peer.calls

    row = plan_row(records, peer.identity)
    assert (row["answer"], row["energy_transfer"]) == ("no-profile", "DC_BPT")
    assert "V2X" in row["reason"]
    assert stored_profiles(records, peer.identity) == []


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
