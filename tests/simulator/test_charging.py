"""A simulated station boots, charges and stops as the specification requires."""

import asyncio
from typing import Any

import pytest

from simulator import V16, V201, Station
from tests.conformance.peer import eventually
from tests.simulator.conftest import MakeStation
from tests.simulator.csms import Csms


def statuses(csms: Csms) -> list[str]:
    return [one.get("status") or one["connectorStatus"] for one in csms.payloads("StatusNotification")]


def events(csms: Csms) -> list[str]:
    return [one["eventType"] for one in csms.payloads("TransactionEvent")]


async def test_boot_comes_first_and_then_a_status_for_each_connector(station: Station, csms: Csms) -> None:
    await csms.wait_for("StatusNotification", count=2)

    assert csms.actions() == ["BootNotification", "StatusNotification", "StatusNotification"]
    assert statuses(csms) == ["Available", "Available"]


async def test_password_is_sent_as_basic_authentication(make_station: MakeStation, csms: Csms) -> None:
    await make_station(V16, "CP1", password=b"\x00:\xff")

    assert csms.authorization == ["Basic Q1AxOgA6/w=="]


async def test_pending_station_boots_again_after_the_interval(csms: Csms, make_station: MakeStation) -> None:
    csms.boot_answers = [{"status": "Pending", "interval": 5}, {"status": "Rejected", "interval": 5}]

    station = await make_station(V16)

    assert station.registration == "Accepted"
    assert csms.actions()[:4] == ["BootNotification"] * 3 + ["StatusNotification"]


async def test_pending_station_refuses_a_remote_start_and_boots_when_triggered(
    csms: Csms, version: str
) -> None:
    csms.boot_answers = [{"status": "Pending", "interval": 3000}]
    station = Station("CS1", version, csms.url, speed=1)
    starting = asyncio.create_task(station.start())
    await eventually(lambda: station.registration == "Pending")

    start = (
        {"idTag": "A"}
        if version == V16
        else {"idToken": {"idToken": "A", "type": "Central"}, "remoteStartId": 1}
    )
    action = "RemoteStartTransaction" if version == V16 else "RequestStartTransaction"
    refused = await csms.call("CS1", action, start)
    await csms.call("CS1", "TriggerMessage", {"requestedMessage": "BootNotification"})
    await starting

    assert refused == {"status": "Rejected"}
    assert station.boots == 1
    await station.stop()


async def test_16_session_sends_its_messages_in_order(make_station: MakeStation, csms: Csms) -> None:
    station = await make_station(V16, connectors=1)

    session = await station.charge(1, "ALICE", duration_s=150)
    await csms.wait_for("StatusNotification", count=5)

    assert session.transaction_id == 1000
    assert statuses(csms) == ["Available", "Preparing", "Charging", "Finishing", "Available"]
    actions = [action for action in csms.actions() if action != "StatusNotification"]
    assert actions == [
        "BootNotification",
        "Authorize",
        "StartTransaction",
        "MeterValues",
        "MeterValues",
        "StopTransaction",
    ]
    values = csms.payloads("MeterValues")[0]
    assert values["transactionId"] == 1000
    assert len(values["meterValue"][0]["sampledValue"]) >= 3
    stop = csms.payloads("StopTransaction")[0]
    assert stop["meterStop"] - csms.payloads("StartTransaction")[0]["meterStart"] == session.energy_wh > 300
    assert stop["reason"] == "Local"


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
async def test_2x_session_is_a_sequence_of_events_without_gaps(
    make_station: MakeStation, csms: Csms, version: str
) -> None:
    station = await make_station(version, connectors=1)

    session = await station.charge(1, "ALICE", duration_s=150)
    await csms.wait_for("StatusNotification", count=3)

    sent = csms.payloads("TransactionEvent")
    assert events(csms)[0] == "Started"
    assert events(csms)[-1] == "Ended"
    assert [one["seqNo"] for one in sent] == list(range(len(sent)))
    assert {one["transactionInfo"]["transactionId"] for one in sent} == {session.transaction_id}
    assert sent[-1]["transactionInfo"]["stoppedReason"] == "Local"
    assert statuses(csms) == ["Available", "Occupied", "Available"]
    periodic = [one for one in sent if one["triggerReason"] == "MeterValuePeriodic"]
    assert len(periodic) == 2
    assert len(periodic[0]["meterValue"][0]["sampledValue"]) >= 3


