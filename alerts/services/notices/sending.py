"""Sends the notices that are due, as mails.

1. `claim` judges the notices whose time has come, groups those that may leave, and counts an attempt. It sets
   the time of the next attempt first: a process that dies meanwhile costs a second mail, and loses none.
2. The mails are sent in a thread, over one connection.
3. `record` stores what the mail server has answered.

Notices about one code at one site leave together, some minutes after those before at the earliest.
Notices that have waited for quiet hours, a digest, a limit or a mail server leave in one mail.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from django.core.mail import make_msgid
from django.core.mail.utils import DNS_NAME

from alerts.models import Alert, AlertRule, Notification, Severity
from alerts.services.notices import composing, digests, links, routing, timing
from alerts.services.notices.composing import Item
from alerts.services.notices.links import Grant
from alerts.services.notices.queueing import ANNOUNCING, group_interval, group_wait
from alerts.services.notices.timing import Drop, Notice, Wait
from ocpp_server.outbound.mail import Mail, Outcome, Result

Kind, State, Why = Notification.Kind, Notification.State, Notification.Why
# (recipient, code, site); a digest has neither code nor site.
Group = tuple[int, str, int | None]

# Mails to one recipient; further notices wait for the next full hour.
MOST_AN_HOUR: Final = 30
# Mails and notices of one run; the next one continues.
MOST_MAILS: Final = 20
MOST_ROWS: Final = 1000
# The pauses after failed attempts; the last one repeats.
RETRIES: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60))
GIVE_UP_AFTER: Final = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A mail with its notices."""

    mail: Mail
    rows: tuple[Notification, ...]


def claim(now: datetime) -> list[Outgoing]:
    """The mails that are to be sent now."""
    due = list(
        Notification.objects.filter(due_at__lte=now)
        .select_related("alert__rule", "alert__site", "recipient__user")
        .order_by("due_at", "id")[:MOST_ROWS]
    )
    if not due:
        return []
    known = _known(due)
    ready: dict[Group, list[Notification]] = defaultdict(list)
    changed: list[Notification] = []
    for row in due:
        site = row.alert.site_id if row.alert is not None else None
        habits = routing.habits_of(row.recipient)
        if row.alert is not None and not routing.may_get(row.recipient, site):
            habits = replace(habits, is_reachable=False)
        verdict = timing.judge(_facts(row, known), habits, now)
        match verdict:
            case Drop(why):
                row.state, row.why, row.due_at = State.SUPPRESSED, why, None
                changed.append(row)
            case Wait(until, why):
                row.due_at, row.why = until, why
                changed.append(row)
            case _:
                ready[_group(row)].append(row)
    outgoing = _mails(ready, changed, now)
    Notification.objects.bulk_update(changed, ["state", "why", "due_at"], batch_size=200)
    sent = [row for one in outgoing for row in one.rows]
    Notification.objects.bulk_update(sent, ["message_id", "attempts", "due_at"], batch_size=200)
    return outgoing


def record(outgoing: Sequence[Outgoing], results: Sequence[Result], now: datetime) -> None:
    """Store the answers of the mail server."""
    for one, result in zip(outgoing, results, strict=True):
        rows = Notification.objects.filter(pk__in=[row.pk for row in one.rows])
        if result.outcome is Outcome.SENT:
            rows.update(state=State.SENT, sent_at=now, due_at=None, why="", error="")
            continue
        rows.update(error=result.reason)
        if result.outcome is Outcome.FAILED:
            rows.update(state=State.FAILED, due_at=None)
        else:
            old = rows.filter(created_at__lt=now - GIVE_UP_AFTER) | rows.filter(kind=Kind.TEST)
            old.update(state=State.FAILED, due_at=None)


def _known(rows: Iterable[Notification]) -> set[tuple[int | None, int]]:
    """The alerts that recipients know of, of those in these rows."""
    sent = Notification.objects.filter(
        alert_id__in={row.alert_id for row in rows if row.alert_id}, state=State.SENT, kind__in=ANNOUNCING
    )
    return set(sent.values_list("alert_id", "recipient_id"))


def _facts(row: Notification, known: set[tuple[int | None, int]]) -> Notice:
    alert = row.alert
    if alert is None:
        return Notice(row.kind, row.why, Severity.INFO)
    return Notice(
        kind=row.kind,
        why=row.why,
        severity=Severity(alert.severity),
        quiet=alert.rule.quiet if alert.rule else AlertRule.Quiet.EXCEPT_CRITICAL,
        suppression=alert.suppression,
        is_resolved=alert.resolved_at is not None,
        is_acknowledged=alert.state == Alert.State.ACKNOWLEDGED,
        is_known=(row.alert_id, row.recipient_id) in known,
        snoozed_until=alert.snoozed_until,
    )


def _group(row: Notification) -> Group:
    if row.alert is None:
        return row.recipient_id, Kind.TEST, row.pk
    if row.attempts or row.why in timing.COLLECTED:
        return row.recipient_id, "", None
    return row.recipient_id, row.alert.code, row.alert.site_id


