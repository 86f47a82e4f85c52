"""Remote starts that fail, tokens that are tried out, updates of firmware that fail."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from alerts.services import conditions
from chargepoints.models import Campaign, CampaignStation, ChargePoint, Command, FirmwareUpdate
from tests.unit.alerts.conftest import NOON, Watch, a_station, alerts, change_rule
from transactions.models import Refusal, RemoteStart

_numbers = count(1)


# -- remote starts -------------------------------------------------------------------------------------------


def starts(station: ChargePoint, *outcomes: str, evse: int | None = 1, minutes: float = 0) -> None:
    at = NOON + timedelta(minutes=minutes)
    for outcome in outcomes:
        command = Command.objects.create(
            id=f"c{next(_numbers)}",
            charge_point=station,
            action="RemoteStartTransaction",
            payload={},
            created_at=at,
            deadline_at=at,
        )
        RemoteStart.objects.create(
            command=command,
            charge_point=station,
            evse_number=evse,
            id_token="ALICE",
            outcome=outcome,
            created_at=at,
            expires_at=at,
        )


def test_three_remote_starts_in_a_row_that_fail(watch: Watch) -> None:
    row = a_station()
    starts(row, "nothing", "started", "refused", "nothing")
    watch.look()
    assert alerts() == []
    starts(row, "nothing")
    watch.after(60)

    (alert,) = alerts()
    assert (alert.key, alert.severity, alert.evse_number) == ("start_failed:CP-7:1", "warning", 1)
    assert alert.title == "3 remote starts in a row failed at connector 1 of CP-7"
    assert alert.detail == "1 rejected by the station, 2 without a session."
    starts(row, "started")
    watch.after(120)
    assert alerts()[0].state == "resolved"


def test_connectors_and_starts_without_one_are_counted_apart(watch: Watch) -> None:
    row = a_station()
    starts(row, "refused", "refused")
    starts(row, "refused", "refused", evse=2)
    starts(row, "refused", "refused", "refused", evse=None)
    watch.look()

    assert [(one.key, one.title) for one in alerts()] == [
        ("start_failed:CP-7", "3 remote starts in a row failed at CP-7")
    ]


def test_remote_starts_of_yesterday_do_not_count(watch: Watch) -> None:
    starts(a_station(), "refused", "refused", "refused", minutes=-23 * 60)
    watch.look()
    assert len(alerts()) == 1
    watch.after(3660)
    watch.after(60)

    assert alerts()[0].state == "resolved"


def test_the_newest_remote_starts_are_read(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conditions.starts, "_MOST_STARTS", 4)
    row = a_station()
    starts(row, "started", "started", "nothing", "refused", "nothing")
    watch.look()
    assert [one.values["last"] for one in alerts()] == [3]
    starts(row, "started")
    watch.after(120)
    assert [one.state for one in alerts()] == ["open"]
    monkeypatch.setattr(conditions.starts, "_MOST_STARTS", 100)
    watch.after(120)

    assert [one.state for one in alerts()] == ["resolved"]


# -- tokens --------------------------------------------------------------------------------------------------


def presented(station: ChargePoint, *uids: str, seconds: float = 0, status: str = "Unknown") -> None:
    at = NOON + timedelta(seconds=seconds)
    about: dict[str, Any] = {"charge_point": station, "purpose": "authorize", "status": status, "at": at}
    for uid in uids:
        Refusal.objects.create(id_token=uid, reason="Unknown token.", **about)


def test_ten_different_unknown_tokens_in_ten_minutes(watch: Watch) -> None:
    row, other = a_station(), a_station("CP-8")
    presented(row, *(f"TOKEN{number}" for number in range(9)), "token8", "TOKEN8")
    presented(row, "BLOCKED", status="Blocked")
    presented(other, "A", "B")
    watch.look()
    assert alerts() == []
    presented(row, "TOKEN9")
    watch.after(30)

    (alert,) = alerts()
    assert (alert.key, alert.severity) == ("token_guessing:CP-7", "critical")
    assert alert.title == "10 different unknown tokens at CP-7 in 10 minutes"
    assert "TOKEN" not in alert.detail
    watch.after(600)
    watch.after(3500)
    assert alerts()[0].state == "open"
    watch.after(200)
    assert alerts()[0].state == "resolved"


def test_a_shorter_time_of_a_rule_counts(watch: Watch) -> None:
    change_rule("token_guessing", parameters={"tokens": 3, "within_s": 60})
    row = a_station()
    presented(row, "A", "B", seconds=-70)
    presented(row, "C", "D", seconds=-10)
    watch.look()
    assert alerts() == []
    presented(row, "A")
    watch.look()

    assert [one.values["last"] for one in alerts()] == [3]


def test_the_newest_refusals_are_read(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conditions.tokens, "_MOST_REFUSALS", 10)
    change_rule("token_guessing", keep_for_s=0)
    row = a_station()
    presented(row, *["TOKEN0"] * 20, seconds=-60)
    presented(row, *(f"TOKEN{number}" for number in range(10)))
    watch.look()
    assert [one.values["last"] for one in alerts()] == [10]
    presented(row, *["TOKEN0"] * 10, seconds=30)
    watch.after(60)

    assert [one.state for one in alerts()] == ["open"]


# -- firmware ------------------------------------------------------------------------------------------------


def updated(
    station: ChargePoint, state: str, campaign: Campaign | None = None, **columns: Any
) -> FirmwareUpdate:
    usual = {
        "action": "UpdateFirmware",
        "version": "2.0",
        "fault": "The station could not install the file (InstallationFailed).",
        "retrieve_at": NOON,
        "created_at": NOON,
        "updated_at": NOON,
        "finished_at": None if state == "installing" else NOON,
    }
    return FirmwareUpdate.objects.create(
        charge_point=station, campaign=campaign, state=state, **(usual | columns)
    )


def a_campaign(*states: str, **columns: Any) -> Campaign:
    campaign = Campaign.objects.create(
        name="Update", kind="firmware", arguments={}, deadline_at=NOON, **columns
    )
    for number, state in enumerate(states):
        station = ChargePoint.objects.create(identity=f"OF-{campaign.pk}-{number}")
        CampaignStation.objects.create(campaign=campaign, charge_point=station, state=state, not_before=NOON)
    return campaign


@pytest.mark.parametrize("state", ["failed", "silent"])
def test_an_update_that_has_failed_until_one_is_installed(watch: Watch, state: str) -> None:
    row = a_station()
    updated(row, "failed", fault="Earlier.")
    updated(row, state)
    updated(a_station("CP-8"), "rejected")
    watch.look()

    (alert,) = alerts()
    assert (alert.key, alert.severity) == ("firmware_failed::CP-7", "warning")
    assert alert.title == "The update of CP-7 to 2.0 failed"
    assert alert.detail == "The station could not install the file (InstallationFailed)."
    again = updated(row, "installing")
    watch.after(60)
    assert alerts()[0].state == "open"
    FirmwareUpdate.objects.filter(pk=again.pk).update(state="installed", finished_at=NOON)
    watch.after(120)
    assert [one.state for one in alerts()] == ["resolved"]


def test_a_station_that_has_the_version_after_all(watch: Watch) -> None:
    updated(a_station(firmware_version=" 2.0"), "silent")
    updated(a_station("CP-8"), "silent", version="")
    watch.look()

    assert [one.title for one in alerts()] == ["The update of CP-8 to another firmware failed"]


def test_updates_of_the_week_before_do_not_count(watch: Watch) -> None:
    updated(a_station(), "failed", finished_at=NOON - timedelta(days=8))
    watch.look()

    assert alerts() == []


def test_a_fifth_of_a_campaign_is_critical_and_its_alert_explains_the_others(watch: Watch) -> None:
    few = a_campaign("failed", *["waiting"] * 9)
    many = a_campaign("failed", "failed", *["waiting"] * 8, state="paused", pause_reason="Too many.")
    updated(a_station("CP-1"), "failed", few)
    updated(a_station("CP-2"), "failed", many)
    watch.look()

    of = {one.key: one for one in alerts()}
    alone, explained = of[f"firmware_failed:{few.pk}:CP-1"], of[f"firmware_failed:{many.pk}:CP-2"]
    assert (alone.severity, alone.suppression) == ("warning", "")
    assert (explained.severity, explained.suppression) == ("critical", "inhibited")
    assert explained.inhibited_by == of[f"campaign_failed:{many.pk}"]
