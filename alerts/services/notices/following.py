"""Queues what no change of an alert leads to: repetitions, steps of an escalation, ends of a snooze."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from alerts.models import Alert, AlertRecipient, Notification, Severity
from alerts.services.notices import escalation, routing
from alerts.services.notices.queueing import ANNOUNCING, queue
from ocpp_server.domain import Invalid
from ocpp_server.outbound import mail

Kind, State = Notification.Kind, Notification.State
# A critical alert without an acknowledgement is repeated this often.
REPEAT_EVERY: Final = timedelta(hours=4)


def follow(now: datetime) -> None:
    """Queue the notices that the time alone has made due."""
    if not mail.is_configured():
        return
    alerts = list(
        Alert.objects.unresolved()
        .filter(state=Alert.State.OPEN, suppression="", recovering_since__isnull=True)
        .select_related("rule")
        .order_by("opened_at")
    )
    waiting = [alert for alert in alerts if _may_be_due(alert, now)]
    if not waiting:
        return
    rows: dict[int, list[Notification]] = {}
    for row in Notification.objects.filter(alert__in=waiting).order_by("id"):
        if row.alert_id is not None:
            rows.setdefault(row.alert_id, []).append(row)
    enabled = AlertRecipient.objects.filter(is_enabled=True).select_related("user")
    names = {recipient.name_key: recipient for recipient in enabled}
    queued: list[Notification] = []
    for alert in waiting:
        known = rows.get(alert.pk, [])
        queued += _escalated(alert, known, names, now)
        queued += _repeated(alert, known, now)
    queue(queued)


def _may_be_due(alert: Alert, now: datetime) -> bool:
    if alert.snoozed_until is not None:
        return alert.snoozed_until <= now
    return alert.severity == Severity.CRITICAL or bool(alert.rule and alert.rule.escalation)


def _escalated(
    alert: Alert, known: Sequence[Notification], names: dict[str, AlertRecipient], now: datetime
) -> Iterator[Notification]:
    done = {
        (row.step, row.recipient_id)
        for row in known
        if row.kind == Kind.ESCALATED and row.episode == alert.episode
    }
    for number, step in escalation.due(
        _steps(alert), opened_at=alert.opened_at, severity=Severity(alert.severity), now=now
    ):
        for recipient in (names[name] for name in step.to if name in names):
            if (number, recipient.pk) not in done and routing.may_get(recipient, alert.site_id):
                yield _row(alert, recipient.pk, Kind.ESCALATED, number, now)


def _steps(alert: Alert) -> tuple[escalation.Step, ...]:
    """None where the stored value can't be read: repetitions go on."""
    try:
        return escalation.parse(alert.rule.escalation) if alert.rule is not None else ()
    except Invalid:
        return ()


def _repeated(alert: Alert, known: Sequence[Notification], now: datetime) -> Iterator[Notification]:
    of_recipients: dict[int, list[Notification]] = {}
    for row in known:
        if row.kind in ANNOUNCING and row.episode == alert.episode:
            of_recipients.setdefault(row.recipient_id, []).append(row)
    for recipient, rows in of_recipients.items():
        times = [row.sent_at for row in rows if row.sent_at is not None]
        if not times or any(row.state == State.QUEUED for row in rows):
            continue
        is_critical = alert.severity == Severity.CRITICAL and now - max(times) >= REPEAT_EVERY
        # A snooze is a wish to be reminded at its end.
        woke = alert.snoozed_until is not None and max(times) < alert.snoozed_until <= now
        if is_critical or woke:
            step = sum(1 for row in rows if row.kind == Kind.REPEATED)
            yield _row(alert, recipient, Kind.REPEATED, step, now)


def _row(alert: Alert, recipient: int, kind: Notification.Kind, step: int, now: datetime) -> Notification:
    return Notification(
        alert=alert,
        recipient_id=recipient,
        channel=AlertRecipient.Channel.EMAIL,
        kind=kind,
        episode=alert.episode,
        step=step,
        due_at=now,
    )