def _mails(
    ready: dict[Group, list[Notification]], changed: list[Notification], now: datetime
) -> list[Outgoing]:
    """A mail for each group that may leave now; the rows of the others go to `changed`, with a later time."""
    recipients = {recipient for recipient, _, _ in ready}
    counts, latest = _recent(recipients, now)
    _add_companions(ready, recipients, now)
    outgoing: list[Outgoing] = []
    interval = group_interval()
    for group, rows in ready.items():
        recipient, code, _ = group
        before = latest.get(group)
        is_urgent = any(row.kind in (Kind.ESCALATED, Kind.TEST) for row in rows)
        if before is not None and now - before < interval and not is_urgent:
            _postpone(rows, before + interval, "", changed)
        elif code and not is_urgent and counts[recipient] >= MOST_AN_HOUR:
            zone = routing.zone_of(rows[0].recipient)
            _postpone(rows, digests.next_hour(zone, now), Why.RATE, changed)
        elif len(outgoing) < MOST_MAILS:
            counts[recipient] += 1
            outgoing.append(_outgoing(rows, now, is_digest=not code))
    return outgoing


def _recent(recipients: set[int], now: datetime) -> tuple[dict[int, int], dict[Group, datetime]]:
    """The mails of the last hour for each recipient, and the time of the last one of each group."""
    mails: dict[int, set[str]] = defaultdict(set)
    latest: dict[Group, datetime] = {}
    sent = Notification.objects.filter(
        sent_at__gt=now - digests.HOUR, recipient_id__in=recipients, alert__isnull=False
    )
    for recipient, code, site, mail, at in sent.values_list(
        "recipient_id", "alert__code", "alert__site_id", "message_id", "sent_at"
    ):
        mails[recipient].add(mail)
        if at is not None:
            group = (recipient, str(code), site)
            latest[group] = max(at, latest.get(group, at))
    counts: dict[int, int] = defaultdict(int, {one: len(ids) for one, ids in mails.items()})
    return counts, latest


def _add_companions(ready: dict[Group, list[Notification]], recipients: set[int], now: datetime) -> None:
    """Add the notices of the same groups whose own wait is not over: they would follow in seconds."""
    waiting = Notification.objects.filter(
        due_at__gt=now, due_at__lte=now + group_wait(), why="", attempts=0, recipient_id__in=recipients
    )
    for row in waiting.select_related("alert__rule", "alert__site", "recipient__user").order_by("id"):
        group = _group(row)
        is_open = row.alert is not None and row.alert.resolved_at is None and not row.alert.suppression
        if group in ready and row.kind == Kind.OPENED and is_open:
            ready[group].append(row)


def _postpone(rows: Iterable[Notification], until: datetime, why: str, changed: list[Notification]) -> None:
    for row in rows:
        row.due_at, row.why = until, why
        changed.append(row)


def _outgoing(rows: Sequence[Notification], now: datetime, *, is_digest: bool) -> Outgoing:
    recipient = rows[0].recipient
    ids = {row.message_id for row in rows}
    # The same mail again has the same id: mail programs then show it once.
    message_id = ids.pop() if len(ids) == 1 and "" not in ids else make_msgid(domain=DNS_NAME)
    for row in rows:
        row.message_id = message_id
        row.due_at = now + RETRIES[min(row.attempts, len(RETRIES) - 1)]
        row.attempts += 1
    if rows[0].kind == Kind.TEST:
        words = composing.test(recipient.name)
    else:
        words = composing.compose(
            _items(rows),
            routing.zone_of(recipient),
            is_digest=is_digest,
            settings_link=links.of_recipient(recipient.pk),
        )
    headers = {"Message-ID": message_id} | _thread(rows)
    if settings_link := links.of_recipient(recipient.pk):
        headers["List-Unsubscribe"] = f"<{settings_link}>"
    mail = Mail(to=routing.address_of(recipient), headers=headers, **words._asdict())
    return Outgoing(mail, tuple(rows))


def _items(rows: Sequence[Notification]) -> list[Item]:
    """One item for each alert: its last notice, which knows the most."""
    newest = {row.alert_id: row for row in sorted(rows, key=lambda row: row.pk)}
    return [_item(row, row.alert) for row in newest.values() if row.alert is not None]


def _item(row: Notification, alert: Alert) -> Item:
    may_acknowledge = alert.state == Alert.State.OPEN
    grant = Grant(alert.pk, alert.episode, row.recipient_id)
    return Item(
        kind=row.kind,
        severity=Severity(alert.severity),
        title=alert.title,
        detail=alert.detail,
        what_to_do=alert.what_to_do,
        note=alert.rule.note if alert.rule else "",
        site=alert.site.name if alert.site else "",
        opened_at=alert.opened_at,
        resolved_at=alert.resolved_at,
        acknowledged_by=alert.acknowledged_by,
        count=alert.count,
        link=links.of_alert(alert.pk),
        acknowledge=links.to_acknowledge(grant) if may_acknowledge else "",
    )


def _thread(rows: Sequence[Notification]) -> dict[str, str]:
    """The headers that put a mail below the first ones about its alerts."""
    earlier = (
        Notification.objects.filter(
            alert_id__in=[row.alert_id for row in rows[:50] if row.alert_id],
            recipient_id=rows[0].recipient_id,
            state=State.SENT,
        )
        .order_by("id")
        .values_list("message_id", flat=True)
    )
    found = list(dict.fromkeys(earlier))[:10]
    return {"In-Reply-To": found[0], "References": " ".join(found)} if found else {}
