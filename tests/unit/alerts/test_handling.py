"""The actions of operators on alerts and rules."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from alerts.models import Alert, AlertNote, AlertRule
from alerts.services import changes, handling, maintenance, retention, rules
from alerts.services.changes import Change
from chargepoints.models import Site
from ocpp_server.domain import Conflict, Invalid
from tests.unit.alerts.conftest import Watch, a_station, alerts, comes_online, emitted, goes_offline


@pytest.fixture
def alert(watch: Watch) -> Alert:
    """An alert about a station that is offline."""
    goes_offline(a_station())
    watch.after(360)
    return Alert.objects.get()


def test_an_acknowledgement_lapses_after_a_day(alert: Alert, watch: Watch) -> None:
    handling.acknowledge(alert, actor="ann", note="On my way.")
    Alert.objects.update(acknowledged_at=watch.now)

    assert (alert.state, alert.acknowledged_by) == ("acknowledged", "ann")
    assert [note.text for note in alert.notes.all()] == ["On my way."]
    assert emitted() == ["alert.opened", "alert.acknowledged"]
    AlertRule.objects.update(critical_after_s=None)
    watch.after(86_400)
    alert.refresh_from_db()
    assert (alert.state, alert.acknowledged_by, alert.acknowledged_at) == ("open", "", None)


def test_a_higher_severity_ends_an_acknowledgement(alert: Alert, watch: Watch) -> None:
    handling.acknowledge(alert, actor="ann")
    watch.after(3600)

    alert.refresh_from_db()
    assert (alert.state, alert.severity) == ("open", "critical")


def test_resolved_by_hand_it_opens_when_its_cause_returns(alert: Alert, watch: Watch) -> None:
    handling.resolve(alert, actor="ann", resolution="false-alarm", note="Works on the grid.")
    Alert.objects.update(resolved_at=watch.now)
    watch.after(3600)
    assert [one.state for one in alerts()] == ["resolved"]
    assert (alert.resolved_by, alert.is_muted) == ("ann", True)

    comes_online(*[row for row in [alert.charge_point] if row])
    watch.after(60)
    alert.refresh_from_db()
    assert not alert.is_muted
    goes_offline(*[row for row in [alert.charge_point] if row], at=watch.now)
    watch.after(420)
    assert [one.state for one in alerts()] == ["resolved", "open"]


def test_a_snooze_ends_by_itself(alert: Alert, watch: Watch) -> None:
    handling.snooze(alert, actor="ann", until=timezone.now() + timedelta(hours=1))
    Alert.objects.update(snoozed_until=watch.now + timedelta(seconds=90))
    watch.after(60)
    alert.refresh_from_db()
    assert alert.snoozed_until is not None
    watch.after(60)

    alert.refresh_from_db()
    assert alert.snoozed_until is None
    assert emitted() == ["alert.opened", "alert.opened"]


@pytest.mark.parametrize("hours", [-1, 24 * 32])
def test_a_snooze_is_in_the_next_month(alert: Alert, hours: int) -> None:
    with pytest.raises(Invalid, match="within 31 days"):
        handling.snooze(alert, actor="ann", until=timezone.now() + timedelta(hours=hours))


def test_an_alert_is_given_to_an_operator(alert: Alert) -> None:
    ann = User.objects.create(username="ann", is_staff=True)
    handling.assign(alert, actor="bob", assignee=ann)
    assert alert.assignee == ann
    handling.assign(alert, actor="bob", assignee=None)

    assert list(AlertNote.objects.values_list("text", flat=True)) == [
        "Assigned to ann.",
        "Assigned to no one.",
    ]
    with pytest.raises(Invalid, match="operator who can sign in"):
        handling.assign(alert, actor="bob", assignee=User.objects.create(username="driver"))


def test_a_resolved_alert_stays_as_it_is(alert: Alert) -> None:
    handling.resolve(alert, actor="ann", resolution="fixed")
    steps: list[tuple[Any, dict[str, Any]]] = [
        (handling.acknowledge, {}),
        (handling.snooze, {"until": timezone.now()}),
        (handling.resolve, {"resolution": "fixed"}),
        (handling.assign, {"assignee": None}),
    ]

    for step, how in steps:
        with pytest.raises(Conflict, match="is resolved"):
            step(alert, actor="bob", **how)
    handling.add_note(alert, actor="bob", text="The fuse was old.")
    assert alert.notes.get().author == "bob"


def test_resolutions_of_the_server_are_not_for_operators(alert: Alert) -> None:
    with pytest.raises(Invalid, match="fixed, false-alarm"):
        handling.resolve(alert, actor="ann", resolution="recovered")
    with pytest.raises(Invalid, match="empty"):
        handling.add_note(alert, actor="ann", text=" ")
    with pytest.raises(Invalid, match="2000"):
        handling.add_note(alert, actor="ann", text="x" * 2001)


def test_maintenance_silences_and_its_end_announces(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    row = a_station()
    goes_offline(row)
    in_maintenance = {row.pk}
    monkeypatch.setattr(maintenance, "in_maintenance", lambda at: set(in_maintenance))
    seen: list[Change] = []
    monkeypatch.setattr(changes, "_listeners", [seen.extend])
    watch.after(360)

    assert [(one.state, one.suppression) for one in alerts()] == [("open", "maintenance")]
    in_maintenance.clear()
    watch.after(60)
    assert [one.suppression for one in alerts()] == [""]
    assert [change.kind for change in seen] == ["opened", "resumed"]


def test_a_site_in_maintenance_is_not_offline(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site.objects.create(name="Depot")
    rows = [a_station(f"CP-{number}", site=site) for number in range(12)]
    monkeypatch.setattr(maintenance, "in_maintenance", lambda at: {row.pk for row in rows})
    goes_offline(*rows)
    watch.after(360)

    assert {(one.code, one.suppression) for one in alerts()} == {("offline", "maintenance")}


def test_old_alerts_are_deleted_with_their_notes(alert: Alert, settings: Any) -> None:
    handling.resolve(alert, actor="ann", resolution="fixed", note="x")
    settings.ALERT_RETENTION = 3600
    retention.delete_old()
    assert Alert.objects.count() == 1
    Alert.objects.update(resolved_at=timezone.now() - timedelta(hours=2))
    retention.delete_old()

    assert not Alert.objects.exists()
    assert not AlertNote.objects.exists()


def test_every_code_has_a_rule_after_migrate(db: None) -> None:
    before = AlertRule.objects.count()
    AlertRule.objects.filter(code="offline").delete()
    AlertRule.objects.filter(code="disk").update(is_enabled=False)
    rules.create_missing()

    assert AlertRule.objects.count() == before == len(rules.CODES)
    assert not AlertRule.objects.get(code="disk").is_enabled


def test_a_copy_for_a_site_begins_as_the_rule_for_all(db: None) -> None:
    site = Site.objects.create(name="Depot")
    own = AlertRule.objects.get(code="flapping")
    rules.change(own, actor="ann", severity="info", parameters={"times": 9})

    copied = rules.copy(actor="bob", code="flapping", site=site, parameters={"within_s": 600})

    assert (copied.severity, copied.parameters) == ("info", {"times": 9, "within_s": 600})
    assert (own.updated_by, copied.updated_by) == ("ann", "bob")
    with pytest.raises(Conflict, match="already"):
        rules.copy(actor="bob", code="flapping", site=site)
    with pytest.raises(Conflict, match="not deleted"):
        rules.delete(own)
    rules.delete(copied)
    rules.reset(own, actor="ann")
    assert (own.severity, own.parameters) == ("warning", {"times": 6, "within_s": 1800})


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"times": 2}, "times must be a whole number from 3 to 1,000"),
        ({"times": True}, "times must be a whole number"),
        ({"speed": 1}, "Has no parameter speed; allowed: times, within_s"),
        ([], "Must be an object"),
    ],
)
def test_limits_are_checked(given: Any, sentence: str) -> None:
    with pytest.raises(Invalid, match=sentence):
        rules.checked("flapping", given)


def test_a_copy_is_for_one_place(db: None) -> None:
    with pytest.raises(Invalid, match="Either a site or a station"):
        rules.copy(actor="ann", code="offline")
    with pytest.raises(Invalid, match="There is no code"):
        rules.copy(actor="ann", code="of-tomorrow", site=Site.objects.create(name="Depot"))
