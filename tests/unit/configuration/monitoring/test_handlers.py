"""Messages and answers about monitors, events and streams, at a station without a socket."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from configuration.handlers import monitoring
from configuration.models import EventStream, ReportedKey, StreamMessage, VariableMonitor
from ocpp_server.protocol.versions import V21, V201
from tests.direct.station import DirectStation

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("units_at_once")]

Make = Callable[..., Awaitable[DirectStation]]
Run = Callable[..., Awaitable[Any]]

PLACE = {"component": {"name": "C"}, "variable": {"name": "V"}}
ITEM = {**PLACE, "type": "Delta", "value": 1, "severity": 8}
RESULT = {**PLACE, "type": "Delta", "severity": 8, "status": "Accepted"}


async def ids(run_orm: Run) -> list[int]:
    rows = VariableMonitor.objects.order_by("monitor_id").values_list("monitor_id", flat=True)
    return list(await run_orm(lambda: list(rows)))


async def test_answers_add_and_remove_monitors(station: Make, run_orm: Run) -> None:
    garage = (await station(V201)).station
    wanted = {"setMonitoringData": [ITEM, {**ITEM, "severity": 9}]}
    results = [{**RESULT, "id": 1}, {**RESULT, "id": 2, "severity": 9}]

    await monitoring.monitors_set(garage, wanted, {"setMonitoringResult": results}, "c")
    assert await ids(run_orm) == [1, 2]
    cleared = [{"id": 1, "status": "Accepted"}, {"id": 2, "status": "Rejected"}]
    await monitoring.monitors_cleared(garage, {"id": [1, 2]}, {"clearMonitoringResult": cleared}, "c")
    assert await ids(run_orm) == [2]


async def test_an_id_that_was_not_asked_for_is_not_cleared(station: Make, run_orm: Run) -> None:
    garage = (await station(V201)).station
    result = {"setMonitoringResult": [{**RESULT, "id": 1}]}
    await monitoring.monitors_set(garage, {"setMonitoringData": [ITEM]}, result, "c")

    cleared = {"clearMonitoringResult": [{"id": 1, "status": "Accepted"}]}
    await monitoring.monitors_cleared(garage, {"id": [7]}, cleared, "c")

    assert await ids(run_orm) == [1]


@pytest.mark.parametrize(("word", "left"), [("Accepted", []), ("Rejected", [1])])
async def test_an_accepted_base_and_level_are_reported(
    station: Make, run_orm: Run, word: str, left: list[int]
) -> None:
    garage = (await station(V201)).station
    result = {"setMonitoringResult": [{**RESULT, "id": 1}]}
    await monitoring.monitors_set(garage, {"setMonitoringData": [ITEM]}, result, "c")

    await monitoring.base_set(garage, {"monitoringBase": "FactoryDefault"}, {"status": word}, "c")
    await monitoring.level_set(garage, {"severity": 4}, {"status": word}, "c")

    keys = await run_orm(lambda: list(ReportedKey.objects.order_by("key").values_list("value", flat=True)))
    assert await ids(run_orm) == left
    assert keys == (["FactoryDefault", "4"] if word == "Accepted" else [])


async def test_an_empty_result_ends_monitors_of_before_the_request(station: Make, run_orm: Run) -> None:
    garage = (await station(V201)).station
    result = {"setMonitoringResult": [{**RESULT, "id": 1}]}
    await monitoring.monitors_set(garage, {"setMonitoringData": [ITEM]}, result, "c")

    empty = {"status": "EmptyResultSet"}
    garage.asked_at = garage.received_at
    await monitoring.monitoring_report_requested(garage, {"requestId": 1}, empty, "c")
    assert await ids(run_orm) == [1]
    garage.asked_at = garage.received_at + timedelta(seconds=1)
    await monitoring.monitoring_report_requested(garage, {"requestId": 1}, {"status": "Rejected"}, "c")
    assert await ids(run_orm) == [1]
    await monitoring.monitoring_report_requested(garage, {"requestId": 1}, empty, "c")

    assert await ids(run_orm) == []


async def test_streams_are_opened_filled_and_closed(station: Make, run_orm: Run) -> None:
    garage = await station(V21)
    constant = {"id": 3, "params": {"interval": 5}, "variableMonitoringId": 1}

    opened = await garage.ask(("OpenPeriodicEventStream", {"constantStreamData": constant}))
    closed = await garage.ask(("ClosePeriodicEventStream", {"id": 3}))

    assert (opened, closed) == ({"status": "Accepted"}, {})
    (row,) = await run_orm(lambda: list(EventStream.objects.all()))
    assert (row.stream_id, row.monitor_id, row.interval, row.is_open) == (3, 1, 5, False)
    assert await run_orm(StreamMessage.objects.count) == 0


@pytest.mark.parametrize(
    ("event", "value"),
    [
        ({}, "2"),
        ({"trigger": "Periodic"}, "1"),
        ({"timestamp": "1970-01-01T00:00:00Z"}, "1"),
        ({"timestamp": "2020-01-01T00:00:00Z"}, "1"),
        ({"variable": {"name": "W"}}, "1"),
    ],
)
async def test_an_event_changes_the_reported_value(
    station: Make, run_orm: Run, event: dict[str, Any], value: str
) -> None:
    garage = (await station(V201)).station
    await run_orm(
        ReportedKey.objects.create,
        charge_point_id=garage.pk,
        key="C(1).V",
        value="1",
        reported_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    component = {"name": "C", "evse": {"id": 1}}
    now = garage.received_at.isoformat()
    data = {
        "component": component,
        "variable": {"name": "V"},
        "trigger": "Delta",
        "actualValue": "2",
        "timestamp": now,
    }

    await monitoring.values_observed(garage, {"eventData": [data | event]})

    assert (await run_orm(ReportedKey.objects.get)).value == value
