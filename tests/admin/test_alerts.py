"""Alerts and their rules in the admin."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from alerts.models import Alert, AlertRule
from chargepoints.models import ChargePoint, Site
from tests.admin.rows import NOON

LIST = "admin:alerts_alert_changelist"


def an_alert(station: ChargePoint, **columns: Any) -> Alert:
    usual = {
        "code": "offline",
        "key": "offline:CP-1",
        "station": station.identity,
        "charge_point": station,
        "severity": "warning",
        "title": "CP-1 has been offline since 12:00 UTC",
        "opened_at": NOON,
        "last_seen_at": NOON,
    }
    return Alert.objects.create(**(usual | columns))


def test_the_bell_counts_what_needs_attention(viewer: Client, station: ChargePoint) -> None:
    an_alert(station)
    an_alert(station, key="faulted:CP-1", severity="critical")
    an_alert(station, key="clock_offset:CP-1", suppression="inhibited")
    an_alert(station, key="disk:data", state="resolved", resolved_at=NOON)

    for page in ("admin:index", LIST, "admin:accounts_person_changelist"):
        assert "2 open alerts" in viewer.get(reverse(page)).content.decode()
    assert viewer.get("/admin/live/").json()["values"]["alerts"]["text"] == "2"


def test_the_page_of_the_station_shows_its_alerts(viewer: Client, station: ChargePoint) -> None:
    alert = an_alert(station)

    (row,) = viewer.get(reverse("admin:station-live", args=[station.pk])).json()["tables"]["alerts"]

    assert row[1]["text"] == alert.title
    assert viewer.get(row[1]["href"]).status_code == 200


def test_an_operator_acknowledges_notes_and_resolves(operator: Client, station: ChargePoint) -> None:
    alert = an_alert(station)
    handle = reverse("admin:alert-handle", args=[alert.pk])
    page = reverse("admin:alerts_alert_change", args=[alert.pk])
    assert handle in operator.get(page).content.decode()

    for what in ("acknowledge", "snooze", "note", "assign", "resolve"):
        answer = operator.post(
            handle, {"what": what, "text": "Fuse", "hours": "8", "resolution": "fixed"}, follow=True
        )
        assert "Saved." in answer.content.decode(), what

    alert.refresh_from_db()
    assert (alert.state, alert.acknowledged_by, alert.resolved_by) == ("resolved", "operator", "operator")
    assert alert.notes.filter(text="Fuse").count() == 3
    again = operator.post(handle, {"what": "resolve", "resolution": "fixed"}, follow=True)
    assert "is resolved" in again.content.decode()
    assert "Select a valid choice" in operator.post(handle, {"what": "x"}, follow=True).content.decode()


def test_many_alerts_are_handled_at_once(operator: Client, station: ChargePoint) -> None:
    keys = [an_alert(station, key=str(number)).pk for number in range(3)]

    for action in ("acknowledge_selected", "snooze_selected", "resolve_selected"):
        operator.post(reverse(LIST), {"action": action, "_selected_action": keys})

    assert {alert.state for alert in Alert.objects.all()} == {"resolved"}
    assert all(alert.snoozed_until and alert.acknowledged_at for alert in Alert.objects.all())


def test_a_viewer_reads_only(viewer: Client, station: ChargePoint) -> None:
    alert = an_alert(station)
    handle = reverse("admin:alert-handle", args=[alert.pk])

    assert handle not in viewer.get(reverse("admin:alerts_alert_change", args=[alert.pk])).content.decode()
    assert viewer.post(handle, {"what": "acknowledge"}).status_code == 403
    rule = AlertRule.objects.get(code="offline")
    assert viewer.post(reverse("admin:alert-rule-reset", args=[rule.pk])).status_code == 403


@pytest.mark.parametrize("code", ["offline", "flapping", "disk", "security_event"])
def test_the_limits_of_a_rule_are_fields(administrator: Client, code: str) -> None:
    rule = AlertRule.objects.get(code=code)
    page = reverse("admin:alerts_alertrule_change", args=[rule.pk])
    form = administrator.get(page).context["adminform"].form
    given = {name: value for name, value in form.initial.items() if value is not None}
    limits = {name: 70 for name in form.fields if name.startswith("limit_")}
    given |= limits

    answer = administrator.post(page, {**given, "severity": "info", "for_s": 7, "is_enabled": ""})

    assert answer.status_code == 302, answer.context["errors"]
    rule.refresh_from_db()
    assert (rule.severity, rule.for_s, rule.is_enabled) == ("info", 7, False)
    assert list(rule.parameters.values()) == [70] * len(limits)
    assert rule.updated_by == "administrator"
    administrator.post(reverse("admin:alert-rule-reset", args=[rule.pk]))
    rule.refresh_from_db()
    assert rule.is_enabled


def test_a_copy_for_a_site_can_be_deleted_and_the_rule_for_all_cannot(administrator: Client) -> None:
    site = Site.objects.create(name="Depot")
    add = reverse("admin:alerts_alertrule_add")

    assert administrator.post(add, {"code": "offline", "site": site.pk}).status_code == 302
    again = administrator.post(add, {"code": "offline", "site": site.pk})
    neither = administrator.post(add, {"code": "offline"})

    assert "already" in again.content.decode()
    assert "either a site or a station" in neither.content.decode()
    copied = AlertRule.objects.get(site=site)
    assert (copied.for_s, copied.parameters) == (300, {})
    delete = "admin:alerts_alertrule_delete"
    own = AlertRule.objects.get(code="offline", site=None)
    assert administrator.post(reverse(delete, args=[own.pk]), {"post": "yes"}).status_code == 403
    assert administrator.post(reverse(delete, args=[copied.pk]), {"post": "yes"}).status_code == 302


def test_the_page_of_statistics(viewer: Client, station: ChargePoint) -> None:
    page = reverse("admin:alert-statistics")
    assert "No alerts yet." in viewer.get(page).content.decode()
    opened = timezone.now()
    resolved = {"state": "resolved", "resolved_at": opened + timedelta(minutes=12)}
    an_alert(station, opened_at=opened, first_acknowledged_at=opened + timedelta(seconds=40), **resolved)

    shown = viewer.get(page).content.decode()

    assert f"{opened:%Y-%m}" in shown
    assert all(text in shown for text in ("Station offline", "40 seconds", "12 minutes", "?code=offline"))
    assert viewer.get(f"{reverse(LIST)}?code=offline").status_code == 200
