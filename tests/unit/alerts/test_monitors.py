"""Alarms of monitors (2.x NotifyEvent), and their ends."""

from __future__ import annotations

from typing import Any

import pytest

from alerts.models import AlertRule
from alerts.services import monitors
from alerts.services.codes import CODES
from chargepoints.models import ChargePoint, Site
from configuration.models import VariableMonitor
from ocpp_server.events import outbox
from ocpp_server.events.catalogue import stations as events
from ocpp_server.protocol.translate.monitors import Monitored
from tests.unit.alerts.conftest import NOON, Watch, a_station, alerts, change_rule

KEY = "temperature:CP-7:TemperatureSensor(1).Temperature#12"


@pytest.fixture
def station(watch: Watch) -> ChargePoint:
    row = a_station()
    watch.look()
    return row


def alarm(station: str = "CP-7", **data: Any) -> None:
    outbox.emit(events.MONITOR, station=station, **(dict(events.MONITOR.example) | data))


def states() -> list[tuple[str, str]]:
    return [(one.key, one.state) for one in alerts()]


def test_an_alarm_opens_an_alert_and_its_end_resolves_it(watch: Watch, station: ChargePoint) -> None:
    alarm()
    watch.after(30)

    (alert,) = alerts()
    assert (alert.key, alert.severity, alert.charge_point) == (KEY, "critical", station)
    assert alert.title == "TemperatureSensor(1).Temperature of CP-7 is 91.5"
    assert alert.detail == (
        "Severity 2, system failure. Value 91.5.\nThe station says: Fan 2\nCode of the vendor: T7"
    )
    assert (alert.evse_number, alert.connector_number) == (1, None)
    alarm(value="95")
    watch.after(30)
    (alert,) = alerts()
    assert (alert.count, alert.values["last"], alert.title[-5:]) == (2, 95, "is 95")
    alarm(value="60", isCleared=True)
    watch.after(30)
    assert [(one.state, one.resolution) for one in alerts()] == [("resolved", "recovered")]


def test_the_end_of_an_alarm_that_opened_nothing_is_ignored(watch: Watch, station: ChargePoint) -> None:
    alarm(isCleared=True)
    watch.after(30)

    assert alerts() == []


def test_an_alarm_that_ends_within_a_look_opens_nothing(watch: Watch, station: ChargePoint) -> None:
    alarm()
    alarm(isCleared=True)
    watch.after(30)
    assert alerts() == []
    alarm(isCleared=True)
    alarm()
    watch.after(30)

    assert states() == [(KEY, "open")]


def test_two_limits_of_one_variable_end_one_by_one(watch: Watch, station: ChargePoint) -> None:
    alarm(monitorId=1, severity=3)
    alarm(monitorId=2)
    watch.after(30)
    assert [one.severity for one in alerts()] == ["warning", "critical"]
    alarm(monitorId=2, isCleared=True)
    watch.after(30)

    assert [one.state for one in alerts()] == ["open", "resolved"]


def test_an_end_without_a_number_ends_every_alarm_of_the_variable(watch: Watch, station: ChargePoint) -> None:
    alarm(monitorId=1)
    alarm(monitorId=2)
    alarm(monitorId=None, evseId=2)
    watch.after(30)
    alarm(monitorId=None, isCleared=True)
    watch.after(30)

    assert [(one.evse_number, one.state) for one in alerts()] == [
        (1, "resolved"),
        (1, "resolved"),
        (2, "open"),
    ]


@pytest.mark.parametrize(("severity", "found"), [(4, []), (3, ["warning"]), (2, ["critical"]), (None, [])])
def test_the_severity_of_the_message_decides(
    watch: Watch, station: ChargePoint, severity: int | None, found: list[str]
) -> None:
    alarm(severity=severity)
    watch.after(30)

    assert [one.severity for one in alerts()] == found


def test_without_a_severity_that_of_the_monitor_counts(watch: Watch, station: ChargePoint) -> None:
    usual: dict[str, Any] = {"component": "TemperatureSensor", "variable": "Temperature", "value": 80}
    usual |= {"type": "UpperThreshold", "reported_at": NOON}
    VariableMonitor.objects.create(charge_point=station, monitor_id=12, severity=0, **usual)
    other = a_station("CP-8")
    VariableMonitor.objects.create(charge_point=other, monitor_id=12, severity=8, **usual)
    for identity in ("CP-7", "CP-8"):
        alarm(identity, severity=None)
    watch.after(30)

    assert [(one.station, one.detail.splitlines()[0]) for one in alerts()] == [
        ("CP-7", "Severity 0, danger. Value 91.5.")
    ]


def test_limits_of_a_copy_for_a_station_or_site_count(watch: Watch, station: ChargePoint) -> None:
    change_rule("temperature", parameters={"severity": 9, "critical_severity": 0})
    elsewhere = a_station("CP-8", site=Site.objects.create(name="Depot"))
    for place in ({"charge_point": station}, {"site": elsewhere.site}):
        AlertRule.objects.create(code="temperature", severity="info", parameters={"severity": 1}, **place)
    a_station("CP-9")
    for identity in ("CP-7", "CP-8", "CP-9"):
        alarm(identity, severity=5)
    watch.after(30)

    assert [(one.station, one.severity) for one in alerts()] == [("CP-9", "warning")]


def test_alarms_of_deleted_stations_are_left_out(watch: Watch, station: ChargePoint) -> None:
    alarm("GONE")
    watch.after(30)

    assert alerts() == []


def test_an_alarm_rests_after_a_month(watch: Watch, station: ChargePoint) -> None:
    alarm()
    watch.after(30)
    watch.after(30 * 86_400)
    assert states() == [(KEY, "open")]
    watch.after(2 * 86_400)

    assert states() == [(KEY, "resolved")]


@pytest.mark.parametrize(
    ("component", "variable", "code"),
    [
        ("ExternalTemperatureSensor", "Problem", "temperature"),
        ("EVSE", "Temperature", "temperature"),
        ("ElectricalFeed", "ACVoltage", "power_lost"),
        ("elvsupply", "Problem", "power_lost"),
        ("TiltSensor", "Angle", "monitor"),
    ],
)
def test_the_component_and_the_variable_decide_about_the_code(
    component: str, variable: str, code: str
) -> None:
    assert monitors.code_of(Monitored(component, "", None, None, variable, "")) is CODES[code]


@pytest.mark.parametrize(
    ("value", "stored"), [("true", {}), ("nan", {}), ("7", {"first": 7, "last": 7, "max": 7})]
)
def test_only_numbers_are_values(
    watch: Watch, station: ChargePoint, value: str, stored: dict[str, float]
) -> None:
    alarm(value=value)
    watch.after(30)

    assert [one.values for one in alerts()] == [stored]
