"""Profiles that change the mode of operation of a session (2.1 Q10)."""

from __future__ import annotations

from tests.conformance.messages import event
from tests.conformance.peer import V21, station
from tests.conformance.profiles import asked, stored_profiles
from tests.conformance.v2x.smart_charging.test_needs import charging

IDLE = {
    "chargingProfilePurpose": "TxDefaultProfile",
    "connectorId": 1,
    "chargingProfileKind": "Relative",
    "chargingRateUnit": "W",
    "chargingSchedulePeriod": [{"startPeriod": 0, "operationMode": "Idle"}],
}


def changed(transaction, seq, trigger, **more):
    info = {"operationMode": "Idle"}
    return event("Updated", transaction, seq, trigger=trigger, info=info, **more)


async def test_TC_K_101_a_profile_changes_the_mode_of_a_session(server, operator, records):
    async with station(server, V21) as peer:
        transaction = await charging(peer)
        before = records.transaction(peer.identity)
        code, answer, call = await asked(operator, peer, "set-charging-profile", IDLE)
        moved = changed(transaction, 1, "OperationModeChanged", evseSleep=False)
        assert await peer.call("TransactionEvent", moved) == {}

    assert (code, answer["success"], call[3]["evseId"]) == (200, True, 1)
    profile = call[3]["chargingProfile"]
    (schedule,) = profile["chargingSchedule"]
    assert profile["chargingProfilePurpose"] == "TxDefaultProfile"
    assert schedule["chargingSchedulePeriod"] == [{"startPeriod": 0, "operationMode": "Idle"}]
    assert stored_profiles(records, peer.identity) == [("installed", profile)]
    row = records.transaction(peer.identity)
    assert (before["operation_mode"], row["operation_mode"], row["status"]) == ("", "Idle", "active")


async def test_TC_Q_125_a_session_idles_while_its_EVSE_sleeps(server, operator, records):
    sent, asleep = [], []
    async with station(server, V21) as peer:
        transaction = await charging(peer)
        for seq, sleeps in enumerate((False, True), start=1):
            period = {"startPeriod": 0, "operationMode": "Idle", "evseSleep": sleeps}
            body = {**IDLE, "chargingProfilePurpose": "TxProfile", "chargingSchedulePeriod": [period]}
            code, answer, call = await asked(operator, peer, "set-charging-profile", body)
            assert (code, answer["success"], call[3]["evseId"]) == (200, True, 1)
            sent.append(call[3]["chargingProfile"])
            trigger = "MeterValuePeriodic" if sleeps else "OperationModeChanged"
            moved = changed(transaction, seq, trigger, evseSleep=sleeps)
            assert await peer.call("TransactionEvent", moved) == {}
            asleep.append(records.transaction(peer.identity)["evse_sleep"])

    assert [one["transactionId"] for one in sent] == [transaction, transaction]
    assert [one["chargingSchedule"][0]["chargingSchedulePeriod"] for one in sent] == [
        [{"startPeriod": 0, "operationMode": "Idle", "evseSleep": sleeps}] for sleeps in (False, True)
    ]
    assert stored_profiles(records, peer.identity) == [("replaced", sent[0]), ("installed", sent[1])]
    assert asleep == [0, 1]
