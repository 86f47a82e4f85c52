"""Event streams and target deltas of OCPP 2.1; the cases have the numbers of the certification."""

from __future__ import annotations

import json

import pytest

from tests.conformance.monitoring import POWER, accepted, ids, listed, monitor, part, sent
from tests.conformance.peer import V21, eventually, station

ACCEPTED = {"status": "Accepted"}
PERIODIC = {
    "variable": "ChargingStation.Power", "type": "Periodic", "value": 1, "severity": 7, "interval": 10,
    "values": 30,
}  # fmt: skip


def opening(stream, monitor, **params):
    return {"constantStreamData": {"id": stream, "variableMonitoringId": monitor, "params": params}}


def values(stream, *pairs, pending=0):
    data = [{"t": offset, "v": value} for offset, value in pairs]
    return {"id": stream, "pending": pending, "basetime": "2026-05-04T12:00:00Z", "data": data}


async def stream(peer, payload):
    """Send a SEND, and check that nothing answers it."""
    await peer.send([6, f"s-{payload['id']}", "NotifyPeriodicEventStream", payload])
    await peer.heartbeat()


def streams(records, peer):
    """The station's numbers of each stream and its monitor, with the interval and whether it is open."""
    return {
        (row["stream_id"], row["monitor_id"], row["interval"], row["closed_at"] is None)
        for row in records.of("configuration_eventstream", peer.identity)
    }


def deviations(records, peer):
    return [row["kind"] for row in records.of("chargepoints_deviation", peer.identity)]


async def test_TC_N_105_a_periodic_event_stream_is_opened_adjusted_and_closed(server, operator, records):
    async with station(server, V21) as peer:
        (call,), *_ = await sent(
            operator, peer, "set-variable-monitoring", {"monitors": [PERIODIC | {"id": 3}]}, accepted
        )
        opened = await peer.call("OpenPeriodicEventStream", opening(2, 3, interval=10, values=30))
        body = {"streamId": 2, "interval": 15, "values": 45}
        (adjust,), status, _ = await sent(operator, peer, "adjust-periodic-event-stream", body, ACCEPTED)
        await stream(peer, values(2, (0, "7.5"), (1.25, "8"), pending=4))
        (during,) = await listed(operator, peer, "event-streams")
        closed = await peer.call("ClosePeriodicEventStream", {"id": 2})
        await stream(peer, values(2, (0, "late")))
        (after,) = await listed(operator, peer, "event-streams")
        (message,) = await listed(operator, peer, "stream-messages?streamId=2")

    assert call[3]["setMonitoringData"][0]["periodicEventStream"] == {"interval": 10, "values": 30}
    assert (opened, closed, status) == (ACCEPTED, {}, 200)
    assert adjust[2:] == ["AdjustPeriodicEventStream", {"id": 2, "params": {"interval": 15, "values": 45}}]
    assert (during["interval"], during["values"], during["isOpen"], during["pending"]) == (15, 45, True, 4)
    assert (during["variable"], during["severity"]) == ("ChargingStation.Power", 7)
    assert (after["isOpen"], after["closedAt"] is None) == (False, False)
    assert message["values"] == [
        {"at": "2026-05-04T12:00:00.000Z", "value": "7.5"},
        {"at": "2026-05-04T12:00:01.250Z", "value": "8"},
    ]
    rows = records.rows(
        "SELECT m.data FROM configuration_streammessage m JOIN configuration_eventstream s "
        "ON s.id = m.stream_id WHERE s.id = ?",
        during["id"],
    )
    assert [json.loads(row["data"]) for row in rows] == [[[0, "7.5"], [1.25, "8"]]]


async def test_TC_N_107_the_streams_are_rebuilt_from_the_answer(server, operator, records):
    two = [
        {"id": 2, "variableMonitoringId": 3, "params": {"interval": 5}},
        {"id": 9, "variableMonitoringId": 4, "params": {}},
    ]
    async with station(server, V21) as peer:
        await peer.call("OpenPeriodicEventStream", opening(1, 8))
        await peer.call("OpenPeriodicEventStream", opening(2, 3, values=30))
        (call,), status, answer = await sent(
            operator, peer, "get-periodic-event-streams", {}, {"constantStreamData": two}
        )
        rebuilt = streams(records, peer)
        shown = await listed(operator, peer, "event-streams?isOpen=true&ordering=openedAt")
        await stream(peer, values(9, (0, "1")))
        (message,) = await listed(operator, peer, "stream-messages")
        await sent(operator, peer, "get-periodic-event-streams", {}, {})
        left = await listed(operator, peer, "event-streams?isOpen=true")

    assert call[2:] == ["GetPeriodicEventStream", {}]
    assert (status, answer["data"]["response"]) == (200, {"constantStreamData": two})
    assert rebuilt == {(1, 8, None, False), (2, 3, 5, True), (9, 4, None, True)}
    assert [(one["streamId"], one["monitorId"], one["interval"]) for one in shown] == [
        (2, 3, 5),
        (9, 4, None),
    ]
    assert (message["streamId"], message["variable"]) == (9, None)
    assert left == []
    assert streams(records, peer) == {(1, 8, None, False), (2, 3, 5, False), (9, 4, None, False)}


