"""Stations that are connected and send nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from chargepoints.models import ChargePoint
from tests.unit.alerts import conftest
from tests.unit.alerts.conftest import NOON, Watch, alerts, change_rule, goes_offline


@pytest.fixture(autouse=True)
def usual(settings: Settings) -> None:
    settings.OCPP_HEARTBEAT_INTERVAL, settings.OCPP_PING_INTERVAL = 300, 30


def a_station(**columns: Any) -> ChargePoint:
    return conftest.a_station(**({"heartbeat_interval": 0} | columns))


def test_three_heartbeat_intervals_without_a_message(watch: Watch) -> None:
    a_station()
    watch.after(890)
    assert alerts() == []
    watch.after(20)

    (alert,) = alerts()
    assert (alert.key, alert.severity) == ("silent:CP-7", "warning")
    assert alert.title == "CP-7 is connected and has sent nothing since 12:00 UTC"
    assert alert.detail == "Its heartbeat interval is 5 minutes."
    ChargePoint.objects.update(last_seen_at=watch.now)
    watch.after(30)
    assert alerts()[0].state == "resolved"


@pytest.mark.parametrize(
    ("interval", "quiet_s", "is_silent"),
    [
        (60, 200, True),
        (60, 170, False),
        (3600, 10_000, False),
        (3600, 11_000, True),
        (5, 60, False),
        (5, 95, True),
    ],
)
def test_the_interval_of_the_station_counts_but_not_less_than_the_pings(
    watch: Watch, interval: int, quiet_s: int, is_silent: bool
) -> None:
    a_station(heartbeat_interval=interval, last_seen_at=NOON - timedelta(seconds=quiet_s))
    watch.look()

    assert len(alerts()) == is_silent


def test_a_limit_of_a_rule_counts(watch: Watch) -> None:
    change_rule("silent", parameters={"intervals": 10})
    a_station(last_seen_at=NOON - timedelta(seconds=2990))
    watch.look()
    assert alerts() == []
    watch.after(20)

    assert [one.code for one in alerts()] == ["silent"]


def test_a_silent_station_that_goes_offline_is_one_alert(watch: Watch) -> None:
    row = a_station(last_seen_at=NOON - timedelta(seconds=1000))
    watch.look()
    goes_offline(row)
    watch.after(360)

    assert [(one.code, one.state) for one in alerts()] == [("silent", "resolved"), ("offline", "open")]


def test_stations_that_wait_for_an_operator_are_left_out(watch: Watch) -> None:
    a_station(registration_status="Pending", last_seen_at=NOON - timedelta(hours=3))
    watch.look()

    assert alerts() == []
