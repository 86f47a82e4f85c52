"""Bidirectional power transfer (2.1 Q)."""

from __future__ import annotations

import pytest

from tests.conformance.messages import token
from tests.conformance.peer import V21, station
from tests.conformance.profiles import asked, listed
from tests.conformance.v2x.smart_charging.test_needs import charging, plans, profile_for
from tests.conformance.v21.smart_charging.test_needs import needs

ACCEPTED, REJECTED = {"status": "Accepted"}, {"status": "Rejected"}
CURVES = {
    "v2xBaseline": 0,
    "v2xFreqWattCurve": [{"frequency": 49.8, "power": 5000}, {"frequency": 50.2, "power": -5000}],
    "v2xSignalWattCurve": [{"signal": -10, "power": -5000}, {"signal": 10, "power": 5000}],
}


def body(mode, purpose="TxDefaultProfile", kind="Relative", unit="W", **values):
    return {
        "chargingProfilePurpose": purpose,
        "connectorId": 1,
        "chargingProfileKind": kind,
        "chargingRateUnit": unit,
        "chargingSchedulePeriod": [{"startPeriod": 0, "operationMode": mode, **values}],
    }


async def test_TC_Q_102_the_server_names_no_transfers_at_the_authorization(server):
    async with station(server, V21) as peer:
        answer = await peer.call("Authorize", {"idToken": token()})

    assert answer["idTokenInfo"]["status"] == "Accepted"
    assert "allowedEnergyTransfer" not in answer


async def test_TC_Q_103_a_transfer_that_was_not_allowed_is_rejected(server, operator, records):
    async with station(server, V21) as peer:
        transaction = await charging(peer)
        allowed = {"transactionId": transaction, "allowedEnergyTransfer": ["DC", "AC_three_phase"]}
        code, answer, call = await asked(operator, peer, "notify-allowed-energy-transfer", allowed)
        rejected = await peer.call("NotifyEVChargingNeeds", needs("DC_BPT"))
        accepted = await peer.call("NotifyEVChargingNeeds", needs("DC"))
        await profile_for(peer)
        session = records.transaction(peer.identity)["id"]
        wrong, _, none = await asked(
            operator, peer, "notify-allowed-energy-transfer",
            {"transactionId": session, "allowedEnergyTransfer": ["Diesel"]},
        )  # fmt: skip
    async with station(server, V21, peer.identity) as again:
        after_a_boot = await again.call("NotifyEVChargingNeeds", needs("DC_BPT"))

    assert code == 200, answer
    assert call[2:] == ["NotifyAllowedEnergyTransfer", allowed]
    assert (rejected, accepted, after_a_boot) == (REJECTED, ACCEPTED, REJECTED)
    assert (wrong, none) == (400, None)


