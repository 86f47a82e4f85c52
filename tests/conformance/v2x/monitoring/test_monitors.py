"""Monitors of OCPP 2.x; the cases have the numbers of the certification."""

from __future__ import annotations

import pytest

from tests.conformance.monitoring import POWER, STATE, accepted, ids, listed, monitor, part, sent
from tests.conformance.peer import V21, eventually, station

ACCEPTED = {"status": "Accepted"}
DELTA = {"variable": "EVSE(1).AvailabilityState", "type": "Delta", "value": 1, "severity": 8}
OTHER = {**DELTA, "variable": "ChargingStation.AvailabilityState"}


def stored(records, peer):
    rows = records.of("configuration_variablemonitor", peer.identity, order="t.monitor_id")
    return [(row["monitor_id"], row["variable"], row["type"]) for row in rows]


async def complete(records, peer, number):
    """Wait until the report with the n-th request is complete."""
    await eventually(
        lambda: (
            [row["state"] for row in records.of("chargepoints_reportassembly", peer.identity)].count(
                "complete"
            )
            >= number
        )
    )


async def test_TC_N_08_a_monitor_is_set(server, operator, records, version):
    async with station(server, version) as peer:
        (call,), status, answer = await sent(
            operator, peer, "set-variable-monitoring", {"monitors": [DELTA]}, accepted
        )

    item = {"component": STATE["component"], "variable": STATE["variable"]}
    data = [{**item, "type": "Delta", "value": 1, "severity": 8}]
    assert call[2:] == ["SetVariableMonitoring", {"setMonitoringData": data}]
    assert (status, answer["success"]) == (200, True)
    assert stored(records, peer) == [(1, "AvailabilityState", "Delta")]


async def test_TC_N_09_two_monitors_are_set_in_one_request(server, operator, records, version):
    async with station(server, version) as peer:
        (call,), status, answer = await sent(
            operator, peer, "set-variable-monitoring", {"monitors": [DELTA, OTHER]}, accepted
        )
        shown = await listed(operator, peer)

    item = {"variable": STATE["variable"], "type": "Delta", "value": 1, "severity": 8}
    data = [{**item, "component": component} for component in (STATE["component"], POWER["component"])]
    assert call[2:] == ["SetVariableMonitoring", {"setMonitoringData": data}]
    assert (status, answer["success"]) == (200, True)
    assert [(one["monitorId"], one["component"], one["evseId"], one["severity"]) for one in shown] == [
        (1, "EVSE", 1, 8),
        (2, "ChargingStation", None, 8),
    ]
    assert {one["eventNotificationType"] for one in shown} == {"CustomMonitor"}
    rows = records.of("configuration_variablemonitor", peer.identity, order="t.monitor_id")
    assert [(row["monitor_id"], row["component"], row["evse_number"], row["kind"]) for row in rows] == [
        (1, "EVSE", 1, "CustomMonitor"),
        (2, "ChargingStation", None, "CustomMonitor"),
    ]


async def test_N04_only_accepted_monitors_are_stored(server, operator, records, version):
    def some(payload):
        answer = accepted(payload)
        refused = answer["setMonitoringResult"][0]
        del refused["id"]
        refused |= {"status": "Duplicate"}
        answer["setMonitoringResult"].reverse()  # N04.FR.02 names no order
        return answer

    async with station(server, version) as peer:
        _calls, status, answer = await sent(
            operator, peer, "set-variable-monitoring", {"monitors": [DELTA, OTHER]}, some
        )

    assert (status, answer["data"]["code"], answer["data"]["accepted"]) == (200, "partial", 1)
    assert stored(records, peer) == [(2, "AvailabilityState", "Delta")]
    (row,) = records.of("configuration_variablemonitor", peer.identity)
    assert row["component"] == "ChargingStation"