async def test_TC_N_104_target_deltas_are_set_and_reported(server, operator, records):
    types = ["TargetDelta", "TargetDeltaRelative"]
    wanted = [
        {"variable": "ChargingStation.Power", "type": type, "value": 5, "severity": 6} for type in types
    ]
    async with station(server, V21) as peer:
        (call,), *_ = await sent(operator, peer, "set-variable-monitoring", {"monitors": wanted}, accepted)
        (asked,), status, answer = await sent(
            operator, peer, "get-monitoring-report", {"monitoringCriteria": ["DeltaMonitoring"]}, ACCEPTED
        )
        found = [monitor(peer, number, type) for number, type in enumerate(types, 1)]
        report = part(peer, asked[3]["requestId"], 0, (POWER, found))
        assert await peer.call("NotifyMonitoringReport", report) == {}
        shown = await listed(operator, peer)

    assert [item["type"] for item in call[3]["setMonitoringData"]] == types
    assert (asked[2], set(asked[3])) == ("GetMonitoringReport", {"requestId", "monitoringCriteria"})
    assert asked[3]["monitoringCriteria"] == ["DeltaMonitoring"]
    assert (status, answer["data"]["status"]) == (200, "Accepted")
    assert [(one["monitorId"], one["type"]) for one in shown] == list(enumerate(types, 1))
    rows = records.of("configuration_variablemonitor", peer.identity, order="t.monitor_id")
    assert [(row["monitor_id"], row["variable"], row["type"]) for row in rows] == [
        (1, "Power", "TargetDelta"), (2, "Power", "TargetDeltaRelative")
    ]  # fmt: skip


async def test_N11_a_report_by_delta_ends_target_deltas_and_no_limits(server, operator):
    """Edition 2 N02.FR.13: DeltaMonitoring is about the target deltas too."""
    async with station(server, V21) as peer:
        known = [monitor(peer, 1, "TargetDelta"), monitor(peer, 2, "UpperThreshold")]
        await peer.call("NotifyMonitoringReport", part(peer, 5, 0, (POWER, known)))
        await sent(
            operator,
            peer,
            "get-monitoring-report",
            {"monitoringCriteria": ["DeltaMonitoring"]},
            {"status": "EmptyResultSet"},
        )

        assert await ids(operator, peer) == [2]


async def test_N15_values_of_an_unknown_stream_are_dropped_and_counted(server, operator, records):
    async with station(server, V21) as peer:
        await stream(peer, values(7, (0, "1")))
        assert await listed(operator, peer, "stream-messages") == []

    assert await eventually(lambda: deviations(records, peer)) == ["unknown-stream"]


async def test_N11_a_stream_beyond_the_bound_is_refused(server, records):
    async with station(server, V21) as peer:
        answers = [
            (await peer.call("OpenPeriodicEventStream", opening(number, number)))["status"]
            for number in range(101)
        ]
        await peer.call("ClosePeriodicEventStream", {"id": 0})
        freed = await peer.call("OpenPeriodicEventStream", opening(200, 1))

    assert answers == ["Accepted"] * 100 + ["Rejected"]
    assert freed == ACCEPTED


async def test_N11_a_stream_goes_on_after_a_restart_of_the_connection(server, operator):
    async with station(server, V21) as peer:
        await peer.call("OpenPeriodicEventStream", opening(2, 3))
        identity = peer.identity
    async with station(server, V21, identity) as peer:
        await peer.call("OpenPeriodicEventStream", opening(2, 3, interval=20))
        await stream(peer, values(2, (0, "5")))
        (one,) = await listed(operator, peer, "event-streams")
        (message,) = await listed(operator, peer, "stream-messages")

    assert (one["interval"], message["eventStreamId"]) == (20, one["id"])


@pytest.mark.parametrize("command", ["set-variable-monitoring", "adjust-periodic-event-stream"])
async def test_what_no_station_gets_is_refused_here(server, operator, command):
    body = {
        "set-variable-monitoring": {"monitors": [{**PERIODIC, "type": "Delta", "value": -1}]},
        "adjust-periodic-event-stream": {"streamId": 2},
    }[command]
    async with station(server, V21) as peer:
        status, answer = await operator.request(
            "POST", f"/api/v1/chargepoints/{peer.identity}/{command}", body
        )
        await peer.heartbeat()

    assert (status, answer["success"]) == (400, False)
