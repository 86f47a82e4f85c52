"""Conditions about configurations, local lists, charging profiles and commands."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from alerts.services.conditions import desired
from chargepoints.models import ChargePoint, Command
from configuration.models import DesiredValue, LocalList
from smart_charging.models import InstalledProfile
from tests.unit.alerts.conftest import NOON, Watch, a_station, alerts, change_rule, comes_online, goes_offline

HALF_AN_HOUR = 30 * 60


def titles(code: str) -> list[str]:
    return [one.title for one in alerts(code)]


def a_value(station: ChargePoint, key: str, state: str) -> DesiredValue:
    return DesiredValue.objects.create(charge_point=station, key=key, value="30", state=state)


def test_values_that_differ_are_one_alert_of_the_station(watch: Watch) -> None:
    row = a_station()
    for key, state in (
        ("MeterValueSampleInterval", "differs"),
        ("ConnectionTimeOut", "refused"),
        ("HeartbeatInterval", "same"),
        ("ResetRetries", "pending-reboot"),
        ("StopTxnAlignedData", "not-reported"),
    ):
        a_value(row, key, state)
    watch.after(HALF_AN_HOUR - 60)
    assert alerts() == []
    watch.after(120)

    (alert,) = alerts()
    assert (alert.key, alert.severity, alert.charge_point_id) == ("configuration_drift:CP-7", "info", row.pk)
    assert alert.title == "2 values of CP-7 not as desired"
    assert alert.detail == "ConnectionTimeOut, MeterValueSampleInterval."
    DesiredValue.objects.update(state="same")
    watch.after(120)
    assert alerts()[0].state == "resolved"


def test_a_value_that_is_set_within_half_an_hour_is_no_alert(watch: Watch) -> None:
    value = a_value(a_station(), "HeartbeatInterval", "differs")
    watch.after(HALF_AN_HOUR - 120)
    DesiredValue.objects.filter(pk=value.pk).update(state="same")
    watch.after(600)

    assert alerts() == []


@pytest.mark.parametrize("columns", [{"is_online": False}, {"registration_status": "Rejected"}])
def test_stations_offline_or_rejected_open_no_alert(watch: Watch, columns: dict[str, Any]) -> None:
    change_rule("offline", is_enabled=False)
    a_value(a_station(**columns), "HeartbeatInterval", "differs")
    watch.after(2 * HALF_AN_HOUR)

    assert alerts() == []


def test_an_alert_stays_while_its_station_is_offline(watch: Watch) -> None:
    row = a_station()
    a_value(row, "HeartbeatInterval", "differs")
    watch.after(HALF_AN_HOUR)
    goes_offline(row)
    watch.after(600)

    (alert,) = alerts("configuration_drift")
    assert (alert.state, alert.suppression) == ("open", "inhibited")
    comes_online(row)
    watch.after(600)
    watch.after(600)
    alert.refresh_from_db()
    assert (alert.state, alert.suppression, alert.episode) == ("open", "", 1)


@pytest.mark.parametrize(
    ("state", "is_alert"),
    [
        ("failed", True),
        ("due", True),
        ("sending", True),
        ("in_sync", False),
        ("unknown", False),
        ("unsupported", False),
    ],
)
def test_a_local_list_that_is_behind(watch: Watch, state: str, is_alert: bool) -> None:
    LocalList.objects.create(
        charge_point=a_station(), state=state, reason="The station is busy.", synced_at=NOON
    )
    watch.after(HALF_AN_HOUR)

    found = [(one.key, one.title, one.detail) for one in alerts()]
    assert found == [
        (
            "local_list_behind:CP-7",
            "The local list of CP-7 is not up to date",
            "The station is busy.\nLast up to date at 12:00 UTC.",
        )
    ] * int(is_alert)


def a_profile(station: ChargePoint, profile: int = 7, **columns: Any) -> InstalledProfile:
    usual = {
        "evse_number": 0,
        "purpose": "ChargingStationMaxProfile",
        "stack_level": 0,
        "kind": "Absolute",
        "payload": {},
        "installed_at": NOON,
    }
    return InstalledProfile.objects.create(charge_point=station, profile_id=profile, **(usual | columns))


def test_a_profile_that_a_boot_may_have_lost(watch: Watch) -> None:
    row = a_station()
    a_profile(row, state="unverified")
    a_profile(row, 8, state="installed")
    a_profile(row, 9, state="unverified", source="EMS")
    watch.after(HALF_AN_HOUR)

    (alert,) = alerts()
    assert (alert.key, alert.title, alert.detail) == (
        "profile_unconfirmed:CP-7",
        "1 charging profile of CP-7 not confirmed",
        "ChargingStationMaxProfile 7: unknown since the last boot.",
    )
    InstalledProfile.objects.filter(state="unverified").update(state="replaced", ended_at=NOON)
    watch.after(120)
    assert alerts()[0].state == "resolved"


def a_command(station: ChargePoint, number: int, *, at: datetime = NOON, **columns: Any) -> Command:
    usual = {"action": "Reset", "payload": {}, "state": "timeout", "deadline_at": at + timedelta(seconds=30)}
    return Command.objects.create(
        id=f"{station.pk}-{number}", charge_point=station, created_at=at, **(usual | columns)
    )


def a_profile_sent(station: ChargePoint, number: int, *, profile: int = 7, **columns: Any) -> Command:
    payload = {"connectorId": 0, "csChargingProfiles": {"chargingProfileId": profile}}
    return a_command(station, number, **({"action": "SetChargingProfile", "payload": payload} | columns))


def test_a_profile_without_an_answer(watch: Watch) -> None:
    a_profile_sent(a_station(), 1)
    watch.after(HALF_AN_HOUR)

    (alert,) = alerts()
    assert alert.key == "profile_unconfirmed:CP-7"
    assert alert.detail == "Profile 7: no answer to SetChargingProfile at 12:00 UTC."
    watch.after(86_400)
    assert alerts()[0].state == "resolved"


LATER = {"at": NOON + timedelta(minutes=1), "state": "accepted"}


@pytest.mark.parametrize(
    ("later", "is_alert"),
    [
        ({"profile": 7}, False),
        ({"profile": 8}, True),
        ({"profile": 7, "state": "rejected"}, True),
        ({"action": "ClearChargingProfile", "payload": {}}, False),
        ({"payload": {"chargingProfile": {"id": 7}}}, False),
    ],
)
def test_the_last_answer_about_a_profile_counts(watch: Watch, later: dict[str, Any], is_alert: bool) -> None:
    row = a_station()
    a_profile_sent(row, 1)
    a_profile_sent(row, 2, **(LATER | later))
    watch.after(HALF_AN_HOUR)

    assert len(alerts()) == int(is_alert)


def test_a_profile_that_the_station_reports_is_confirmed(watch: Watch) -> None:
    row = a_station()
    a_profile_sent(row, 1)
    a_profile(row, confirmed_at=LATER["at"])
    watch.after(HALF_AN_HOUR)

    assert alerts() == []


def test_answers_are_read_from_the_newest_back(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desired, "_MOST", 3)
    old, recent = a_station("CP-1"), a_station("CP-2")
    a_profile_sent(old, 1)
    a_profile_sent(old, 2, profile=7, **LATER)
    a_profile_sent(recent, 3, at=NOON + timedelta(minutes=9))
    for number in range(4, 8):
        a_profile_sent(old, number, profile=8, at=NOON + timedelta(minutes=number), state="accepted")
    watch.after(HALF_AN_HOUR)

    assert [one.station for one in alerts()] == ["CP-2"]
    Command.objects.filter(charge_point=recent).update(state="accepted")
    watch.after(120)
    assert [(one.station, one.state) for one in alerts()] == [("CP-2", "open")]
    monkeypatch.setattr(desired, "_MOST", 100)
    watch.after(120)
    assert [(one.station, one.state) for one in alerts()] == [("CP-2", "resolved")]


@pytest.mark.parametrize(
    ("timeouts", "answered", "is_alert"), [(5, 44, True), (5, 45, False), (4, 0, False), (6, 0, True)]
)
def test_commands_without_an_answer(watch: Watch, timeouts: int, answered: int, is_alert: bool) -> None:
    row = a_station()
    for number in range(timeouts + answered):
        a_command(row, number, state=("timeout", "late")[number % 2] if number < timeouts else "accepted")
    other = a_station("CP-8")
    for number in range(20):
        a_command(other, number, state="disconnected")
    watch.look()

    total = timeouts + answered
    assert titles("command_failures") == (
        [f"CP-7 left {timeouts} of {total} commands without an answer in 1 hour"] if is_alert else []
    )
    watch.after(3700)
    assert {one.state for one in alerts("command_failures")} <= {"resolved"}


def test_a_rule_of_a_station_has_its_own_time(watch: Watch) -> None:
    change_rule("command_failures", parameters={"within_s": 86_400})
    for number in range(5):
        a_command(a_station() if not number else ChargePoint.objects.get(), number)
    watch.after(7200)

    assert [one.state for one in alerts("command_failures")] == ["open"]
