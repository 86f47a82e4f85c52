"""Stations with difficult settings: refused as a whole, read one by one, late or lost at a reboot."""

from typing import Any

import pytest

from simulator import V16, V21, V201, Misbehaviour, Station
from tests.simulator.conftest import MakeStation
from tests.simulator.csms import Csms

RESETS = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "ResetRetries"}}
HEARTBEAT = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}


async def change(csms: Csms, station: Station, value: str) -> str:
    if station.version == V16:
        answer = await csms.call(
            station.identity, "ChangeConfiguration", {"key": "ResetRetries", "value": value}
        )
        return str(answer["status"])
    data = [{**RESETS, "attributeValue": value}]
    answer = await csms.call(station.identity, "SetVariables", {"setVariableData": data})
    return str(answer["setVariableResult"][0]["attributeStatus"])


async def read(csms: Csms, station: Station) -> str:
    if station.version == V16:
        answer = await csms.call(station.identity, "GetConfiguration", {"key": ["ResetRetries"]})
        return str(answer["configurationKey"][0]["value"])
    answer = await csms.call(station.identity, "GetVariables", {"getVariableData": [RESETS]})
    return str(answer["getVariableResult"][0]["attributeValue"])


@pytest.mark.parametrize(
    ("behaviour", "status", "before", "after"),
    [
        (Misbehaviour(), "Accepted", "7", "7"),
        (Misbehaviour(needs_reboot=True), "RebootRequired", "3", "7"),
        (Misbehaviour(loses_settings=True), "Accepted", "7", "3"),
    ],
)
async def test_a_change_takes_effect_at_once_or_at_a_reboot_or_until_one(  # noqa: PLR0917 - a table's columns
    make_station: MakeStation,
    csms: Csms,
    version: str,
    behaviour: Misbehaviour,
    status: str,
    before: str,
    after: str,
) -> None:
    station = await make_station(version, misbehaviour=behaviour)

    assert await change(csms, station, "7") == status
    assert await read(csms, station) == before
    await station.reboot("RemoteReset")
    assert await read(csms, station) == after


async def test_a_station_refuses_everything_at_once_and_answers_one_by_one(
    make_station: MakeStation, csms: Csms, version: str
) -> None:
    behaviour = Misbehaviour(refuses_whole_configuration=True, answers_one_key=True)
    station = await make_station(version, misbehaviour=behaviour)

    async def ask(action: str, payload: dict[str, Any]) -> Any:
        return await csms.call(station.identity, action, payload)

    if version == V16:
        assert await ask("GetConfiguration", {}) == {"error": "InternalError"}
        answer = await ask("GetConfiguration", {"key": ["ResetRetries", "HeartbeatInterval"]})
        assert [one["key"] for one in answer["configurationKey"]] == ["ResetRetries"]
    else:
        report = {"requestId": 1, "reportBase": "FullInventory"}
        assert (await ask("GetBaseReport", report))["status"] == "NotSupported"
        answer = await ask("GetVariables", {"getVariableData": [RESETS, HEARTBEAT]})
        assert len(answer["getVariableResult"]) == 1


@pytest.mark.parametrize(("version", "status"), [(V201, "UnknownComponent"), (V21, "Accepted")])
async def test_a_2_1_station_has_variables_for_the_network_profile_of_each_free_slot(
    make_station: MakeStation, csms: Csms, version: str, status: str
) -> None:
    station = await make_station(version)
    place = {"name": "NetworkConfiguration", "instance": "2"}
    url = {"component": place, "variable": {"name": "OcppCsmsUrl"}}
    password = {"component": place, "variable": {"name": "BasicAuthPassword"}}
    data = [
        url | {"attributeValue": "wss://example.com"},
        password | {"attributeValue": "correct-horse-battery"},
    ]

    answer = await csms.call(station.identity, "SetVariables", {"setVariableData": data})
    read = await csms.call(station.identity, "GetVariables", {"getVariableData": [url, password]})

    assert [one["attributeStatus"] for one in answer["setVariableResult"]] == [status, status]
    assert station.password != "correct-horse-battery"  # it takes effect with the profile
    values = [one.get("attributeValue") for one in read["getVariableResult"]]
    assert values == ["wss://example.com" if status == "Accepted" else None, None]