async def test_TC_Q_107_charging_only_before_V2X(server, operator):
    async with station(server, V21) as peer:
        transaction = await charging(peer)
        assert await peer.call("NotifyEVChargingNeeds", needs("AC_three_phase")) == ACCEPTED
        profile = (await profile_for(peer))["chargingProfile"]
        allowed = {"transactionId": transaction, "allowedEnergyTransfer": ["AC_three_phase", "AC_BPT"]}
        code, _, call = await asked(operator, peer, "notify-allowed-energy-transfer", allowed)
        assert await peer.call("NotifyEVChargingNeeds", needs("AC_BPT")) == ACCEPTED
        await profile_for(peer)
        (plan,) = await plans(operator, peer.identity)

    (schedule,) = profile["chargingSchedule"]
    assert profile["transactionId"] == transaction
    assert schedule["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 11000}]
    assert (code, call[3]["allowedEnergyTransfer"]) == (200, ["AC_three_phase", "AC_BPT"])
    assert plan["allowedEnergyTransfer"] == ["AC_three_phase", "AC_BPT"]


@pytest.mark.parametrize(
    ("mode", "values", "kind"),
    [
        ("CentralSetpoint", {"setpoint": 10.0}, "Relative"),  # TC_Q_108
        ("ExternalSetpoint", {"setpoint": 10.0}, "Relative"),  # TC_Q_111
        ("ExternalLimits", {"limit": 10.0}, "Relative"),  # TC_Q_112
        ("ExternalLimits", {"limit": 10.0, "dischargeLimit": -5.0}, "Dynamic"),
        ("CentralFrequency", {"setpoint": -6.0}, "Dynamic"),  # TC_Q_117
        ("LocalFrequency", CURVES, "Relative"),  # TC_Q_120
        ("LocalLoadBalancing", {}, "Relative"),  # TC_Q_124
        ("Idle", {"evseSleep": True}, "Relative"),  # TC_Q_125
    ],
)
async def test_TC_Q_108_TC_Q_111_TC_Q_112_TC_Q_117_TC_Q_120_TC_Q_124_TC_Q_125_operation_modes(  # noqa: PLR0917 - cases
    server, operator, records, mode, values, kind
):
    async with station(server, V21) as peer:
        transaction = await charging(peer)
        sent = body(mode, purpose="TxProfile", kind=kind, **values)
        code, answer, call = await asked(operator, peer, "set-charging-profile", sent)
        (shown,) = await listed(operator, peer.identity)

    assert code == 200, answer
    profile = call[3]["chargingProfile"]
    assert (call[3]["evseId"], profile["transactionId"]) == (1, transaction)
    (schedule,) = profile["chargingSchedule"]
    assert schedule["chargingSchedulePeriod"] == [{"startPeriod": 0, "operationMode": mode, **values}]
    assert ("dynUpdateTime" in profile) == (kind == "Dynamic")
    assert shown["profile"] == profile


@pytest.mark.parametrize(
    ("sent", "wrong"),
    [
        (body("ChargingOnly"), "chargingSchedulePeriod[0].limit"),
        (body("ChargingOnly", limit=6, setpoint=5), "chargingSchedulePeriod[0].setpoint"),
        (body("CentralSetpoint"), "chargingSchedulePeriod[0].setpoint"),
        (body("CentralFrequency", setpoint=1), "chargingProfileKind"),
        (body("LocalFrequency", unit="A", **CURVES), "chargingRateUnit"),
        (
            body("LocalFrequency", v2xBaseline=0, v2xFreqWattCurve=CURVES["v2xFreqWattCurve"][:1]),
            "chargingSchedulePeriod[0].v2xFreqWattCurve",
        ),
        (body("Idle", limit=6), "chargingSchedulePeriod[0].limit"),
        (body("ChargingOnly", limit=6, evseSleep=True), "chargingSchedulePeriod[0].evseSleep"),
        (body("ExternalLimits", dischargeLimit=5), "chargingSchedulePeriod[0].dischargeLimit"),
        (
            body("ExternalLimits", purpose="PriorityCharging", limit=5),
            "chargingSchedulePeriod[0].operationMode",
        ),
        (body("ChargingOnly", limit=6, limit_L2=5), "chargingSchedulePeriod[0].limit_L2"),
        (body("Turbo", limit=6), "chargingSchedulePeriod[0].operationMode"),
    ],
)
async def test_TC_Q_108_TC_Q_112_a_period_that_does_not_fit_its_mode_is_refused(
    server, operator, sent, wrong
):
    async with station(server, V21) as peer:
        code, answer, call = await asked(operator, peer, "set-charging-profile", sent)

    assert (code, call) == (400, None)
    assert [error["field"] for error in answer["data"]["errors"]] == [wrong]


async def test_TC_Q_109_TC_Q_117_a_dynamic_profile_is_pushed_and_cleared(server, operator, records):
    setpoint = body("CentralFrequency", kind="Dynamic", setpoint=-6)
    async with station(server, V21) as peer:
        _, _, call = await asked(operator, peer, "set-charging-profile", setpoint)
        number = call[3]["chargingProfile"]["id"]
        pushed = []
        for value in (-5, -4):
            update = {"chargingProfileId": number, "scheduleUpdate": {"setpoint": value}}
            pushed.append((await asked(operator, peer, "update-dynamic-schedule", update))[2])
        pulled = await peer.call("PullDynamicScheduleUpdate", {"chargingProfileId": number})
        _, _, cleared = await asked(operator, peer, "clear-charging-profile", {"chargingProfileId": number})
        gone = await peer.call("PullDynamicScheduleUpdate", {"chargingProfileId": number})

    assert [one[3] for one in pushed] == [
        {"chargingProfileId": number, "scheduleUpdate": {"setpoint": value}} for value in (-5, -4)
    ]
    assert pulled["scheduleUpdate"] == {"setpoint": -4}
    assert cleared[3] == {"chargingProfileId": number}
    assert gone["status"] == "Rejected"
    (row,) = records.of("smart_charging_installedprofile", peer.identity, order="t.installed_at")
    assert row["state"] == "cleared"


@pytest.mark.parametrize("word", ["Accepted", "Rejected"])
async def test_TC_Q_120_a_signal_of_the_grid_operator_is_passed_on(server, operator, records, word):
    async with station(server, V21) as peer:
        code, answer, call = await asked(operator, peer, "afrr-signal", {"signal": -7}, {"status": word})
        (row,) = records.commands(peer.identity)

    assert (code, answer["success"]) == (200, word == "Accepted")
    assert call[2] == "AFRRSignal"
    assert call[3]["signal"] == -7
    assert call[3]["timestamp"].endswith("Z")
    assert row["status"] == word
