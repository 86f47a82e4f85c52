"""Monitors and event streams of simulated stations."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from simulator import Misbehaviour, Station
from tests.conformance.peer import TIMEOUT_S, V21, V201, eventually, fresh
from tests.seeds import chosen_seed

SIMULATED = {V201: "2.0.1", V21: "2.1"}
POWER = {"variable": "EVSE(1).Power", "type": "UpperThreshold", "value": 9000, "severity": 4}


@pytest.fixture(params=SIMULATED)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def simulated(server: Any, version: str) -> AsyncIterator[Station]:
    seed = chosen_seed("simulated monitors")
    station = Station(fresh("SIM"), SIMULATED[version], server.ocpp, speed=100, connectors=2, seed=seed)
    await station.start(timeout_s=TIMEOUT_S)
    yield station
    await station.stop(grace_s=1)


async def sent(operator: Any, station: Station, command: str, body: Any) -> dict[str, Any]:
    path = f"/api/v1/chargepoints/{station.identity}/{command}"
    status, answer = await operator.request("POST", path, body)
    assert status == 200, answer
    found: dict[str, Any] = answer
    return found


def stored(records: Any, station: Station) -> list[tuple[str, str, str]]:
    rows = records.of("configuration_variablemonitor", station.identity, order="t.monitor_id")
    return [(row["component"], row["type"], row["kind"]) for row in rows]


async def test_monitors_are_set_reported_and_cleared(server, operator, records, simulated, version):
    await sent(operator, simulated, "set-variable-monitoring", {"monitors": [POWER]})
    assert stored(records, simulated) == [("EVSE", "UpperThreshold", "CustomMonitor")]

    await sent(operator, simulated, "get-monitoring-report", {})
    await eventually(lambda: len(stored(records, simulated)) == 2)
    hard_wired = ("ChargingStation", "Delta", "HardWiredMonitor" if version == V21 else "")
    assert stored(records, simulated)[0] == hard_wired
    answer = await sent(operator, simulated, "clear-variable-monitoring", {"monitorIds": [1, 2, 9]})

    results = answer["data"]["response"]["clearMonitoringResult"]
    assert [one["status"] for one in results] == ["Rejected", "Accepted", "NotFound"]
    assert stored(records, simulated) == [hard_wired]


async def test_a_report_with_a_lost_part_ends_no_monitor(server, operator, records, simulated):
    simulated.misbehaviour = Misbehaviour(loses_report_parts=True)
    many = [{**POWER, "severity": number} for number in range(10)]
    await sent(operator, simulated, "set-variable-monitoring", {"monitors": many})
    before = stored(records, simulated)
    await sent(operator, simulated, "get-monitoring-report", {})

    def parts() -> list[int]:
        rows = records.of("chargepoints_reportassembly", simulated.identity)
        return [row["missing"] for row in rows if row["parts"]]

    assert await eventually(parts) == [1]
    assert stored(records, simulated) == before


@pytest.mark.parametrize("version", [V21], indirect=True)
async def test_a_simulated_stream_sends_its_values(server, operator, records, simulated):
    stream = {**POWER, "type": "Periodic", "value": 10, "interval": 10}
    await sent(operator, simulated, "set-variable-monitoring", {"monitors": [stream]})
    path = f"/api/v1/chargepoints/{simulated.identity}"

    async def rows(name: str, key: str) -> list[dict[str, Any]]:
        _, answer = await operator.request("GET", f"{path}/{name}")
        found: list[dict[str, Any]] = answer["data"][key]
        return found

    await eventually(
        lambda: records.rows(
            "SELECT m.id FROM configuration_streammessage m JOIN configuration_eventstream s "
            "ON s.id = m.stream_id JOIN chargepoints_chargepoint c ON c.id = s.charge_point_id "
            "WHERE c.identity = ?",
            simulated.identity,
        )
    )
    (message, *_) = await rows("stream-messages", "streamMessages")
    await sent(operator, simulated, "adjust-periodic-event-stream", {"streamId": 1, "values": 5})
    (one,) = await rows("event-streams", "eventStreams")
    await sent(operator, simulated, "clear-variable-monitoring", {"monitorIds": [2]})
    await eventually(lambda: not simulated.monitors.streams)

    assert (message["variable"], message["values"][0]["value"]) == ("EVSE(1).Power", "11000")
    assert (one["isOpen"], one["interval"], one["values"]) == (True, 10, 5)
