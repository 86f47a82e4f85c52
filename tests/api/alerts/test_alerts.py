"""Alerts, their notes and rules over REST."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from alerts.models import Alert, AlertRule
from chargepoints.models import ChargePoint, Site
from tests.api.conftest import NOON, Caller

ALERTS, RULES = "/api/v1/alerts", "/api/v1/alert-rules"


@pytest.fixture
def alert(garage: ChargePoint) -> Alert:
    return an_alert(garage)


def an_alert(station: ChargePoint, **columns: Any) -> Alert:
    usual = {
        "code": "offline",
        "key": "offline:GARAGE 1",
        "station": station.identity,
        "charge_point": station,
        "severity": "warning",
        "title": "GARAGE 1 has been offline since 12:00 UTC",
        "opened_at": NOON,
        "last_seen_at": NOON,
    }
    return Alert.objects.create(**(usual | columns))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"a", "b", "c"}),
        ("resolved=false", {"a", "b"}),
        ("resolved=true", {"c"}),
        ("resolved=false&suppressed=false", {"a"}),
        ("suppressed=true", {"b"}),
        ("severity=critical", {"a"}),
        ("code=faulted", {"b"}),
        ("station=GARAGE%201&state=resolved", {"c"}),
        ("assignee=ann", {"a"}),
        ("search=offl", {"a", "b", "c"}),
        ("from=2026-05-05", {"c"}),
    ],
)
def test_filters(viewer: Caller, garage: ChargePoint, query: str, found: set[str]) -> None:
    ann = User.objects.create(username="ann", is_staff=True)
    an_alert(garage, key="a", severity="critical", assignee=ann, opened_at=NOON.replace(month=4))
    an_alert(garage, key="b", code="faulted", suppression="inhibited", opened_at=NOON.replace(month=4))
    later = NOON.replace(month=6)
    an_alert(garage, key="c", state="resolved", resolved_at=later, opened_at=later)

    answer = viewer.get(f"{ALERTS}?{query}")

    assert {one["key"] for one in answer.info["alerts"]} == found


def test_the_shape_of_an_alert(viewer: Caller, alert: Alert) -> None:
    shown = viewer.get(f"{ALERTS}/{alert.pk}").info

    assert (shown["clientId"], shown["site"], shown["acknowledgedBy"]) == ("GARAGE 1", None, None)
    assert (shown["state"], shown["isRecovering"], shown["suppression"]) == ("open", False, "")


def test_an_operator_acknowledges_snoozes_assigns_and_resolves(operator: Caller, alert: Alert) -> None:
    User.objects.create(username="ann", is_staff=True)
    one, until = f"{ALERTS}/{alert.pk}", timezone.now() + timedelta(hours=2)

    acknowledged = operator.post(f"{one}/acknowledge", {"note": "On my way."})
    assert (acknowledged.info["state"], acknowledged.info["acknowledgedBy"]) == (
        "acknowledged",
        "key operator",
    )
    snoozed = operator.post(f"{one}/snooze", {"until": until.isoformat()})
    assert snoozed.info["snoozedUntil"]
    assert operator.post(f"{one}/assign", {"assignee": "ann"}).info["assignee"] == "ann"
    note = operator.post(f"{one}/notes", {"text": "The fuse."})
    assert note["Location"] == f"{one}/notes/{note.info['id']}"
    resolved = operator.post(f"{one}/resolve", {"resolution": "fixed", "note": "New fuse."})

    assert (resolved.info["resolution"], resolved.info["resolvedBy"]) == ("fixed", "key operator")
    texts = [row["text"] for row in operator.get(f"{one}/notes").info["notes"]]
    assert texts[0] == "On my way." and texts[-2:] == ["The fuse.", "New fuse."]
    assert operator.post(f"{one}/resolve", {"resolution": "fixed"}).status_code == 409


@pytest.mark.parametrize(
    ("action", "body", "field"),
    [
        ("acknowledge", {"note": "x" * 2001}, "note"),
        ("snooze", {"until": "2020-01-01T00:00:00Z"}, "until"),
        ("snooze", {}, "until"),
        ("resolve", {"resolution": "recovered"}, "resolution"),
        ("assign", {"assignee": "nemo"}, "assignee"),
        ("notes", {"text": " "}, "text"),
    ],
)
def test_a_bad_body_names_its_field(
    operator: Caller, alert: Alert, action: str, body: dict[str, Any], field: str
) -> None:
    answer = operator.post(f"{ALERTS}/{alert.pk}/{action}", body)

    assert answer.status_code == 400
    assert [error["field"] for error in answer.info["errors"]] == [field]


def test_roles(viewer: Caller, operator: Caller, alert: Alert) -> None:
    rule = AlertRule.objects.get(code="offline")

    assert viewer.post(f"{ALERTS}/{alert.pk}/acknowledge", {}).status_code == 403
    assert viewer.post(f"{ALERTS}/{alert.pk}/resolve", {"resolution": "fixed"}).status_code == 403
    assert viewer.get(f"{RULES}/{rule.pk}").status_code == 200
    assert operator.patch(f"{RULES}/{rule.pk}", {"forS": 1}).status_code == 403
    assert operator.post(RULES, {"code": "offline", "siteId": 1}).status_code == 403


def test_the_steps_of_an_escalation_are_set_and_checked(administrator: Caller) -> None:
    one = f"{RULES}/{AlertRule.objects.get(code='offline').pk}"
    steps = [{"to": ["Chief"], "afterS": 900}, {"to": ["Owner"], "afterS": 3600, "severity": "critical"}]

    changed = administrator.patch(one, {"escalation": steps})
    bad = administrator.patch(one, {"escalation": [{"to": ["Chief"]}]})

    assert changed.info["escalation"] == steps
    assert (bad.status_code, bad.info["errors"][0]["field"]) == (400, "escalation")
    assert administrator.get(one).info["escalation"] == steps


def test_an_administrator_changes_copies_resets_and_deletes_rules(
    administrator: Caller, garage: ChargePoint
) -> None:
    site = Site.objects.create(name="Depot")
    rule = AlertRule.objects.get(code="flapping")
    one = f"{RULES}/{rule.pk}"

    changed = administrator.patch(one, {"parameters": {"times": 9}, "severity": "info", "isEnabled": False})
    assert changed.info["parameters"] == {"times": 9, "within_s": 1800}
    assert (changed.info["severity"], changed.info["isEnabled"]) == ("info", False)
    bad = administrator.patch(one, {"parameters": {"times": 1}})
    assert bad.info["errors"][0]["field"] == "parameters"
    of_site = administrator.post(RULES, {"code": "flapping", "siteId": site.pk, "isEnabled": True})
    assert (of_site.status_code, of_site.info["siteId"], of_site.info["parameters"]["times"]) == (
        201,
        site.pk,
        9,
    )
    of_station = administrator.post(RULES, {"code": "flapping", "clientId": "garage 1"})
    assert of_station.info["clientId"] == "GARAGE 1"
    assert administrator.post(RULES, {"code": "flapping", "siteId": site.pk}).status_code == 409
    for body in ({"code": "flapping"}, {"code": "flapping", "siteId": site.pk, "clientId": "GARAGE 1"}):
        assert administrator.post(RULES, body).status_code == 400
    assert administrator.post(f"{one}/reset", {}).info["isEnabled"]
    assert administrator.delete(f"{RULES}/{of_site.info['id']}").status_code == 200
    assert administrator.delete(one).status_code == 409