@pytest.mark.parametrize(
    ("criteria", "variables", "spelled"),
    [
        (["DeltaMonitoring"], [], {"monitoringCriteria": ["DeltaMonitoring"]}),
        (["ThresholdMonitoring"], [], {"monitoringCriteria": ["ThresholdMonitoring"]}),
        ([], ["ChargingStation.Power"], {"componentVariable": [POWER]}),
        ([], ["EVSE(1).AvailabilityState"], {"componentVariable": [STATE]}),
        (
            ["DeltaMonitoring"],
            ["EVSE(1).AvailabilityState"],
            {"monitoringCriteria": ["DeltaMonitoring"], "componentVariable": [STATE]},
        ),
        (
            ["ThresholdMonitoring"],
            ["ChargingStation.AvailabilityState", "EVSE(1).AvailabilityState"],
            {
                "monitoringCriteria": ["ThresholdMonitoring"],
                "componentVariable": [
                    {"component": {"name": "ChargingStation"}, "variable": STATE["variable"]},
                    STATE,
                ],
            },
        ),
    ],
)
async def test_TC_N_01_TC_N_02_TC_N_03_TC_N_60_a_report_is_asked_for_by_criteria_and_variables(  # noqa: PLR0913, PLR0917 - fixtures
    server, operator, records, version, criteria, variables, spelled
):
    body = {"monitoringCriteria": criteria, "variables": variables}
    async with station(server, version) as peer:
        await sent(operator, peer, "set-variable-monitoring", {"monitors": [DELTA]}, accepted)
        (call,), status, answer = await sent(
            operator, peer, "get-monitoring-report", body, {"status": "EmptyResultSet"}
        )
        left = await ids(operator, peer)
        (again,), *_ = await sent(operator, peer, "get-monitoring-report", body, ACCEPTED)
        report = part(peer, again[3]["requestId"], 0, (STATE, [monitor(peer, 7)]))
        assert await peer.call("NotifyMonitoringReport", report) == {}
        await complete(records, peer, 1)

    assert call[2] == "GetMonitoringReport"
    assert {name: value for name, value in call[3].items() if name != "requestId"} == spelled
    assert (status, answer["success"], answer["data"]["status"]) == (200, True, "EmptyResultSet")
    is_gone = criteria != ["ThresholdMonitoring"] and POWER not in spelled.get("componentVariable", [])
    assert left == ([] if is_gone else [1])
    assert (7, "AvailabilityState", "Delta") in stored(records, peer)


async def test_TC_N_47_a_complete_report_replaces_the_monitors(server, operator, records, version):
    limit = ("UpperThreshold", "LowerThreshold")
    async with station(server, version) as peer:
        await sent(operator, peer, "set-variable-monitoring", {"monitors": [DELTA, OTHER]}, accepted)
        (call,), *_ = await sent(operator, peer, "get-monitoring-report", {}, ACCEPTED)
        number = call[3]["requestId"]
        upper, lower = (monitor(peer, 10 + n, type) for n, type in enumerate(limit))
        last = part(peer, number, 1, (POWER, [upper, lower]))
        for _ in range(2):  # the last one first, and twice
            assert await peer.call("NotifyMonitoringReport", last) == {}
        await peer.heartbeat()
        incomplete = await ids(operator, peer)
        first = part(peer, number, 0, (STATE, [monitor(peer, 2, value=5)]), more=True)
        assert await peer.call("NotifyMonitoringReport", first) == {}
        await peer.heartbeat()
        shown = {one["monitorId"]: one for one in await listed(operator, peer)}

    assert set(call[3]) == {"requestId"}
    assert incomplete == [1, 2, 10, 11]
    assert set(shown) == {2, 10, 11}
    assert stored(records, peer) == [
        (2, "AvailabilityState", "Delta"),
        (10, "Power", "UpperThreshold"),
        (11, "Power", "LowerThreshold"),
    ]
    assert (shown[2]["component"], shown[2]["value"], shown[10]["type"]) == ("EVSE", 5, "UpperThreshold")


async def test_a_report_without_a_request_ends_no_monitor(server, operator, version):
    async with station(server, version) as peer:
        await sent(operator, peer, "set-variable-monitoring", {"monitors": [DELTA]}, accepted)
        report = part(peer, 99, 0, (POWER, [monitor(peer, 5, "UpperThreshold")]))
        assert await peer.call("NotifyMonitoringReport", report) == {}
        await peer.heartbeat()

        assert await ids(operator, peer) == [1, 5]


async def test_TC_N_05_the_monitoring_base_is_set(server, operator, records, version):
    kinds = ("HardWiredMonitor", "PreconfiguredMonitor", "CustomMonitor")
    found = {}
    async with station(server, version) as peer:
        for base in ("All", "FactoryDefault", "HardWiredOnly"):
            named = [
                monitor(peer, number, **({"eventNotificationType": kind} if version == V21 else {}))
                for number, kind in enumerate(kinds, 1)
            ]
            await peer.call("NotifyMonitoringReport", part(peer, 1, 0, (POWER, named)))
            (call,), status, answer = await sent(
                operator, peer, "set-monitoring-base", {"monitoringBase": base}, ACCEPTED
            )
            assert call[2:] == ["SetMonitoringBase", {"monitoringBase": base}]
            assert (status, answer["success"]) == (200, True)
            found[base] = await ids(operator, peer)

    # A 2.0.1 station does not report the kind: only its next report shows what is left.
    left = ([1, 2], [1]) if version == V21 else ([], [])
    assert found == dict(zip(("All", "FactoryDefault", "HardWiredOnly"), ([1, 2, 3], *left), strict=True))
    keys = records.of("configuration_reportedkey", peer.identity)
    assert [(row["key"], row["value"]) for row in keys] == [
        ("MonitoringCtrlr.ActiveMonitoringBase", "HardWiredOnly")
    ]


