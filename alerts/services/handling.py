"""The actions of operators on alerts. Each function gets the locked row first, and is in a transaction."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from alerts.models import Alert, AlertNote
from alerts.services import changes
from alerts.services.changes import Change, Kind
from ocpp_server.domain import Conflict, Invalid

MOST_NOTE: Final = 2000
LONGEST_SNOOZE: Final = timedelta(days=31)
# The resolutions of an operator; the others are the server's.
BY_HAND: Final = (Alert.Resolution.FIXED, Alert.Resolution.FALSE_ALARM)

_State: Final = Alert.State


def acknowledge(alert: Alert, *, actor: str, note: str = "") -> None:
    """Acknowledge an alert: it stays unresolved, and is repeated and escalated no more.

    Raises Conflict for a resolved one. A second acknowledgement changes nothing.
    """
    _check_unresolved(alert)
    _add_note(alert, note, actor)
    if alert.state == _State.ACKNOWLEDGED:
        return
    alert.state, alert.acknowledged_by, alert.acknowledged_at = _State.ACKNOWLEDGED, actor, timezone.now()
    alert.first_acknowledged_at = alert.first_acknowledged_at or alert.acknowledged_at
    columns = ["state", "acknowledged_by", "acknowledged_at", "first_acknowledged_at", "updated_at"]
    alert.save(update_fields=columns)
    changes.publish([Change(alert, Kind.ACKNOWLEDGED)])


def snooze(alert: Alert, *, actor: str, until: datetime) -> None:
    """Send nothing about an alert until a time, within a month. Raises Conflict and Invalid."""
    _check_unresolved(alert)
    now = timezone.now()
    if not now < until <= now + LONGEST_SNOOZE:
        raise Invalid("Must be in the future, and within 31 days.", field="until")
    alert.snoozed_until = until
    alert.save(update_fields=["snoozed_until", "updated_at"])
    _add_note(alert, f"Snoozed until {until.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}.", actor)
    changes.publish([Change(alert, Kind.SNOOZED)])


def resolve(alert: Alert, *, actor: str, resolution: str, note: str = "") -> None:
    """Resolve an alert by hand. The same cause opens nothing until it was over once, unless its rule says so.

    Raises Conflict for a resolved one.
    """
    _check_unresolved(alert)
    if resolution not in BY_HAND:
        raise Invalid(f"Must be one of {', '.join(BY_HAND)}.", field="resolution")
    _add_note(alert, note, actor)
    alert.state, alert.resolution, alert.resolved_by = _State.RESOLVED, resolution, actor
    alert.resolved_at, alert.recovering_since, alert.is_muted = timezone.now(), None, True
    alert.save(
        update_fields=[
            "state",
            "resolution",
            "resolved_by",
            "resolved_at",
            "recovering_since",
            "is_muted",
            "updated_at",
        ]
    )
    changes.publish([Change(alert, Kind.RESOLVED)])


def assign(alert: Alert, *, actor: str, assignee: User | None) -> None:
    """Give an alert to an operator, or to no one. Raises Conflict for a resolved alert, Invalid for a person
    without a login.
    """
    _check_unresolved(alert)
    if assignee is not None and not (assignee.is_staff and assignee.is_active):
        raise Invalid("Must be an operator who can sign in.", field="assignee")
    alert.assignee = assignee
    alert.save(update_fields=["assignee", "updated_at"])
    _add_note(alert, f"Assigned to {assignee.username}." if assignee else "Assigned to no one.", actor)


def add_note(alert: Alert, *, actor: str, text: str) -> AlertNote:
    """Add a comment. Raises Invalid for a blank one."""
    added = _add_note(alert, text, actor)
    if added is None:
        raise Invalid("Must not be empty.", field="text")
    return added


@transaction.atomic
def locked(pk: int) -> Alert | None:
    """The alert with this number, locked until the caller's transaction ends."""
    return Alert.objects.select_for_update().filter(pk=pk).first()


def _check_unresolved(alert: Alert) -> None:
    if alert.resolved_at is not None:
        raise Conflict(f"Alert {alert.pk} is resolved.")


def _add_note(alert: Alert, text: str, author: str) -> AlertNote | None:
    text = text.strip()
    if not text:
        return None
    if len(text) > MOST_NOTE:
        raise Invalid(f"Must have at most {MOST_NOTE} characters.", field="note")
    return AlertNote.objects.create(alert=alert, text=text, author=author[:150])
