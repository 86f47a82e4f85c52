"""Conditions about sessions, campaigns and the server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alerts import docs
from alerts.services.conditions import installation
from certificates.models import TrustRoot
from chargepoints.models import Campaign, CampaignStation, ChargePoint, Connector
from ocpp_server.transport.queue.depth import Depth
from tests.unit.alerts.conftest import NOON, Watch, a_station, alerts, change_rule
from transactions.models import QuarantinedMessage, Transaction


def a_session(station: ChargePoint, number: int = 4712, **columns: Any) -> Transaction:
    usual = {
        "ocpp_id": str(number),
        "evse_number": 1,
        "connector_number": 1,
        "started_at": NOON,
        "start_received_at": NOON,
        "last_message_at": NOON,
        "updated_at": NOON,
    }
    return Transaction.objects.create(id=number, charge_point=station, **(usual | columns))


def test_a_session_of_a_day(watch: Watch) -> None:
    row = a_session(a_station(), energy_wh=9000)
    watch.after(86_300)
    assert alerts() == []
    watch.after(240)

    (alert,) = alerts()
    assert (alert.key, alert.transaction_id) == ("session_long:4712", row.pk)
    assert alert.title == "Session 4712 at CP-7 has been active since 2026-05-04 12:00 UTC"
    Transaction.objects.update(status="ended")
    watch.after(120)
    assert alerts()[0].state == "resolved"


@pytest.mark.parametrize(
    ("charging_state", "connector", "is_alert"),
    [
        ("", "Charging", True),
        ("Charging", "Occupied", True),
        ("SuspendedEV", "Occupied", False),
        ("", "SuspendedEV", False),
    ],
)
def test_a_session_that_charges_without_energy(
    watch: Watch, charging_state: str, connector: str, is_alert: bool
) -> None:
    a_session(a_station(), charging_state=charging_state, energy_wh=99)
    Connector.objects.update(status=connector)
    watch.after(840)
    assert alerts() == []
    watch.after(120)

    assert [one.title for one in alerts()] == (
        ["Session 4712 at CP-7 has drawn no energy since 12:00 UTC"] if is_alert else []
    )


def test_suspect_sessions_are_open_until_they_are_settled(watch: Watch) -> None:
    station = a_station()
    ended = {"status": "ended", "stopped_at": NOON, "suspect": True}
    a_session(station, 1000, suspect_reasons=["meter-reset"], **ended)
    a_session(station, 1001, suspect_reasons=["charged-unauthorized: Blocked"], **ended)
    watch.after(30)

    found = {(one.code, one.transaction_id, one.severity) for one in alerts()}
    assert found == {("session_suspect", 1000, "info"), ("unauthorized_energy", 1001, "critical")}
    Transaction.objects.update(suspect=False)
    watch.after(120)
    assert {one.state for one in alerts()} == {"resolved"}


def test_the_quarantine_of_a_station_is_one_alert(watch: Watch) -> None:
    station = a_station()
    for _ in range(3):
        QuarantinedMessage.objects.create(
            charge_point=station,
            action="StopTransaction",
            reason="bad-message",
            payload="{}",
            received_at=NOON,
        )
    watch.after(30)

    (alert,) = alerts()
    assert (alert.key, alert.title) == ("quarantine:CP-7", "3 messages of CP-7 in quarantine")
    QuarantinedMessage.objects.update(resolved_at=NOON)
    watch.after(120)
    assert alerts()[0].state == "resolved"


def test_a_campaign_with_failures(watch: Watch) -> None:
    campaign = Campaign.objects.create(
        name="Update", kind="command", arguments={}, deadline_at=NOON, state="finished", finished_at=NOON
    )
    for number in range(10):
        CampaignStation.objects.create(
            campaign=campaign,
            charge_point=a_station(f"CP-{number}"),
            state="failed" if number == 0 else "done",
            not_before=NOON,
        )
    watch.after(30)

    (alert,) = alerts()
    assert (alert.title, alert.severity) == ("Campaign Update failed at 1 station", "warning")
    CampaignStation.objects.filter(charge_point__identity="CP-1").update(state="failed")
    Campaign.objects.update(state="paused", pause_reason="Too many.", finished_at=None)
    watch.after(60)
    alert.refresh_from_db()
    assert (alert.title, alert.severity, alert.detail) == (
        "Campaign Update failed at 2 stations and is paused",
        "critical",
        "Too many.",
    )
    Campaign.objects.update(state="running", pause_reason="")
    watch.after(60)
    assert alerts()[0].state == "resolved"


def test_a_root_that_ends_soon(watch: Watch) -> None:
    watch.now = datetime.now(UTC)  # the list of certificates compares with this clock
    root = TrustRoot.objects.create(
        name="R",
        kind="csms",
        certificate="-",
        sha256="1",
        subject="CN=Root",
        not_before=NOON,
        not_after=watch.now + timedelta(days=20, hours=1),
    )
    watch.look()

    (alert,) = alerts()
    assert (alert.key, alert.severity) == (f"certificate:root:{root.pk}", "warning")
    assert alert.title == "The certificate CN=Root ends in 20 days"
    TrustRoot.objects.update(not_after=watch.now + timedelta(days=6, hours=1))
    watch.after(600)
    assert [(one.severity, one.title) for one in alerts()] == [
        ("critical", "The certificate CN=Root ends in 6 days")
    ]
    TrustRoot.objects.update(is_enabled=False)
    watch.after(600)
    assert alerts()[0].state == "resolved"


def test_a_disk_that_is_almost_full(watch: Watch, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    usage = {"free": 5.0 * 1024**3}

    def of(path: Any) -> Any:
        return type("usage", (), {"free": usage["free"], "total": 100 * 1024**3})

    monkeypatch.setattr("alerts.services.conditions.installation.shutil.disk_usage", of)
    watch.look()
    (alert,) = alerts()
    assert (alert.key, alert.severity) == ("disk:data", "warning")
    assert alert.title.startswith("Only 5.0 GiB (5 %) of the disk")
    usage["free"] = 2.0 * 1024**3
    watch.after(60)
    assert alerts()[0].severity == "critical"
    usage["free"] = 50.0 * 1024**3
    watch.after(60)
    assert alerts()[0].state == "resolved"


def test_a_queue_that_waits(watch: Watch, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    depth = Depth(stations=3, messages=1200, oldest_s=75.0, dead=2, gateways=1, processors=2, calls=0)
    settings.REDIS_DISTRIBUTED_STATE = True
    monkeypatch.setattr(installation, "read_depth", lambda within: depth)
    watch.after(120)

    found = {one.code: (one.title, one.detail) for one in alerts()}
    assert found == {
        "queue": ("A message has waited for 1 minute in the queue", "1,200 messages, 2 processors."),
        "dead_letters": ("2 messages could not be handled", ""),
    }

    def away(within: float) -> Depth:
        raise OSError("refused")

    monkeypatch.setattr(installation, "read_depth", away)
    watch.after(120)
    assert {one.state for one in alerts()} == {"open"}


def test_a_disabled_rule_asks_nothing(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    change_rule("disk", is_enabled=False)
    monkeypatch.setattr(installation.shutil, "disk_usage", lambda path: 1 / 0)

    watch.look()


def test_the_page_has_every_code() -> None:
    assert docs.PAGE.read_text() == docs.page()
