"""Conditions about stations and connectors."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from alerts.models import Alert
from chargepoints.models import ChargePoint, Connector, RefusedConnection
from events.models import Event
from ocpp_server.events import outbox
from ocpp_server.events.catalogue import stations as events
from tests.unit.alerts.conftest import NOON, Watch, a_station, alerts, change_rule, comes_online, goes_offline


def connector(**columns: Any) -> None:
    Connector.objects.update(**columns)


def test_a_fault_opens_after_two_minutes_and_resolves_with_the_status(watch: Watch) -> None:
    a_station()
    connector(status="Faulted", error_code="GroundFailure", info="<b>RCD</b>", vendor_error_code="E17")
    watch.after(240)

    (alert,) = alerts()
    assert (alert.key, alert.title) == (
        "faulted:CP-7:1:1",
        "Connector 1 of CP-7 is faulted: GroundFailure",
    )
    assert alert.detail == "The station says: <b>RCD</b>\nCode of the vendor: E17"
    assert (alert.evse_number, alert.connector_number) == (1, 1)
    connector(status="Available")
    watch.after(120)

    assert alerts()[0].state == "resolved"


def test_faulted_and_back_within_90_seconds_is_nothing(watch: Watch) -> None:
    a_station()
    connector(status="Faulted", error_code="GroundFailure")
    watch.after(90)
    connector(status="Available")
    watch.after(120)

    assert alerts() == []


def test_a_fault_without_an_error_waits_for_ten_minutes(watch: Watch) -> None:
    a_station()
    connector(status="Faulted", error_code="NoError")
    watch.look()
    watch.after(570)
    assert alerts() == []
    watch.after(60)

    assert [one.title for one in alerts()] == ["Connector 1 of CP-7 is faulted"]


def test_a_station_as_a_whole_is_faulted(watch: Watch) -> None:
    a_station(status="Faulted", error_code="PowerMeterFailure", status_info="L2")
    watch.after(240)

    (alert,) = alerts()
    assert (alert.key, alert.title) == ("faulted:CP-7", "CP-7 is faulted: PowerMeterFailure")


def test_a_faulted_station_that_goes_offline_is_one_alert(watch: Watch) -> None:
    row = a_station()
    connector(status="Faulted", error_code="GroundFailure")
    watch.after(240)
    goes_offline(row, at=NOON)
    watch.after(420)

    assert [(one.code, one.state) for one in alerts()] == [("faulted", "resolved"), ("offline", "open")]


def test_unavailable_counts_only_where_no_operator_did_it(watch: Watch) -> None:
    a_station()
    connector(status="Unavailable", availability="Inoperative")
    watch.after(1800)
    assert alerts() == []
    connector(availability="Operative")
    watch.after(1800)

    assert [one.title for one in alerts()] == ["Connector 1 of CP-7 is unavailable"]


def test_a_connector_in_preparing_for_half_an_hour(watch: Watch) -> None:
    a_station()
    connector(status="Preparing", status_received_at=NOON)
    watch.after(1790)
    assert alerts() == []
    watch.after(30)

    assert [one.title for one in alerts()] == ["Connector 1 of CP-7 has been Preparing since 12:00 UTC"]


def test_a_clock_that_is_wrong(watch: Watch) -> None:
    a_station(clock_skew_s=-840.0)
    a_station("CP-8", clock_skew_s=45.0)
    watch.after(420)

    (alert,) = alerts()
    assert (alert.title, alert.severity) == ("The clock of CP-7 is 14 minutes behind", "critical")
    assert alert.values == {"first": -840.0, "last": -840.0, "max": -840.0}
    ChargePoint.objects.update(clock_skew_s=2.0)
    watch.after(60)
    assert alerts()[0].state == "resolved"


def test_flapping_is_one_alert_and_no_offline(watch: Watch) -> None:
    row = a_station()
    for _ in range(7):
        goes_offline(row, at=watch.now)
        watch.after(35)
        ChargePoint.objects.filter(pk=row.pk).update(is_online=True, connected_at=watch.now)
        watch.after(35)
    (alert,) = alerts()
    assert (alert.key, alert.title) == ("flapping:CP-7", "CP-7 connected 6 times in 30 minutes")

    goes_offline(row, at=watch.now)
    watch.after(420)
    (offline,) = alerts("offline")
    assert (offline.suppression, offline.inhibited_by_id) == ("inhibited", alert.pk)
    comes_online(row)
    watch.after(2400)
    alert.refresh_from_db()
    assert alert.state == "resolved"


def booted(times: int, status: str = "Accepted") -> None:
    for _ in range(times):
        data = dict(events.BOOTED.example, registrationStatus=status)
        outbox.emit(events.BOOTED, station="CP-7", **data)
    Event.objects.update(at=NOON)


def test_four_boots_in_half_an_hour_are_a_boot_loop(watch: Watch) -> None:
    a_station()
    watch.look()
    booted(3)
    booted(4, "Pending")
    watch.after(60)
    assert alerts() == []
    booted(1)
    watch.after(60)

    (alert,) = alerts()
    assert (alert.title, alert.severity) == ("CP-7 restarted 4 times in 30 minutes", "critical")
    watch.after(3000)
    assert alerts()[0].state == "open"
    watch.after(3900)
    assert alerts()[0].state == "resolved"


def test_boots_before_a_restart_of_the_server_count_too(watch: Watch) -> None:
    a_station()
    watch.look()
    booted(3)
    watch.after(60)
    watch.restart()
    booted(1)
    watch.after(60)

    assert [one.code for one in alerts()] == ["boot_loop"]


def refused(count: int, at_s: float, watch: Watch) -> None:
    RefusedConnection.objects.update_or_create(
        identity="CP-9", path="/CP-9", defaults={"code": 401, "reason": "Wrong password.", "count": count,
        "at": watch.now + timedelta(seconds=at_s)}
    )  # fmt: skip


def test_more_than_twenty_refusals_in_ten_minutes(watch: Watch) -> None:
    refused(500, 0, watch)
    watch.look()
    refused(520, 30, watch)
    watch.after(60)
    assert alerts() == []
    refused(521, 30, watch)
    watch.after(60)

    (alert,) = alerts()
    assert (alert.key, alert.station) == ("refused_connections:CP-9", "CP-9")
    assert alert.title == "CP-9 was refused 21 times in 10 minutes"
    watch.after(1200)
    assert alerts()[0].state == "open"
    watch.after(1800)
    assert alerts()[0].state == "resolved"


@pytest.mark.parametrize(
    ("type", "critical", "code"),
    [
        ("TamperDetectionActivated", True, "security_event"),
        ("DuplicateIdentity", False, "duplicate_identity"),
        ("StartupOfTheDevice", False, ""),
    ],
)
def test_security_events(watch: Watch, type: str, critical: bool, code: str) -> None:
    row = a_station()
    watch.look()
    for _ in range(2):
        data = dict(events.SECURITY.example, eventType=type, critical=critical)
        outbox.emit(events.SECURITY, station="CP-7", **data)
    watch.after(30)
    watch.after(30)

    found = [(one.code, one.charge_point_id, one.count, one.severity) for one in alerts()]
    assert found == ([(code, row.pk, 2, "critical")] if code else [])


def test_a_security_event_is_judged_once_over_a_restart(watch: Watch) -> None:
    a_station()
    watch.look()
    outbox.emit(events.SECURITY, station="CP-7", **events.SECURITY.example)
    watch.after(30)
    Alert.objects.update(state="resolved", resolved_at=watch.now, resolution="fixed")
    watch.restart()
    watch.after(60)

    assert [one.state for one in alerts()] == ["resolved"]


def test_events_before_the_first_evaluation_open_nothing(watch: Watch) -> None:
    a_station()
    outbox.emit(events.SECURITY, station="CP-7", **events.SECURITY.example)
    watch.after(60)

    assert alerts() == []


def test_a_limit_of_a_rule_counts(watch: Watch) -> None:
    change_rule("flapping", parameters={"times": 3, "within_s": 1800})
    row = a_station()
    watch.look()
    for _ in range(3):
        watch.after(60)
        ChargePoint.objects.filter(pk=row.pk).update(connected_at=watch.now)
    watch.after(60)

    assert [one.code for one in alerts()] == ["flapping"]