async def test_energy_target_ends_the_session_and_the_next_one_continues_the_register(
    station: Station,
) -> None:
    first = await station.charge(1, "ALICE", energy_wh=100)
    after_first = station.connector(1).meter.energy_wh

    second = await station.charge(1, "ALICE", energy_wh=100)

    assert 100 <= first.energy_wh < 115
    assert second.start_wh == after_first


async def test_refused_token_starts_no_transaction(station: Station, csms: Csms) -> None:
    csms.invalid_tokens.add("MALLORY")

    session = await station.charge(1, "MALLORY", duration_s=60)

    assert session.refused
    assert session.status == "Invalid"
    assert not csms.payloads("StartTransaction")
    assert not csms.payloads("TransactionEvent")
    assert station.connector(1).is_free


async def test_offline_session_is_replayed_in_order_with_its_own_times(station: Station, csms: Csms) -> None:
    await station.go_offline()
    before = len(csms.received)
    charging = station.begin(1, "ALICE", duration_s=130)
    await station.sessions[-1].over.wait()

    await station.go_online()
    session = await charging

    sent = [
        (action, payload) for _, action, payload in csms.received[before:] if action != "StatusNotification"
    ]
    assert "BootNotification" not in [action for action, _ in sent]
    if station.version == V16:
        names = ["StartTransaction", "MeterValues", "MeterValues", "StopTransaction"]
        assert [action for action, _ in sent] == names
        assert {payload["transactionId"] for _, payload in sent[1:]} == {session.transaction_id}
        times = [sent[0][1]["timestamp"], sent[3][1]["timestamp"]]
    else:
        assert all(payload["offline"] for _, payload in sent)
        assert [payload["seqNo"] for _, payload in sent] == list(range(len(sent)))
        times = [payload["timestamp"] for _, payload in sent]
    assert times == sorted(times)
    assert times[0] < times[-1]


async def test_session_that_loses_the_network_midway_keeps_its_number(station: Station, csms: Csms) -> None:
    charging = station.begin(1, "ALICE", duration_s=200)
    if station.version == V16:
        await csms.wait_for("StatusNotification", status="Charging")
    else:
        await csms.wait_for("TransactionEvent", triggerReason="ChargingStateChanged")

    await station.go_offline(50)
    session = await charging

    assert session.status == "Accepted"
    if station.version == V16:
        assert len(csms.payloads("StartTransaction")) == 1
        assert csms.payloads("StopTransaction")[0]["transactionId"] == session.transaction_id
    else:
        assert events(csms).count("Started") == 1
        assert events(csms)[-1] == "Ended"


async def test_message_answered_by_errors_is_retried_and_then_dropped(
    make_station: MakeStation, csms: Csms
) -> None:
    station = await make_station(V16, settings={"attempts": 2, "retry_interval": 1})
    csms.failing = {"StartTransaction": 99}

    session = await station.charge(1, "ALICE", duration_s=10)

    assert csms.failing["StartTransaction"] == 97
    assert [message.action for message in station.outbox.dropped] == ["StartTransaction"]
    assert csms.payloads("StopTransaction")[0]["transactionId"] == -1
    assert session.reason == "Local"


async def test_remote_start_and_stop(station: Station, csms: Csms) -> None:
    name = station.identity
    if station.version == V16:
        started = await csms.call(name, "RemoteStartTransaction", {"idTag": "BOB", "connectorId": 2})
        await csms.wait_for("StatusNotification", status="Charging")
        stopped = await csms.call(name, "RemoteStopTransaction", {"transactionId": 1000})
        end = await csms.wait_for("StopTransaction")
        assert end["reason"] == "Remote"
    else:
        token = {"idToken": "BOB", "type": "Central"}
        started = await csms.call(
            name, "RequestStartTransaction", {"idToken": token, "evseId": 2, "remoteStartId": 5}
        )
        begin = await csms.wait_for("TransactionEvent", eventType="Started")
        assert begin["transactionInfo"]["remoteStartId"] == 5
        assert begin["triggerReason"] == "RemoteStart"
        transaction = begin["transactionInfo"]["transactionId"]
        stopped = await csms.call(name, "RequestStopTransaction", {"transactionId": transaction})
        end = await csms.wait_for("TransactionEvent", eventType="Ended")
        assert end["transactionInfo"]["stoppedReason"] == "Remote"

    assert started == stopped == {"status": "Accepted"}
    assert not csms.payloads("Authorize")


