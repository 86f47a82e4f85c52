"""Judges a notice that is due: send, wait longer, or do not send. Pure.

1. A recipient that is disabled gets nothing; a test needs no more than that.
2. Nothing is sent about an alert that is a part of another one, or whose station is in maintenance.
3. An alert that has ended is not announced any more, except in a digest: there it came and went. Its end is
   announced to those who know of it.
4. An acknowledged alert is neither repeated nor escalated.
5. A snoozed alert waits; then the digest of the recipient, then its quiet hours hold a notice back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from alerts.models import Alert, AlertRecipient, AlertRule, Notification, Severity
from alerts.services.notices import digests, quiet_hours
from alerts.services.notices.quiet_hours import Window

Kind, Why = Notification.Kind, Notification.Why
# Notices that wait for one of these leave together, in one mail.
COLLECTED: Final = frozenset({Why.DIGEST, Why.QUIET_HOURS, Why.RATE})
FOR_UNACKNOWLEDGED: Final = frozenset({Kind.REPEATED, Kind.ESCALATED})


@dataclass(frozen=True, slots=True)
class Habits:
    """How and when a recipient wants its notices."""

    zone: ZoneInfo
    windows: Sequence[Window]
    digest: str
    is_reachable: bool


@dataclass(frozen=True, slots=True)
class Notice:
    """The facts about a notice and its alert. `is_known`: the recipient has got an earlier notice of it."""

    kind: str
    why: str
    severity: Severity
    quiet: str = AlertRule.Quiet.EXCEPT_CRITICAL
    suppression: str = ""
    is_resolved: bool = False
    is_acknowledged: bool = False
    is_known: bool = False
    snoozed_until: datetime | None = None

    @property
    def is_collected(self) -> bool:
        return self.why in COLLECTED


class Send(NamedTuple):
    """Send now."""


class Wait(NamedTuple):
    until: datetime
    why: str


class Drop(NamedTuple):
    why: str


Verdict = Send | Wait | Drop
SEND: Final = Send()


def judge(notice: Notice, habits: Habits, now: datetime) -> Verdict:
    """Judge a notice whose time has come."""
    if not habits.is_reachable:
        return Drop(Why.DISABLED)
    if notice.kind == Kind.TEST:
        return SEND
    if (reason := _dropped(notice)) is not None:
        return Drop(reason)
    if notice.kind != Kind.RESOLVED and notice.snoozed_until is not None and notice.snoozed_until > now:
        return Wait(notice.snoozed_until, Why.SNOOZED)
    return _held(notice, habits, now) or SEND


def _dropped(notice: Notice) -> str | None:
    """Why this notice is of no more use."""
    if notice.kind == Kind.RESOLVED:
        if not notice.is_resolved:
            return Why.REOPENED
        return None if notice.is_known else Why.RESOLVED
    if notice.suppression == Alert.Suppression.INHIBITED:
        return Why.INHIBITED
    if notice.suppression:
        return Why.MAINTENANCE
    if notice.is_resolved and not (notice.kind == Kind.OPENED and notice.is_collected):
        return Why.RESOLVED
    if notice.is_acknowledged and notice.kind in FOR_UNACKNOWLEDGED:
        return Why.ACKNOWLEDGED
    return None


def _held(notice: Notice, habits: Habits, now: datetime) -> Wait | None:
    is_critical = notice.severity == Severity.CRITICAL
    # A collected notice has waited for its digest: only quiet hours may hold it back once more.
    if habits.digest != AlertRecipient.Digest.OFF and not is_critical and not notice.is_collected:
        is_hourly = habits.digest == AlertRecipient.Digest.HOURLY
        until = (digests.next_hour if is_hourly else digests.next_morning)(habits.zone, now)
        return Wait(until, Why.DIGEST)
    if notice.quiet == AlertRule.Quiet.NO or (
        is_critical and notice.quiet == AlertRule.Quiet.EXCEPT_CRITICAL
    ):
        return None
    quiet = quiet_hours.quiet_until(habits.windows, habits.zone, now)
    return None if quiet is None else Wait(quiet, Why.QUIET_HOURS)
