"""The monitors of a station, its event streams and their messages over REST: read only, with filters."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chargepoints.models import ChargePoint
from configuration.models import EventStream, StreamMessage, VariableMonitor
from tests.api.conftest import NOON, Caller

GARAGE = "/api/v1/chargepoints/GARAGE%201"


def a_monitor(station: ChargePoint, number: int, **columns: Any) -> VariableMonitor:
    usual = {"component": "EVSE", "variable": "Power", "type": "Delta", "value": 1.5, "severity": 8}
    return VariableMonitor.objects.create(
        charge_point=station, monitor_id=number, reported_at=NOON, **(usual | columns)
    )


def a_stream(station: ChargePoint, number: int, **columns: Any) -> EventStream:
    at = NOON + timedelta(minutes=number)
    return EventStream.objects.create(
        charge_point=station, stream_id=number, monitor_id=number, opened_at=at, **columns
    )


@pytest.fixture
def monitors(garage: ChargePoint) -> list[VariableMonitor]:
    return [
        a_monitor(garage, 1),
        a_monitor(garage, 2, evse_number=1, type="UpperThreshold", severity=2),
        a_monitor(garage, 3, component="Connector", variable="State", kind="CustomMonitor"),
    ]


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("", [1, 2, 3]),
        ("ordering=-monitorId", [3, 2, 1]),
        ("monitorId=2", [2]),
        ("component=evse&variable=POWER", [1, 2]),
        ("evseId=1", [2]),
        ("type=Delta&severity=8", [1, 3]),
        ("eventNotificationType=CustomMonitor", [3]),
    ],
)
@pytest.mark.usefixtures("monitors")
def test_a_viewer_reads_monitors_with_filters(viewer: Caller, query: str, numbers: list[int]) -> None:
    answer = viewer.get(f"{GARAGE}/monitors?{query}")

    assert [one["monitorId"] for one in answer.info["monitors"]] == numbers


def test_a_monitor_has_its_variable_and_values(viewer: Caller, monitors: list[VariableMonitor]) -> None:
    shown = viewer.get(f"{GARAGE}/monitors/{monitors[1].pk}").info

    assert (shown["component"], shown["evseId"], shown["connectorId"]) == ("EVSE", 1, None)
    assert (shown["value"], shown["transaction"], shown["eventNotificationType"]) == (1.5, False, "")


def test_a_monitor_of_another_station_is_not_found(viewer: Caller, monitors: list[VariableMonitor]) -> None:
    other = a_monitor(ChargePoint.objects.create(identity="OTHER"), 1)

    assert viewer.get(f"{GARAGE}/monitors/{other.pk}").status_code == 404


@pytest.mark.parametrize(
    ("query", "numbers"),
    [("", [2, 1]), ("isOpen=true", [1]), ("isOpen=false", [2]), ("streamId=1", [1]), ("monitorId=2", [2])],
)
def test_a_viewer_reads_streams_with_filters(
    viewer: Caller, garage: ChargePoint, query: str, numbers: list[int]
) -> None:
    a_stream(garage, 1)
    a_stream(garage, 2, closed_at=NOON)

    answer = viewer.get(f"{GARAGE}/event-streams?{query}")

    assert [one["streamId"] for one in answer.info["eventStreams"]] == numbers


def test_a_stream_shows_its_monitor_and_its_last_message(viewer: Caller, garage: ChargePoint) -> None:
    a_monitor(garage, 1, evse_number=1)
    known, unknown = a_stream(garage, 1), a_stream(garage, 2)
    for pending in (5, 7):
        StreamMessage.objects.create(
            stream=known, base_at=NOON, pending=pending, data=[[0.5, "8"]], received_at=NOON
        )

    shown = viewer.get(f"{GARAGE}/event-streams/{known.pk}").info
    other = viewer.get(f"{GARAGE}/event-streams/{unknown.pk}").info

    assert (shown["variable"], shown["severity"], shown["pending"]) == ("EVSE(1).Power", 8, 7)
    assert (other["variable"], other["severity"], other["pending"], other["lastAt"]) == (None,) * 4
    assert viewer.get(f"{GARAGE}/event-streams/nothing").status_code == 404
    assert viewer.get(f"{GARAGE}/event-streams/%00").status_code == 404


@pytest.mark.parametrize(
    ("query", "values"), [("", ["b", "a"]), ("streamId=1", ["a"]), ("monitorId=2", ["b"])]
)
def test_messages_have_the_times_of_their_values(
    viewer: Caller, garage: ChargePoint, query: str, values: list[str]
) -> None:
    for number, text in enumerate("ab", 1):
        stream = a_stream(garage, number)
        StreamMessage.objects.create(stream=stream, base_at=NOON, data=[[2, text]], received_at=NOON)

    found = viewer.get(f"{GARAGE}/stream-messages?{query}").info["streamMessages"]

    assert [one["values"][0]["value"] for one in found] == values
    assert {one["values"][0]["at"] for one in found} == {"2026-05-04T12:00:02.000Z"}
    exact = viewer.get(f"{GARAGE}/stream-messages?eventStreamId={found[0]['eventStreamId']}")
    assert [one["id"] for one in exact.info["streamMessages"]] == [found[0]["id"]]