@pytest.mark.parametrize("word", ["Accepted", "Rejected"])
async def test_TC_N_17_TC_N_16_the_monitoring_level_is_set_or_refused(
    server, operator, records, version, word
):
    async with station(server, version) as peer:
        (call,), status, answer = await sent(
            operator, peer, "set-monitoring-level", {"severity": 4}, {"status": word}
        )

    assert call[2:] == ["SetMonitoringLevel", {"severity": 4}]
    assert (status, answer["success"], answer["data"]["status"]) == (200, word == "Accepted", word)
    keys = records.of("configuration_reportedkey", peer.identity)
    assert [row["value"] for row in keys] == (["4"] if word == "Accepted" else [])


async def test_TC_N_18_too_many_monitors_are_cleared_in_parts(server, operator, records, version):
    limit = {
        "component": {"name": "MonitoringCtrlr"},
        "variable": {"name": "ItemsPerMessage", "instance": "ClearVariableMonitoring"},
    }
    result = {**limit, "attributeStatus": "Accepted", "attributeValue": "2"}

    def cleared(payload):
        assert len(payload["id"]) <= 2
        words = {number: "NotFound" if number > 3 else "Accepted" for number in payload["id"]}
        return {"clearMonitoringResult": [{"id": id, "status": word} for id, word in words.items()]}

    async with station(server, version) as peer:
        three = [DELTA, OTHER, {**OTHER, "severity": 9}]
        await sent(operator, peer, "set-variable-monitoring", {"monitors": three}, accepted)
        key = "MonitoringCtrlr.ItemsPerMessage[ClearVariableMonitoring]"
        await sent(operator, peer, "get-configuration", {"keys": [key]}, {"getVariableResult": [result]})
        before = stored(records, peer)
        calls, status, answer = await sent(
            operator, peer, "clear-variable-monitoring", {"monitorIds": [1, 2, 3, 4, 5]}, cleared, calls=3
        )
        after = await ids(operator, peer)

    assert {call[2] for call in calls} == {"ClearVariableMonitoring"}
    assert [call[3]["id"] for call in calls] == [[1, 2], [3, 4], [5]]
    assert (status, len(answer["data"]["response"]["clearMonitoringResult"])) == (200, 5)
    assert [number for number, _, _ in before] == [1, 2, 3]
    assert (after, stored(records, peer)) == ([], [])


async def test_TC_N_44_a_monitor_that_cannot_be_cleared_stays(server, operator, records, version):
    refused = {"clearMonitoringResult": [{"id": 1, "status": "Rejected"}, {"id": 8, "status": "NotFound"}]}
    async with station(server, version) as peer:
        await sent(operator, peer, "set-variable-monitoring", {"monitors": [DELTA]}, accepted)
        (call,), status, answer = await sent(
            operator, peer, "clear-variable-monitoring", {"monitorIds": [1, 8]}, refused
        )
        left = await ids(operator, peer)

    assert call[2:] == ["ClearVariableMonitoring", {"id": [1, 8]}]
    assert (status, answer["success"], left) == (200, False, [1])
    assert stored(records, peer) == [(1, "AvailabilityState", "Delta")]


async def test_N02_FR_07_a_report_about_too_many_variables_is_refused_here(server, operator, version):
    limit = {
        "component": {"name": "DeviceDataCtrlr"},
        "variable": {"name": "ItemsPerMessage", "instance": "GetReport"},
    }
    result = {**limit, "attributeStatus": "Accepted", "attributeValue": "1"}
    async with station(server, version) as peer:
        key = "DeviceDataCtrlr.ItemsPerMessage[GetReport]"
        await sent(operator, peer, "get-configuration", {"keys": [key]}, {"getVariableResult": [result]})
        body = {"variables": ["EVSE(1)", "ChargingStation.Power"]}
        path = f"/api/v1/chargepoints/{peer.identity}/get-monitoring-report"
        status, answer = await operator.request("POST", path, body)
        await peer.heartbeat()

    assert (status, answer["data"]["limit"]) == (409, 1)
