"""Queues notices in the transaction that changes their alerts.

Only the fact is queued. Whether it is sent, and when, is judged when its time has come (`timing`): until then
the alert may have ended, become a part of another one, or been snoozed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from django.conf import settings

from alerts.models import Alert, AlertRecipient, AlertRule, Notification
from alerts.services.changes import Change
from alerts.services.notices import routing
from alerts.services.notices.timing import COLLECTED
from ocpp_server.outbound import mail

Kind, State = Notification.Kind, Notification.State
# The kinds by which a recipient knows that an alert is open.
ANNOUNCING: Final = frozenset({Kind.OPENED, Kind.CHANGED, Kind.REPEATED, Kind.ESCALATED})
_AT_ONCE: Final = 500
# Kinds of `changes`.
OPENED, REOPENED, RESUMED, RISEN, RESOLVED = "opened", "reopened", "resumed", "risen", "resolved"
_FOLLOWED: Final = frozenset({OPENED, REOPENED, RESUMED, RISEN, RESOLVED})


def follow(changed: Sequence[Change]) -> None:
    """Queue the notices of changes. Without a mail server there are none."""
    of_interest = [change for change in changed if change.kind in _FOLLOWED]
    if of_interest and mail.is_configured():
        for first in range(0, len(of_interest), _AT_ONCE):
            _follow(of_interest[first : first + _AT_ONCE])


def _follow(changed: Sequence[Change]) -> None:
    now = datetime.now(UTC)
    enabled = AlertRecipient.objects.filter(is_enabled=True)
    recipients = {row.pk: row for row in enabled.select_related("user").prefetch_related("sites")}
    channels = {pk: recipient.channel for pk, recipient in recipients.items()}
    choices = {pk: routing.choice_of(recipient) for pk, recipient in recipients.items()}
    rules = AlertRule.objects.filter(pk__in={change.alert.rule_id for change in changed})
    allowed = dict(rules.values_list("pk", "channels"))
    earlier = _earlier({change.alert.pk for change in changed})
    queued, released = [], []
    for alert, changed_kind in changed:
        kind, known = str(changed_kind), earlier[alert.pk]
        if kind == RESOLVED:
            queued += [_row(known[pk], alert, pk, Kind.RESOLVED, now) for pk in _aware(known)]
            continue
        if alert.suppression:
            continue  # it is announced when the other alert or the maintenance has ended
        rule_channels = allowed.get(alert.rule_id, []) if alert.rule_id else []
        for pk in routing.wanted(alert, choices, channels, rule_channels):
            if not routing.may_get(recipients[pk], alert.site_id):
                continue
            held, news = _news(known[pk], kind)
            released += held
            if news is not None:
                queued.append(_row(known[pk], alert, pk, news, now))
    queue(queued)
    Notification.objects.filter(pk__in=[row.pk for row in released], state=State.QUEUED).update(
        due_at=now + group_wait(), why=""
    )


def _news(known: Sequence[Notification], kind: str) -> tuple[list[Notification], Notification.Kind | None]:
    """The collected notices that a change releases, and the kind of the notice that it makes."""
    waiting = [row for row in known if row.state == State.QUEUED and row.kind in ANNOUNCING]
    sent = [row for row in known if _may_have_arrived(row)]
    if waiting:
        # The waiting notice shows the alert as it will be then. A risen severity may not wait for a digest.
        return ([row for row in waiting if row.why in COLLECTED] if kind == RISEN else []), None
    if not sent:
        return [], Kind.OPENED
    if kind == RISEN or sent[-1].kind == Kind.RESOLVED:
        return [], Kind.CHANGED
    return [], Kind.REPEATED if kind == RESUMED else None


def _aware(known: dict[int, list[Notification]]) -> Iterable[int]:
    """The recipients that know of an open alert, or will when its end is announced."""
    for pk, rows in known.items():
        live = [row for row in rows if row.state in (State.QUEUED, State.SENT)]
        if any(row.kind in ANNOUNCING for row in live) and live[-1].kind != Kind.RESOLVED:
            yield pk


def _may_have_arrived(row: Notification) -> bool:
    return row.state == State.SENT or (row.state == State.QUEUED and row.attempts > 0)


def _earlier(alerts: Iterable[int]) -> dict[int, dict[int, list[Notification]]]:
    """The notices of these alerts by alert and recipient, in their order."""
    found: dict[int, dict[int, list[Notification]]] = defaultdict(lambda: defaultdict(list))
    for row in Notification.objects.filter(alert_id__in=list(alerts)).order_by("id"):
        assert row.alert_id is not None
        found[row.alert_id][row.recipient_id].append(row)
    return found


def _row(
    known: Sequence[Notification], alert: Alert, recipient: int, kind: Notification.Kind, now: datetime
) -> Notification:
    step = sum(1 for row in known if row.kind == kind and row.episode == alert.episode)
    return Notification(
        alert=alert,
        recipient_id=recipient,
        channel=AlertRecipient.Channel.EMAIL,
        kind=kind,
        episode=alert.episode,
        step=step,
        due_at=now + group_wait(),
    )


def queue(rows: Sequence[Notification]) -> None:
    """Store notices; one that is queued already is left out."""
    Notification.objects.bulk_create(rows, batch_size=_AT_ONCE, ignore_conflicts=True)


def group_wait() -> timedelta:
    """How long the first notice of a group waits for others."""
    return timedelta(seconds=settings.ALERT_GROUP_WAIT)


def group_interval() -> timedelta:
    """The least time between two mails of a group: five minutes unless ALERT_GROUP_WAIT is changed."""
    return 10 * group_wait()
