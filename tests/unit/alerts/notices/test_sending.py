"""From the change of an alert to the mail, with a clock that the test moves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from alerts.models import Alert, AlertRecipient, AlertRule, Notification, Severity
from alerts.services.changes import Change, Kind
from alerts.services.notices import following, metrics, queueing, sending
from chargepoints.models import Site
from ocpp_server.outbound.mail import SENT, Outcome, Result
from transactions.services import privacy

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
AWAY = Result(Outcome.RETRY, "451 Try later")


class Clock:
    """The time of the tests, and one run of the job after a while."""

    def __init__(self, traveller: Any) -> None:
        self._traveller = traveller

    @property
    def now(self) -> datetime:
        return datetime.now(UTC)

    def shift(self, **later: float) -> None:
        self._traveller.shift(timedelta(**later))

    def send(self, result: Result = SENT, **later: float) -> list[str]:
        """Let time pass and send; the subjects of the mails, each after its recipient."""
        self.shift(**later)
        following.follow(self.now)
        subjects = []
        while outgoing := sending.claim(self.now):
            sending.record(outgoing, [result] * len(outgoing), self.now)
            subjects += [f"{one.mail.to}: {one.mail.subject}" for one in outgoing]
        return sorted(subjects)


@pytest.fixture
def clock(settings: Any) -> Iterator[Clock]:
    settings.EMAIL_URL = {"host": "mail.example.com"}
    settings.PUBLIC_URL = "https://csms.example.com"
    with time_machine.travel(NOON, tick=False) as traveller:
        yield Clock(traveller)


def recipient(name: str = "Ann", **fields: Any) -> AlertRecipient:
    return AlertRecipient.objects.create(name=name, address=f"{name.lower()}@x", **fields)


def opened(station: str = "CP-7", **fields: Any) -> Alert:
    usual = {"code": "offline", "severity": Severity.WARNING, "title": f"{station} is offline"}
    times = {"opened_at": datetime.now(UTC), "last_seen_at": datetime.now(UTC)}
    return Alert.objects.create(
        **{**usual, **times, "station": station, "key": f"offline:{station}", **fields}
    )


def changed(kind: Kind, *alerts: Alert, **fields: Any) -> None:
    for alert in alerts:
        for name, value in fields.items():
            setattr(alert, name, value)
        if kind == Kind.RESOLVED:
            alert.state, alert.resolved_at = Alert.State.RESOLVED, datetime.now(UTC)
        if kind == Kind.REOPENED:
            alert.state, alert.resolved_at, alert.episode = Alert.State.OPEN, None, alert.episode + 1
        alert.save()
    queueing.follow([Change(alert, kind) for alert in alerts])


def states(kind: Notification.Kind) -> list[tuple[str, str]]:
    return list(Notification.objects.filter(kind=kind).order_by("id").values_list("state", "why"))


def test_alerts_of_one_site_that_open_together_are_one_mail(clock: Clock) -> None:
    ann, depot = recipient(), Site.objects.create(name="Depot")
    changed(Kind.OPENED, opened("CP-1", site=depot))
    assert clock.send(seconds=20) == []
    changed(Kind.OPENED, opened("CP-2", site=depot), opened("CP-3"))

    assert clock.send(seconds=10) == ["ann@x: Warning: CP-1 is offline and 1 more at Depot"]
    assert clock.send(seconds=20) == ["ann@x: Warning: CP-3 is offline"]
    assert ann.notifications.filter(state="sent").values("message_id").distinct().count() == 2


def test_changes_of_a_group_leave_every_five_minutes_at_most(clock: Clock) -> None:
    recipient()
    changed(Kind.OPENED, opened("CP-1"))
    assert len(clock.send(seconds=30)) == 1
    changed(Kind.OPENED, opened("CP-2"))
    changed(Kind.OPENED, opened("CP-3"))

    assert clock.send(seconds=60) == []
    assert clock.send(minutes=4) == ["ann@x: Warning: CP-2 is offline and 1 more"]


def test_an_alert_that_ends_before_its_mail_sends_nothing(clock: Clock) -> None:
    recipient()
    alert = opened()
    changed(Kind.OPENED, alert)
    clock.send(seconds=20)
    changed(Kind.RESOLVED, alert)

    assert clock.send(minutes=10) == []
    assert states(Notification.Kind.OPENED) == [("suppressed", "resolved")]
    assert states(Notification.Kind.RESOLVED) == [("suppressed", "resolved")]


def test_the_end_goes_to_those_who_got_the_beginning_in_the_same_thread(clock: Clock) -> None:
    recipient()
    recipient("Bob", min_severity=Severity.CRITICAL)
    alert = opened()
    changed(Kind.OPENED, alert)
    clock.send(seconds=30)
    first = Notification.objects.get(state="sent")
    clock.send(minutes=20)
    changed(Kind.RESOLVED, alert)
    clock.send(seconds=29)
    Notification.objects.filter(kind="resolved").update(due_at=clock.now)

    (end,) = sending.claim(clock.now)

    assert (end.mail.to, end.mail.subject) == ("ann@x", "Resolved: CP-7 is offline")
    assert end.mail.headers["In-Reply-To"] == end.mail.headers["References"] == first.message_id
    assert end.mail.headers["Message-ID"] != first.message_id
    assert "(20 min)" in end.mail.text


def test_an_alert_that_opens_again_is_announced_to_those_who_believe_that_it_is_over(clock: Clock) -> None:
    recipient()
    alert = opened()
    changed(Kind.OPENED, alert)
    clock.send(seconds=30)
    changed(Kind.RESOLVED, alert)
    changed(Kind.REOPENED, alert)
    assert clock.send(minutes=6) == []
    assert states(Notification.Kind.RESOLVED) == [("suppressed", "reopened")]

    changed(Kind.RESOLVED, alert)
    assert clock.send(minutes=6) == ["ann@x: Resolved: CP-7 is offline"]
    changed(Kind.REOPENED, alert)
    assert clock.send(minutes=6) == ["ann@x: Warning: CP-7 is offline"]
    assert states(Notification.Kind.CHANGED) == [("sent", "")]


def test_warnings_of_the_night_are_one_digest_in_the_morning(clock: Clock) -> None:
    recipient(quiet_hours=[{"from": "11:00", "to": "18:00"}])
    brief, lasting, critical = opened("CP-1"), opened("CP-2"), opened("CP-3", severity=Severity.CRITICAL)
    changed(Kind.OPENED, brief, lasting, critical)
    assert clock.send(minutes=1) == ["ann@x: Critical: CP-3 is offline"]
    changed(Kind.RESOLVED, brief)
    assert clock.send(hours=1) == []
    assert states(Notification.Kind.OPENED)[:2] == [("queued", "quiet-hours")] * 2

    assert clock.send(hours=5) == [
        "ann@x: Alerts: 1 open, 1 over",
        "ann@x: Critical, still open: CP-3 is offline",
    ]


def test_a_severity_that_rises_releases_the_alert_from_its_digest(clock: Clock) -> None:
    recipient(digest="daily")
    recipient("Bob", min_severity=Severity.CRITICAL)
    recipient("Cid")
    alert = opened()
    changed(Kind.OPENED, alert)
    assert clock.send(minutes=1) == ["cid@x: Warning: CP-7 is offline"]
    changed(Kind.RISEN, alert, severity=Severity.CRITICAL)

    assert clock.send(minutes=5) == [f"{name}@x: Critical: CP-7 is offline" for name in ("ann", "bob", "cid")]


def test_what_another_alert_explains_is_not_sent_before_that_has_ended(clock: Clock) -> None:
    recipient()
    alert, other = opened("CP-1"), opened("CP-2", suppression="inhibited")
    changed(Kind.OPENED, alert, other)
    Alert.objects.filter(pk=alert.pk).update(suppression="inhibited")
    assert clock.send(minutes=1) == []
    assert states(Notification.Kind.OPENED) == [("suppressed", "inhibited")]
    changed(Kind.REOPENED, alert, other, suppression="")

    assert clock.send(minutes=1) == ["ann@x: Warning: CP-1 is offline and 1 more"]


def test_a_critical_alert_is_repeated_every_four_hours_until_it_is_acknowledged(clock: Clock) -> None:
    recipient()
    alert = opened(severity=Severity.CRITICAL)
    changed(Kind.OPENED, alert, opened("CP-8", code="clock"))
    assert len(clock.send(seconds=30)) == 2
    assert clock.send(hours=3, minutes=59) == []
    assert clock.send(minutes=1) == ["ann@x: Critical, still open: CP-7 is offline"]
    assert clock.send(hours=4) == ["ann@x: Critical, still open: CP-7 is offline"]
    changed(Kind.ACKNOWLEDGED, alert, state=Alert.State.ACKNOWLEDGED)

    assert clock.send(hours=8) == []


def test_the_end_of_a_snooze_reminds(clock: Clock) -> None:
    recipient()
    alert = opened()
    changed(Kind.OPENED, alert)
    clock.send(seconds=30)
    changed(Kind.SNOOZED, alert, snoozed_until=clock.now + timedelta(hours=1))

    assert clock.send(minutes=59) == []
    assert clock.send(minutes=1) == ["ann@x: Warning, still open: CP-7 is offline"]
    assert clock.send(hours=9) == []


def test_steps_of_an_escalation_reach_more_recipients_unless_it_is_acknowledged(clock: Clock) -> None:
    recipient()
    recipient("Chief", only_escalations=True)
    steps = [{"to": ["chief"], "afterS": 900}, {"to": ["Ann", "nobody"], "afterS": 3600}]
    rule = AlertRule.objects.filter(code="offline").first() or AlertRule(code="offline", severity="warning")
    rule.escalation = steps
    rule.save()
    alert = opened(rule=rule)
    changed(Kind.OPENED, alert)

    assert clock.send(seconds=30) == ["ann@x: Warning: CP-7 is offline"]
    assert clock.send(minutes=14) == []
    assert clock.send(seconds=30) == ["chief@x: Warning, escalated: CP-7 is offline"]
    changed(Kind.ACKNOWLEDGED, alert, state=Alert.State.ACKNOWLEDGED)
    assert clock.send(hours=2) == []
    changed(Kind.RESOLVED, alert)
    assert [mail.partition(":")[0] for mail in clock.send(minutes=1)] == ["ann@x", "chief@x"]


def test_a_mail_server_that_was_away_for_a_day_gets_one_mail_for_each_recipient(clock: Clock) -> None:
    recipient()
    recipient("Bob")
    alerts = [opened(f"CP-{number}", code=f"code-{number}") for number in range(12)]
    changed(Kind.OPENED, *alerts)
    assert len(clock.send(AWAY, seconds=30)) == 24
    for _ in range(10):
        clock.send(AWAY, hours=2)
    changed(Kind.RESOLVED, *alerts[:2])

    assert clock.send(hours=2) == [f"{name}@x: Alerts: 10 open, 0 over" for name in ("ann", "bob")]
    assert set(Notification.objects.filter(state="sent").values_list("attempts", flat=True)) == {12}


def test_a_notice_is_given_up_after_three_days_or_a_final_answer(clock: Clock) -> None:
    recipient()
    changed(Kind.OPENED, opened())
    clock.send(AWAY, seconds=30)
    clock.send(AWAY, days=3)
    changed(Kind.OPENED, opened("CP-8"))
    clock.send(Result(Outcome.FAILED, "550 No such mailbox"), seconds=30)

    assert clock.send(days=1) == []
    found = Notification.objects.order_by("id").values_list("state", "error")
    assert list(found) == [("failed", "451 Try later"), ("failed", "550 No such mailbox")]


def test_a_process_that_dies_while_it_sends_sends_again(clock: Clock) -> None:
    recipient()
    changed(Kind.OPENED, opened())
    clock.send(seconds=29)
    (lost,) = sending.claim(clock.now + timedelta(seconds=1))

    assert clock.send(seconds=30) == []
    assert clock.send(minutes=1) == ["ann@x: Alerts: 1 open, 0 over"]
    assert Notification.objects.get().message_id == lost.mail.headers["Message-ID"]


def test_beyond_thirty_mails_an_hour_the_others_are_one_mail_at_the_full_hour(clock: Clock) -> None:
    recipient()
    changed(Kind.OPENED, *[opened(f"CP-{number}", code=f"code-{number}") for number in range(40)])

    assert len(clock.send(seconds=30)) == 30
    assert clock.send(minutes=59) == []
    assert clock.send(minutes=1) == ["ann@x: Alerts: 10 open, 0 over"]


def test_a_recipient_without_an_address_and_a_disabled_one_get_nothing(
    clock: Clock, django_user_model: Any
) -> None:
    user = django_user_model.objects.create_user("bob", email="bob@x")
    AlertRecipient.objects.create(name="Bob", user=user)
    ann = recipient()
    changed(Kind.OPENED, opened("CP-1"))
    AlertRecipient.objects.filter(pk=ann.pk).update(is_enabled=False)
    assert clock.send(minutes=1) == ["bob@x: Warning: CP-1 is offline"]
    user.is_active = False
    user.save()
    changed(Kind.OPENED, opened("CP-2"))

    assert clock.send(minutes=6) == []
    assert Notification.objects.filter(why="disabled").count() == 2


def test_without_a_mail_server_nothing_is_queued(clock: Clock, settings: Any) -> None:
    settings.EMAIL_URL = {}
    recipient()
    changed(Kind.OPENED, opened(severity=Severity.CRITICAL))

    assert clock.send(hours=5) == []
    assert not Notification.objects.exists()


def test_a_rule_may_leave_out_channels_and_a_recipient_sites_and_codes(clock: Clock) -> None:
    depot = Site.objects.create(name="Depot")
    recipient("Ann").sites.add(depot)
    recipient("Bob", codes=["clock"])
    changed(Kind.OPENED, opened("CP-1", site=depot), opened("CP-2", code="clock"))

    assert clock.send(minutes=1) == ["ann@x: Warning: CP-1 is offline", "bob@x: Warning: CP-2 is offline"]


def test_the_mail_links_to_the_alert_and_lets_its_recipient_acknowledge(clock: Clock) -> None:
    ann, alert = recipient(), opened(what_to_do="Check its network.")
    changed(Kind.OPENED, alert)
    clock.send(seconds=29)

    (one,) = sending.claim(clock.now + timedelta(seconds=1))

    assert f"Open: https://csms.example.com/admin/alerts/alert/{alert.pk}/change/" in one.mail.text
    assert "Acknowledge: https://csms.example.com/alerts/acknowledge/" in one.mail.text
    assert f"/alertrecipient/{ann.pk}/change/>" in one.mail.headers["List-Unsubscribe"]


def test_metrics_count_what_waits_what_is_tried_again_and_what_has_failed(clock: Clock) -> None:
    def figures() -> tuple[dict[str, float], float]:
        found = metrics.figures()
        return {labels[0]: number for labels, number in found["notices"]}, found["notice_lag"][0][1]

    recipient(quiet_hours=[{"from": "11:00", "to": "18:00"}])
    recipient("Bob")
    assert figures() == ({"waiting": 0, "retried": 0, "failed": 0}, 0)
    changed(Kind.OPENED, opened())
    assert clock.send(AWAY, minutes=2) == ["bob@x: Warning: CP-7 is offline"]
    assert figures() == ({"waiting": 1, "retried": 1, "failed": 0}, 0)
    clock.shift(minutes=2)
    assert figures()[1] == 60
    clock.send(Result(Outcome.FAILED, "550 No such mailbox"), seconds=0)
    assert figures() == ({"waiting": 1, "retried": 0, "failed": 1}, 0)


def test_the_recipients_of_a_person_are_exported_and_erased(clock: Clock, django_user_model: Any) -> None:
    user = django_user_model.objects.create_user("bob", email="bob@x")
    AlertRecipient.objects.create(name="Bob", user=user)

    assert [row["name"] for row in privacy.export(user)["alert_recipients"]] == ["Bob"]
    privacy.erase(user)

    assert not AlertRecipient.objects.exists()
