"""The stored monitors of a station: what reports and answers change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import ChargePoint, Command, ReportAssembly
from configuration.models import VariableMonitor
from configuration.services.monitoring import monitors
from ocpp_server.protocol.translate.monitors import Monitor, Monitored, Stream

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
EVSE = Monitored("EVSE", "", 1, None, "Power", "")


@pytest.fixture
def garage() -> ChargePoint:
    return ChargePoint.objects.create(identity="CP-1")


def monitor(number: int, **more: Any) -> Monitor:
    return Monitor(number, EVSE, "Delta", 1.0, 8, is_for_transactions=False)._replace(**more)


def report(garage: ChargePoint, *found: Monitor, at: datetime = NOW) -> None:
    monitors.store(garage.pk, found, at, is_report=True)


def ids(garage: ChargePoint) -> list[int]:
    rows = VariableMonitor.objects.filter(charge_point=garage).order_by("monitor_id")
    return list(rows.values_list("monitor_id", flat=True))


def test_a_report_adds_and_changes_monitors(garage: ChargePoint) -> None:
    report(garage, monitor(1), monitor(2), monitor(2, value=3.0))
    report(garage, monitor(2, value=5.0, of=EVSE._replace(connector=2)), at=LATER)
    report(garage)

    rows = VariableMonitor.objects.order_by("monitor_id")
    assert [(row.monitor_id, row.value, row.connector_number, row.reported_at) for row in rows] == [
        (1, 1.0, None, NOW),
        (2, 5.0, 2, LATER),
    ]
    assert str(rows[1]) == "Delta EVSE(1.2).Power"


def test_a_report_keeps_the_kind_and_the_stream_of_the_same_monitor(garage: ChargePoint) -> None:
    custom = {"kind": "CustomMonitor", "stream": Stream(10, 30)}
    monitors.store(garage.pk, [monitor(1, **custom), monitor(2, **custom)], NOW, is_report=False)

    report(garage, monitor(1, value=2.0), monitor(2, type="Periodic"))

    rows = VariableMonitor.objects.order_by("monitor_id")
    assert [(row.kind, row.stream_interval, row.stream_values) for row in rows] == [
        ("CustomMonitor", 10, 30),
        ("", None, None),
    ]


def test_a_monitor_that_is_set_again_without_a_stream_has_none(garage: ChargePoint) -> None:
    for params in (Stream(10, None), Stream()):
        monitors.store(garage.pk, [monitor(1, stream=params)], NOW, is_report=False)

    assert VariableMonitor.objects.get().stream_interval is None


def test_beyond_the_bound_only_known_monitors_are_stored(
    garage: ChargePoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitors, "MOST_PER_STATION", 2)

    report(garage, monitor(1))
    report(garage, monitor(3), monitor(2))
    report(garage, monitor(4), monitor(1, value=9.0))

    assert ids(garage) == [1, 3]
    assert VariableMonitor.objects.get(monitor_id=1).value == 9.0


def test_cleared_monitors_are_deleted_at_this_station_alone(garage: ChargePoint) -> None:
    other = ChargePoint.objects.create(identity="CP-2")
    for one in (garage, other):
        report(one, monitor(1), monitor(2))

    monitors.remove(garage.pk, [1, 7])

    assert (ids(garage), ids(other)) == ([2], [1, 2])


@pytest.mark.parametrize(
    ("base", "left"),
    [
        ("All", [1, 2, 3, 4, 5]),
        ("FactoryDefault", [1, 2, 3]),
        ("HardWiredOnly", [1, 2]),
        ("Else", [1, 2, 3, 4, 5]),
    ],
)
def test_a_monitoring_base_ends_what_may_be_gone(garage: ChargePoint, base: str, left: list[int]) -> None:
    kinds = ("HardWiredNotification", "HardWiredMonitor", "PreconfiguredMonitor", "CustomMonitor", "")
    report(garage, *(monitor(number, kind=kind) for number, kind in enumerate(kinds, 1)))

    monitors.reset(garage.pk, base)

    assert ids(garage) == left


def test_a_request_ends_older_monitors_that_it_asks_for(garage: ChargePoint) -> None:
    report(garage, monitor(1), monitor(2, type="UpperThreshold"))
    report(garage, monitor(3), at=LATER)

    monitors.missing(garage.pk, {"monitoringCriteria": ["DeltaMonitoring"]}, before=LATER)
    assert ids(garage) == [2, 3]
    monitors.missing(garage.pk, {"monitoringCriteria": ["Unknown"]}, before=LATER)
    assert ids(garage) == [2, 3]
    monitors.missing(garage.pk, {}, before=LATER)
    assert ids(garage) == [3]


PLACES = (
    Monitored("EVSE", "", 1, None, "Power", ""),
    Monitored("EVSE", "", 2, None, "Power", "a"),
    Monitored("Connector", "x", 1, 1, "Power", ""),
    Monitored("Connector", "", 1, 2, "State", ""),
)


@pytest.mark.parametrize(
    ("wanted", "gone"),
    [
        ({"component": {"name": "evse"}}, {1, 2}),
        ({"component": {"name": "EVSE", "evse": {"id": 2}}}, {2}),
        ({"component": {"name": "EVSE"}, "variable": {"name": "power"}}, {1, 2}),
        ({"component": {"name": "EVSE"}, "variable": {"name": "Power", "instance": "A"}}, {2}),
        ({"component": {"name": "Connector", "evse": {"id": 1}}}, {3, 4}),
        ({"component": {"name": "Connector", "evse": {"id": 1, "connectorId": 2}}}, {4}),
        ({"component": {"name": "Connector", "instance": "x"}}, {3}),
        ({"component": {"name": "Other"}}, set()),
    ],
)
def test_what_a_component_does_not_name_may_be_anything(
    garage: ChargePoint, wanted: dict[str, Any], gone: set[int]
) -> None:
    """N02.FR.16 to FR.21."""
    report(garage, *(monitor(number, of=place) for number, place in enumerate(PLACES, 1)))

    monitors.missing(garage.pk, {"componentVariable": [wanted]}, before=LATER)

    assert {1, 2, 3, 4} - set(ids(garage)) == gone


def test_many_components_are_asked_for_in_several_queries(garage: ChargePoint) -> None:
    report(garage, monitor(1))
    others = [{"component": {"name": f"C{number}"}} for number in range(120)]

    monitors.missing(
        garage.pk, {"componentVariable": [*others, {"component": {"name": "EVSE"}}]}, before=LATER
    )

    assert ids(garage) == []


def assembly(garage: ChargePoint, number: int, **more: Any) -> ReportAssembly:
    command = Command.objects.create(
        id=f"c{number}",
        charge_point=garage,
        action="GetMonitoringReport",
        payload={"requestId": number},
        created_at=LATER,
        deadline_at=LATER,
    )
    columns = {"state": "complete", "command": command, "started_at": LATER, "last_at": datetime.now(UTC)}
    return ReportAssembly.objects.create(
        charge_point=garage, action=monitors.REPORT, request_id=number, **(columns | more)
    )


@pytest.mark.parametrize(
    ("more", "left"),
    [({}, [2]), ({"state": "collecting"}, [1, 2]), ({"command": None}, [1, 2])],
)
def test_a_complete_report_ends_what_it_does_not_name(
    garage: ChargePoint, more: dict[str, Any], left: list[int]
) -> None:
    report(garage, monitor(1))
    report(garage, monitor(2), at=LATER)
    assembly(garage, 5, **more)

    monitors.settle(garage.pk, None)
    monitors.settle(garage.pk, 6)
    assert ids(garage) == [1, 2]
    monitors.settle(garage.pk, 5)

    assert ids(garage) == left


def test_the_job_settles_reports_that_a_dead_process_left(garage: ChargePoint) -> None:
    other = ChargePoint.objects.create(identity="CP-2")
    for one in (garage, other):
        report(one, monitor(1))
    assembly(garage, 5)
    assembly(other, 6, last_at=datetime.now(UTC) - timedelta(hours=2))

    monitors.settle_missed()

    assert (ids(garage), ids(other)) == ([], [1])
