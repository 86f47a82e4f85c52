"""A simulated station answers triggers and scripts, reconnects, and misbehaves when it is asked to."""

import asyncio

import pytest
from ocpp.exceptions import SecurityError

from simulator import V16, CallFailed, Misbehaviour, Station
from tests.simulator.conftest import MakeStation
from tests.simulator.csms import TIMEOUT_S, Csms


def statuses(csms: Csms) -> list[str]:
    return [one.get("status") or one["connectorStatus"] for one in csms.payloads("StatusNotification")]


async def test_trigger_sends_the_message_after_its_answer(station: Station, csms: Csms) -> None:
    evse = {"connectorId": 1} if station.version == V16 else {"evse": {"id": 1, "connectorId": 1}}
    for wanted in ("Heartbeat", "StatusNotification", "MeterValues", "FirmwareStatusNotification"):
        before = len(csms.payloads(wanted))

        answer = await csms.call(station.identity, "TriggerMessage", {"requestedMessage": wanted} | evse)
        await csms.wait_for(wanted, count=before + 1)

        assert answer == {"status": "Accepted"}


async def test_triggers_can_be_missing_silent_and_early(station: Station, csms: Csms) -> None:
    async def trigger(wanted: str) -> tuple[str, int]:
        before = len(csms.payloads(wanted))
        answer = await csms.call(station.identity, "TriggerMessage", {"requestedMessage": wanted})
        return answer["status"], len(csms.payloads(wanted)) - before

    station.misbehaviour.missing_triggers = frozenset({"MeterValues"})
    missing = await trigger("MeterValues")
    station.misbehaviour.silent_triggers = True
    silent = await trigger("FirmwareStatusNotification")
    station.misbehaviour.silent_triggers, station.misbehaviour.early_triggers = False, True
    early = await trigger("FirmwareStatusNotification")

    assert (missing, silent, early) == (("NotImplemented", 0), ("Accepted", 0), ("Accepted", 1))


async def test_scripted_answer_replaces_the_normal_one(station: Station, csms: Csms) -> None:
    station.on_call("ClearCache", lambda payload: {"status": "Rejected"})
    scripted = await csms.call(station.identity, "ClearCache", {})

    station.on_call("ClearCache", None)
    normal = await csms.call(station.identity, "ClearCache", {})

    assert (scripted, normal) == ({"status": "Rejected"}, {"status": "Accepted"})


async def test_reconnect_alone_does_not_boot(station: Station, csms: Csms) -> None:
    await station.reconnect()
    await station.call("Heartbeat", {})

    assert csms.connections == 2
    assert len(csms.payloads("BootNotification")) == 1


async def test_security_error_makes_an_unknown_station_boot_again(station: Station, csms: Csms) -> None:
    csms.failure, csms.failing = SecurityError, {"Heartbeat": 1}

    with pytest.raises(CallFailed):
        await station.call("Heartbeat", {})

    await csms.wait_for("BootNotification", count=2)


async def test_station_reconnects_to_a_restarted_server(station: Station, csms: Csms) -> None:
    await csms.stop()
    await station.offline.wait()

    await csms.start(int(csms.url.split(":")[2].split("/")[0]))
    await asyncio.wait_for(station.ready.wait(), TIMEOUT_S)

    assert len(csms.payloads("BootNotification")) == 1


async def test_faulted_connector_ends_its_session_and_recovers(station: Station, csms: Csms) -> None:
    charging = station.begin(1, "ALICE")
    await station.sessions[-1].began.wait()

    await station.fault(1, 4)
    session = await charging

    sent = statuses(csms)
    assert session.reason == "GroundFault"
    assert sent.count("Faulted") == 1
    assert station.connector(1).status == "Available"


async def test_misbehaviour_changes_message_ids_starts_and_stops(
    make_station: MakeStation, csms: Csms
) -> None:
    misbehaviour = Misbehaviour(ids_restart=True, duplicate_start=True, stop_transaction_id=-1)
    station = await make_station(V16, misbehaviour=misbehaviour)

    await station.charge(1, "ALICE", duration_s=5)

    assert len(csms.payloads("StartTransaction")) == 2
    assert csms.payloads("StopTransaction")[0]["transactionId"] == -1
    first = next(frame.message for frame in station.log if frame.direction == "out")
    assert first[1] == "1"
