"""The server reads a configuration by itself after the first accepted boot (16-019, TC_B_13)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.peer import V16, V21, V201, Operator, Peer, Records, at, eventually, fresh, station
from tests.servers import LiveServer

TWO_X = pytest.mark.parametrize("version", [V201, V21])
ESSENTIAL = [
    "GetConfigurationMaxKeys",
    "HeartbeatInterval",
    "MeterValueSampleInterval",
    "NumberOfConnectors",
    "SupportedFeatureProfiles",
]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> Iterator[LiveServer]:
    """A server that reads configurations, of one station at a time."""
    folder = tmp_path_factory.mktemp("reader")
    live = LiveServer(folder, template=migrated_database, OCPP_CONFIGURATION_READS="1").start()
    yield live
    assert live.stop() == 0
    assert "Traceback" not in live.log.read_text("utf-8", "replace")


@pytest.fixture
def rows(reader: LiveServer) -> Records:
    return Records(reader.database)


def keys(*names: str, value: str = "1") -> dict[str, Any]:
    return {"configurationKey": [{"key": name, "readonly": False, "value": value} for name in names]}


def state(rows: Records, identity: str) -> dict[str, Any]:
    found = rows.of("configuration_configurationstate", identity, order="t.charge_point_id")
    return found[0] if found else {}


def reported(rows: Records, identity: str) -> dict[str, str]:
    return {row["key"]: row["value"] for row in rows.of("configuration_reportedkey", identity)}


async def read(rows: Records, peer: Peer) -> dict[str, Any]:
    """Wait until the reading is over."""
    await eventually(lambda: (found := state(rows, peer.identity)) and found["due_at"] is None)
    return state(rows, peer.identity)


async def test_16_019_1_all_keys_are_read_after_the_first_boot(reader: LiveServer, rows: Records) -> None:
    async with station(reader, V16) as peer:
        call = await peer.next_call()
        assert call[2:] == ["GetConfiguration", {}]
        await peer.answer(call, keys(*ESSENTIAL, "VendorKey"))
        found = await read(rows, peer)

    assert found["manner"] == "whole"
    assert found["whole_at"] is not None
    assert reported(rows, peer.identity) == dict.fromkeys([*ESSENTIAL, "VendorKey"], "1")
    (command,) = rows.commands(peer.identity)
    assert command["actor"] == "server"


async def test_16_019_2_important_keys_that_are_missing_are_asked_for(
    reader: LiveServer, rows: Records
) -> None:
    async with station(reader, V16) as peer:
        await peer.answer(await peer.next_call(), keys("HeartbeatInterval"))
        call = await peer.next_call()
        missing = [key for key in ESSENTIAL if key != "HeartbeatInterval"]
        assert call[2:] == ["GetConfiguration", {"key": missing}]
        await peer.answer(call, keys("NumberOfConnectors") | {"unknownKey": [missing[0], *missing[1:2]]})
        call = await peer.next_call()  # once more, alone
        assert call[3] == {"key": ["SupportedFeatureProfiles"]}
        await peer.answer(call, {"unknownKey": ["SupportedFeatureProfiles"]})
        found = await read(rows, peer)

    assert (found["manner"], found["problem"]) == ("whole", "")
    assert sorted(reported(rows, peer.identity)) == ["HeartbeatInterval", "NumberOfConnectors"]


async def test_a_station_that_refuses_the_whole_is_read_in_parts_and_that_is_remembered(
    reader: LiveServer, rows: Records
) -> None:
    identity = fresh()
    async with station(reader, V16, identity) as peer:
        call = await peer.next_call()
        await peer.send([4, call[1], "InternalError", "Out of memory", {}])
        call = await peer.next_call()
        assert "HeartbeatInterval" in call[3]["key"]
        await peer.answer(call, keys(*call[3]["key"]))
        found = await read(rows, peer)
        assert (found["manner"], found["whole_at"], found["problem"]) == ("parts", None, "")

    # Without another firmware, the next boot reads nothing.
    async with station(reader, V16, identity) as peer:
        await read(rows, peer)
        await peer.heartbeat()
        assert not peer.calls


async def test_a_station_that_answers_one_key_at_a_time_is_read_key_by_key(
    reader: LiveServer, rows: Records
) -> None:
    async with station(reader, V16) as peer:
        call = await peer.next_call()
        await peer.send([4, call[1], "GenericError", "", {}])
        call = await peer.next_call()
        names = call[3]["key"]
        await peer.answer(call, keys(names[0]))
        for name in names[1:]:
            call = await peer.next_call()
            assert call[3] == {"key": [name]}
            await peer.answer(call, keys(name))
        found = await read(rows, peer)

    assert found["manner"] == "single"
    assert len(reported(rows, peer.identity)) == len(names)


async def test_another_firmware_is_read_again(reader: LiveServer, rows: Records) -> None:
    identity = fresh()
    boot = {"chargePointVendor": "Vendor", "chargePointModel": "Model"}
    async with station(reader, V16, identity, boot=True) as peer:
        await peer.answer(await peer.next_call(), keys(*ESSENTIAL))
        await read(rows, peer)
        await peer.call("BootNotification", {**boot, "firmwareVersion": "2.0"})
        call = await peer.next_call()
        assert call[3] == {}
        await peer.answer(call, keys(*ESSENTIAL, value="2"))
        found = await eventually(lambda: (s := state(rows, identity))["due_at"] is None and s)

    assert found["firmware_version"] == "2.0"
    assert reported(rows, identity)["HeartbeatInterval"] == "2"


async def test_16_001b_nothing_is_read_before_the_station_is_accepted(
    reader: LiveServer, rows: Records
) -> None:
    identity, operator = fresh(), Operator(reader)
    await operator.provision(identity, registrationStatus="Pending")
    async with station(reader, V16, identity, boot=False) as peer:
        assert (await peer.boot())["status"] == "Pending"
        assert state(rows, identity) == {}
        await operator.change(identity, registrationStatus="Accepted")
        call = await peer.next_call()
        assert call[2] == "TriggerMessage"
        await peer.answer(call, {"status": "Accepted"})
        assert (await peer.boot())["status"] == "Accepted"
        assert (await peer.next_call())[2] == "GetConfiguration"


async def test_a_herd_is_read_one_after_the_other(reader: LiveServer, rows: Records) -> None:
    """OCPP_CONFIGURATION_READS is 1: the second station waits for the first."""
    async with station(reader, V16) as first, station(reader, V16) as second:
        call = await first.next_call()
        await second.heartbeat()
        assert not second.calls
        await first.answer(call, keys(*ESSENTIAL))
        await second.answer(await second.next_call(), keys(*ESSENTIAL))
        await read(rows, second)


@TWO_X
async def test_TC_B_13_a_full_report_is_asked_for_after_the_first_boot(
    reader: LiveServer, rows: Records, version: str
) -> None:
    async with station(reader, version) as peer:
        call = await peer.next_call()
        assert (call[2], call[3]["reportBase"]) == ("GetBaseReport", "FullInventory")
        await peer.answer(call, {"status": "Accepted"})
        for number in (1, 0):
            await peer.call("NotifyReport", part(call[3]["requestId"], number, more=number == 0))
        found = await read(rows, peer)

    assert (found["manner"], found["whole_at"] is None) == ("whole", False)
    assert reported(rows, peer.identity) == {"C.V0": "0", "C.V1": "1"}


@TWO_X
async def test_a_station_that_supports_no_report_is_asked_by_name(
    reader: LiveServer, rows: Records, version: str
) -> None:
    async with station(reader, version) as peer:
        for base in ("FullInventory", "ConfigurationInventory"):
            call = await peer.next_call()
            assert call[3]["reportBase"] == base
            await peer.answer(call, {"status": "NotSupported"})
        for _ in range(2):  # 20 variables each
            call = await peer.next_call()
            assert call[2] == "GetVariables"
            results = [
                {**variable, "attributeStatus": "Accepted", "attributeValue": "1"}
                for variable in call[3]["getVariableData"]
            ]
            await peer.answer(call, {"getVariableResult": results})
        await read(rows, peer)

    assert state(rows, peer.identity)["manner"] == "parts"
    assert "OCPPCommCtrlr.HeartbeatInterval" in reported(rows, peer.identity)


async def test_16_AK_a_leaked_password_is_not_stored(reader: LiveServer, rows: Records) -> None:
    async with station(reader, V16) as peer:
        call = await peer.next_call()
        assert call[2:] == ["GetConfiguration", {}]
        await peer.answer(call, keys(*ESSENTIAL, "AuthorizationKey", value="53656372"))
        await read(rows, peer)

    assert "AuthorizationKey" not in reported(rows, peer.identity)
    command = rows.command(call[1])
    answers = {entry["key"]: entry["value"] for entry in json.loads(command["response"])["configurationKey"]}
    assert answers["AuthorizationKey"] == "***"


def part(request_id: int, number: int, *, more: bool) -> dict[str, Any]:
    variable = {
        "component": {"name": "C"},
        "variable": {"name": f"V{number}"},
        "variableAttribute": [{"value": str(number)}],
    }
    head = {"requestId": request_id, "generatedAt": at(), "seqNo": number, "tbc": more}
    return {**head, "reportData": [variable]}
