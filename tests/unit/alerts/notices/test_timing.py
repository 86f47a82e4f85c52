"""The verdict about a notice whose time has come; steps of an escalation; recipients of an alert."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from accounts.models import User
from alerts.models import AlertRecipient, Notification, Severity
from alerts.services.notices import escalation, timing
from alerts.services.notices.quiet_hours import parse
from alerts.services.notices.routing import Choice, may_get
from alerts.services.notices.timing import SEND, Drop, Habits, Notice, Verdict, Wait
from ocpp_server.domain import Invalid

Kind, Why = Notification.Kind, Notification.Why
NIGHT = datetime(2026, 11, 30, 23, 15, tzinfo=UTC)
NOON = datetime(2026, 11, 30, 12, 15, tzinfo=UTC)
MORNING = datetime(2026, 12, 1, 6, 30, tzinfo=UTC)
QUIET = parse([{"from": "22:00", "to": "06:30"}])


def verdict(now: datetime = NIGHT, *, digest: str = "off", reachable: bool = True, **facts: Any) -> Verdict:
    """The verdict about a warning that has opened, for a recipient with quiet nights in UTC."""
    notice = Notice(**{"kind": Kind.OPENED, "why": "", "severity": Severity.WARNING, **facts})
    return timing.judge(notice, Habits(ZoneInfo("UTC"), QUIET, digest, reachable), now)


def test_a_warning_waits_for_the_end_of_the_night_and_a_critical_alert_does_not() -> None:
    assert verdict(NOON) == SEND
    assert verdict() == Wait(MORNING, Why.QUIET_HOURS)
    assert verdict(severity=Severity.CRITICAL) == SEND
    assert verdict(severity=Severity.CRITICAL, quiet="always") == Wait(MORNING, Why.QUIET_HOURS)
    assert verdict(quiet="no") == SEND
    assert verdict(MORNING, why=Why.QUIET_HOURS) == SEND


def test_a_digest_collects_all_but_critical_alerts() -> None:
    full_hour = NOON.replace(minute=0) + timedelta(hours=1)

    assert verdict(NOON, digest="hourly") == Wait(full_hour, Why.DIGEST)
    assert verdict(NOON, digest="daily") == Wait(datetime(2026, 12, 1, 7, tzinfo=UTC), Why.DIGEST)
    assert verdict(NOON, digest="daily", severity=Severity.CRITICAL) == SEND
    assert verdict(full_hour, digest="hourly", why=Why.DIGEST) == SEND
    assert verdict(digest="hourly", why=Why.DIGEST) == Wait(MORNING, Why.QUIET_HOURS)


def test_an_alert_that_has_ended_is_not_announced_but_shown_in_the_digest() -> None:
    assert verdict(NOON, is_resolved=True) == Drop(Why.RESOLVED)
    assert verdict(NOON, is_resolved=True, why=Why.SNOOZED) == Drop(Why.RESOLVED)
    assert verdict(MORNING, is_resolved=True, why=Why.QUIET_HOURS) == SEND
    assert verdict(MORNING, is_resolved=True, why=Why.DIGEST, kind=Kind.REPEATED) == Drop(Why.RESOLVED)


def test_the_end_is_announced_to_those_who_know_of_the_alert() -> None:
    end = {"kind": Kind.RESOLVED, "is_resolved": True}

    assert verdict(NOON, **end, is_known=True) == SEND
    assert verdict(NOON, **end) == Drop(Why.RESOLVED)
    assert verdict(NOON, kind=Kind.RESOLVED, is_known=True) == Drop(Why.REOPENED)
    assert verdict(NOON, **end, is_known=True, suppression="maintenance") == SEND


def test_a_suppressed_alert_is_not_announced() -> None:
    assert verdict(NOON, suppression="inhibited") == Drop(Why.INHIBITED)
    assert verdict(NOON, suppression="maintenance") == Drop(Why.MAINTENANCE)


def test_an_acknowledged_alert_is_neither_repeated_nor_escalated() -> None:
    assert verdict(NOON, is_acknowledged=True) == SEND
    assert verdict(NOON, is_acknowledged=True, kind=Kind.REPEATED) == Drop(Why.ACKNOWLEDGED)
    assert verdict(NOON, is_acknowledged=True, kind=Kind.ESCALATED) == Drop(Why.ACKNOWLEDGED)


def test_a_snoozed_alert_waits_for_its_time() -> None:
    later = NOON + timedelta(minutes=7)

    assert verdict(NOON, snoozed_until=later) == Wait(later, Why.SNOOZED)
    assert verdict(later, snoozed_until=later, why=Why.SNOOZED) == SEND


def test_a_disabled_recipient_gets_nothing_and_a_test_is_sent_at_night() -> None:
    assert verdict(NOON, reachable=False) == Drop(Why.DISABLED)
    assert verdict(kind=Kind.TEST, digest="daily") == SEND
    assert verdict(kind=Kind.TEST, reachable=False) == Drop(Why.DISABLED)


def test_the_steps_of_an_escalation_are_due_after_their_time_and_from_their_severity() -> None:
    steps = escalation.parse(
        [{"to": [" Chief "], "afterS": 900}, {"to": ["Owner"], "afterS": 3600, "severity": "critical"}]
    )

    def due(minutes: int, severity: Severity) -> list[int]:
        now = NOON + timedelta(minutes=minutes)
        return [number for number, _ in escalation.due(steps, opened_at=NOON, severity=severity, now=now)]

    assert steps[0].to == ("chief",)
    assert due(14, Severity.CRITICAL) == []
    assert due(15, Severity.INFO) == [1]
    assert due(60, Severity.WARNING) == [1]
    assert due(60, Severity.CRITICAL) == [1, 2]


@pytest.mark.parametrize(
    "value",
    [
        {},
        [{}],
        [{"to": [], "afterS": 1}],
        [{"to": "Chief", "afterS": 1}],
        [{"to": [" "], "afterS": 1}],
        [{"to": ["Chief"], "afterS": True}],
        [{"to": ["Chief"], "afterS": -1}],
        [{"to": ["Chief"], "afterS": "15m"}],
        [{"to": ["Chief"], "afterS": 1, "severity": "high"}],
        [{"to": ["Chief"], "afterS": 1, "if": "unacknowledged"}],
        [{"to": ["Chief"], "afterS": 1}] * 11,
    ],
)
def test_other_escalations_are_refused(value: Any) -> None:
    with pytest.raises(Invalid):
        escalation.parse(value)


@pytest.mark.parametrize(
    ("is_superuser", "limit", "site", "may"),
    [(False, None, 8, True), (False, [7], 7, True), (False, [7], 8, False), (False, [7], None, False),
     (False, [], 7, False), (True, [7], 8, True)],
)  # fmt: skip
def test_an_operator_limited_to_sites_gets_alerts_of_these_alone(
    is_superuser: bool, limit: list[int] | None, site: int | None, may: bool
) -> None:
    user: Any = User(username="ann", is_superuser=is_superuser)
    user.site_ids = limit

    assert may_get(AlertRecipient(name="Ann", user=user), site) is may
    assert may_get(AlertRecipient(name="Bob", address="bob@x"), site)


def test_a_recipient_chooses_alerts_by_severity_site_and_code() -> None:
    every = Choice(Severity.WARNING)
    some = Choice(Severity.INFO, frozenset({7}), frozenset({"offline"}))

    assert every.wants(code="disk", severity=Severity.WARNING, site=None)
    assert not every.wants(code="disk", severity=Severity.INFO, site=None)
    assert some.wants(code="offline", severity=Severity.INFO, site=7)
    assert not some.wants(code="offline", severity=Severity.INFO, site=8)
    assert not some.wants(code="offline", severity=Severity.INFO, site=None)
    assert not some.wants(code="faulted", severity=Severity.INFO, site=7)
    assert not Choice(Severity.INFO, only_escalations=True).wants(
        code="offline", severity=Severity.CRITICAL, site=None
    )
