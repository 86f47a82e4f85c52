"""Bidirectional power transfer (2.1 Q)."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from tests.conformance.device_models import gathered, part, variable
from tests.conformance.messages import commanded, token
from tests.conformance.peer import TIMEOUT_S, V21, station
from tests.conformance.profiles import asked, stored_profiles
from tests.conformance.v2x.smart_charging.test_needs import charging, profile_for
from tests.conformance.v21.smart_charging.test_needs import needs, plan_row, setpoint

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


async def test_TC_Q_102_the_server_names_no_transfers_at_the_authorization(server, operator, records):
    place = {"place": {"evse": {"id": 1}}}
    async with station(server, V21) as peer:
        body = {"reportBase": "FullInventory"}
        code, answer, call = await asked(operator, peer, "get-base-report", body)
        number = call[3]["requestId"]
        entry = variable("V2XChargingCtrlr", "V2XEnabled", "true", dataType="boolean", **place)
        await peer.call("NotifyReport", part(number, 0, [entry]))
        await gathered(records, peer, number, state="complete")
        authorized = await peer.call("Authorize", {"idToken": token()})

    assert (code, answer["success"], call[3]["reportBase"]) == (200, True, "FullInventory")
    assert authorized["idTokenInfo"]["status"] == "Accepted"
    assert "allowedEnergyTransfer" not in authorized
    (row,) = records.of("configuration_reportedkey", peer.identity)
    assert (row["key"], row["value"]) == ("V2XChargingCtrlr(1).V2XEnabled", "true")


async def test_TC_Q_103_a_transfer_that_was_not_allowed_is_rejected(server, operator, records):
    async with station(server, V21) as peer:
        transaction = await charging(peer)
        allowed = {"transactionId": transaction, "allowedEnergyTransfer": ["DC", "AC_three_phase"]}
        code, answer, call = await asked(operator, peer, "notify-allowed-energy-transfer", allowed)
        rejected = await peer.call("NotifyEVChargingNeeds", needs("DC_BPT"))
        refused = plan_row(records, peer.identity)
        accepted = await peer.call("NotifyEVChargingNeeds", needs("DC"))
        await profile_for(peer)
        session = records.transaction(peer.identity)["id"]
        wrong, _, none = await asked(
            operator, peer, "notify-allowed-energy-transfer",
            {"transactionId": session, "allowedEnergyTransfer": ["Diesel"]},
        )  # fmt: skip
    async with station(server, V21, peer.identity) as again:
        after_a_boot = await again.call("NotifyEVChargingNeeds", needs("DC_BPT"))

    assert (code, answer["success"]) == (200, True)
    assert call[2:] == ["NotifyAllowedEnergyTransfer", allowed]
    assert (rejected, accepted, after_a_boot) == (REJECTED, ACCEPTED, REJECTED)
    assert json.loads(refused["allowed_transfers"]) == ["DC", "AC_three_phase"]
    assert (refused["answer"], refused["energy_transfer"]) == ("refused", "DC_BPT")
    assert "not allowed" in refused["reason"]
    assert (wrong, none) == (400, None)


async def test_TC_Q_107_charging_only_before_V2X(server, operator, records):
    async with station(server, V21) as peer:
        transaction = await charging(peer)
        assert await peer.call("NotifyEVChargingNeeds", needs("AC_three_phase")) == ACCEPTED
        sent = await profile_for(peer)
        before = plan_row(records, peer.identity)
        allowed = {"transactionId": transaction, "allowedEnergyTransfer": ["AC_three_phase", "AC_BPT"]}
        code, answer, call = await asked(operator, peer, "notify-allowed-energy-transfer", allowed)
        assert await peer.call("NotifyEVChargingNeeds", needs("AC_BPT")) == ACCEPTED
        await profile_for(peer)
        after = plan_row(records, peer.identity)

    profile = sent["chargingProfile"]
    (schedule,) = profile["chargingSchedule"]
    assert (sent["evseId"], profile["transactionId"]) == (1, transaction)
    # No operationMode, dischargeLimit or setpoint: charging only.
    assert schedule["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 11000}]
    assert (code, answer["success"]) == (200, True)
    assert call[2:] == ["NotifyAllowedEnergyTransfer", allowed]
    assert (before["allowed_transfers"], before["energy_transfer"]) == (None, "AC_three_phase")
    assert json.loads(after["allowed_transfers"]) == ["AC_three_phase", "AC_BPT"]
    assert after["energy_transfer"] == "AC_BPT"
    assert stored_profiles(records, peer.identity)[0] == ("replaced", profile)


async def test_TC_Q_108_a_setpoint_of_the_server(server, operator, records):
    async with station(server, V21) as peer:
        transaction = await charging(peer)
        wanted = body("CentralSetpoint", purpose="TxProfile", setpoint=10.0)
        code, answer, call = await asked(operator, peer, "set-charging-profile", wanted)

    assert (code, answer["success"], call[3]["evseId"]) == (200, True, 1)
    profile = call[3]["chargingProfile"]
    (schedule,) = profile["chargingSchedule"]
    assert (profile["chargingProfilePurpose"], profile["transactionId"]) == ("TxProfile", transaction)
    assert schedule["chargingRateUnit"] == "W"
    assert schedule["chargingSchedulePeriod"] == [
        {"startPeriod": 0, "operationMode": "CentralSetpoint", "setpoint": 10.0}
    ]
    assert stored_profiles(records, peer.identity) == [("installed", profile)]


@pytest.mark.parametrize(
    ("mode", "values"),
    [
        ("ExternalSetpoint", {"setpoint": 10.0}),  # TC_Q_111
        ("ExternalLimits", {"limit": 10.0}),  # TC_Q_112
        ("ExternalLimits", {"limit": 10.0, "dischargeLimit": -5.0}),
    ],
)
async def test_TC_Q_111_TC_Q_112_an_external_system_sets_the_power(server, operator, records, mode, values):  # noqa: PLR0917 - cases
    period = {"startPeriod": 0, "operationMode": mode, **values}
    sent = []
    async with station(server, V21) as peer:
        for kind in ("Relative", "Dynamic"):
            wanted = body(mode, kind=kind, **values)
            code, answer, call = await asked(operator, peer, "set-charging-profile", wanted)
            assert (code, answer["success"], call[3]["evseId"]) == (200, True, 1)
            sent.append(call[3]["chargingProfile"])

    assert [one["chargingProfilePurpose"] for one in sent] == ["TxDefaultProfile", "TxDefaultProfile"]
    assert [one["chargingProfileKind"] for one in sent] == ["Relative", "Dynamic"]
    assert [one["chargingSchedule"][0]["chargingSchedulePeriod"] for one in sent] == [[period], [period]]
    assert "dynUpdateTime" not in sent[0]
    sent_at = datetime.fromisoformat(sent[1]["dynUpdateTime"])
    assert abs((datetime.now(UTC) - sent_at).total_seconds()) < TIMEOUT_S
    assert stored_profiles(records, peer.identity) == [("replaced", sent[0]), ("installed", sent[1])]
    last = records.of("smart_charging_installedprofile", peer.identity, order="t.installed_at")[-1]
    assert last["push_at"] is None  # the external system sets the values


async def test_TC_Q_120_local_frequency_support_with_a_signal(server, operator, records):
    async with station(server, V21) as peer:
        wanted = body("LocalFrequency", **CURVES)
        code, answer, call = await asked(operator, peer, "set-charging-profile", wanted)
        passed, why, signal = await asked(operator, peer, "afrr-signal", {"signal": 10})

    assert (code, answer["success"], call[2]) == (200, True, "SetChargingProfile")
    profile = call[3]["chargingProfile"]
    (schedule,) = profile["chargingSchedule"]
    assert profile["chargingProfilePurpose"] == "TxDefaultProfile"
    assert schedule["chargingRateUnit"] == "W"
    assert schedule["chargingSchedulePeriod"] == [
        {"startPeriod": 0, "operationMode": "LocalFrequency", **CURVES}
    ]
    assert (passed, why["success"]) == (200, True)
    assert (signal[2], signal[3]["signal"]) == ("AFRRSignal", 10)
    assert stored_profiles(records, peer.identity) == [("installed", profile)]


async def test_TC_Q_121_local_frequency_support_in_a_session(server, operator, records):
    curve = [
        {"frequency": 49.5, "power": -1000},
        {"frequency": 50.0, "power": 0},
        {"frequency": 50.5, "power": 1000},
    ]
    async with station(server, V21) as peer:
        transaction = await charging(peer)
        allowed = {"transactionId": transaction, "allowedEnergyTransfer": ["AC_BPT"]}
        await asked(operator, peer, "notify-allowed-energy-transfer", allowed)
        power = {"maxChargePower": 1234, "maxDischargePower": 4321}
        assert await peer.call("NotifyEVChargingNeeds", needs("AC_BPT", **power)) == ACCEPTED
        planned = (await profile_for(peer))["chargingProfile"]
        wanted = body("LocalFrequency", purpose="TxProfile", v2xFreqWattCurve=curve, v2xBaseline=7000)
        code, answer, call = await asked(operator, peer, "set-charging-profile", wanted)

    assert planned["chargingSchedule"][0]["chargingSchedulePeriod"] == setpoint(1234)
    assert (code, answer["success"], call[3]["evseId"]) == (200, True, 1)
    profile = call[3]["chargingProfile"]
    (schedule,) = profile["chargingSchedule"]
    assert (profile["chargingProfilePurpose"], profile["transactionId"]) == ("TxProfile", transaction)
    assert schedule["chargingRateUnit"] == "W"
    assert schedule["chargingSchedulePeriod"] == [
        {
            "startPeriod": 0,
            "operationMode": "LocalFrequency",
            "v2xBaseline": 7000,
            "v2xFreqWattCurve": curve,
        }
    ]
    assert stored_profiles(records, peer.identity) == [("replaced", planned), ("installed", profile)]


async def test_TC_Q_124_local_load_balancing(server, operator, records):
    thresholds = {
        "UpperThreshold": "2000",
        "LowerThreshold": "-1000",
        "UpperOffset": "200",
        "LowerOffset": "0",
    }
    variables = [
        {
            "component": {"name": "V2XChargingCtrlr", "evse": {"id": 1}},
            "variable": {"name": "V2XLocalLoadBalancing", "instance": instance},
        }
        for instance in thresholds
    ]
    data = [one | {"attributeValue": thresholds[one["variable"]["instance"]]} for one in variables]
    results = {"setVariableResult": [one | {"attributeStatus": "Accepted"} for one in variables]}
    async with station(server, V21) as peer:
        payload = {"setVariableData": data}
        status, shown, setting = await commanded(operator, peer, "SetVariables", payload, results)
        wanted = body("LocalLoadBalancing")
        code, answer, call = await asked(operator, peer, "set-charging-profile", wanted)

    assert (status, shown["status"]) == (200, "Accepted")
    assert setting[2:] == ["SetVariables", payload]
    assert (code, answer["success"], call[3]["evseId"]) == (200, True, 1)
    profile = call[3]["chargingProfile"]
    (schedule,) = profile["chargingSchedule"]
    assert schedule["chargingSchedulePeriod"] == [{"startPeriod": 0, "operationMode": "LocalLoadBalancing"}]
    assert stored_profiles(records, peer.identity) == [("installed", profile)]
    rows = records.of("configuration_reportedkey", peer.identity)
    assert {row["key"]: row["value"] for row in rows} == {
        f"V2XChargingCtrlr(1).V2XLocalLoadBalancing[{name}]": value for name, value in thresholds.items()
    }


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