async def test_remote_start_without_a_cable_goes_back_to_available(
    make_station: MakeStation, csms: Csms
) -> None:
    station = await make_station(V16, connectors=1, plugs_in=False)

    await csms.call(station.identity, "RemoteStartTransaction", {"idTag": "BOB"})
    await csms.wait_for("StatusNotification", status="Available", count=2)

    assert statuses(csms) == ["Available", "Preparing", "Available"]
    assert not csms.payloads("StartTransaction")


async def test_remote_start_authorizes_first_with_authorize_remote(
    make_station: MakeStation, csms: Csms
) -> None:
    station = await make_station(V16, settings={"authorize_remote": "true"})
    csms.invalid_tokens.add("BOB")

    await csms.call(station.identity, "RemoteStartTransaction", {"idTag": "BOB", "connectorId": 1})
    await csms.wait_for("Authorize")
    await csms.wait_for("StatusNotification", status="Available", connectorId=1, count=2)

    assert not csms.payloads("StartTransaction")


async def test_immediate_reset_ends_the_session_reconnects_and_boots(station: Station, csms: Csms) -> None:
    station.begin(1, "ALICE")
    await station.sessions[-1].began.wait()

    kind = "Hard" if station.version == V16 else "Immediate"
    answer = await csms.call(station.identity, "Reset", {"type": kind})
    await csms.wait_for("BootNotification", count=2)

    assert answer == {"status": "Accepted"}
    assert csms.connections == 2
    if station.version == V16:
        stop = await csms.wait_for("StopTransaction")
        assert stop["reason"] == "HardReset"
    else:
        end = await csms.wait_for("TransactionEvent", eventType="Ended")
        assert end["transactionInfo"]["stoppedReason"] == "ImmediateReset"
        assert csms.payloads("BootNotification")[1]["reason"] == "RemoteReset"


async def test_reset_on_idle_waits_for_the_session(make_station: MakeStation, csms: Csms) -> None:
    station = await make_station(V201)
    charging = station.begin(1, "ALICE")
    await station.sessions[-1].began.wait()

    answer = await csms.call(station.identity, "Reset", {"type": "OnIdle"})
    boots_before = station.boots
    station.sessions[-1].request_stop("Local")
    await charging
    await csms.wait_for("BootNotification", count=2)

    assert answer == {"status": "Scheduled"}
    assert boots_before == 1


async def test_charging_profile_limits_the_power(make_station: MakeStation, csms: Csms) -> None:
    station = await make_station(V16, settings={"sample_interval": 20})
    profile: dict[str, Any] = {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": {
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6.1}],
        },
    }

    answer = await csms.call(
        station.identity, "SetChargingProfile", {"connectorId": 1, "csChargingProfiles": profile}
    )
    await station.charge(1, "ALICE", duration_s=70)

    assert answer == {"status": "Accepted"}
    powers = [
        float(sample["value"])
        for values in csms.payloads("MeterValues")
        for sample in values["meterValue"][0]["sampledValue"]
        if sample["measurand"] == "Power.Active.Import"
    ]
    assert powers
    assert all(2500 < power <= 6.1 * 230 * 3 for power in powers)


async def test_availability_is_scheduled_while_charging(station: Station, csms: Csms) -> None:
    charging = station.begin(1, "ALICE")
    await station.sessions[-1].began.wait()

    if station.version == V16:
        request: dict[str, Any] = {"connectorId": 1, "type": "Inoperative"}
    else:
        request = {"evse": {"id": 1}, "operationalStatus": "Inoperative"}
    answer = await csms.call(station.identity, "ChangeAvailability", request)
    station.sessions[-1].request_stop("Local")
    await charging

    assert answer == {"status": "Scheduled"}
    assert station.connector(1).status == "Unavailable"
