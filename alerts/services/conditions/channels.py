"""Conditions about logins, webhooks and mails."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.db.models import Max, Q, Sum
from redis.exceptions import RedisError

from alerts.models import Notification, Severity
from alerts.services import logins, words
from alerts.services.codes import channels
from alerts.services.findings import Finding, Found
from alerts.services.inhibition import key_of
from alerts.services.look import Look
from alerts.services.notices.sending import RETRIES
from events.models import WebhookEndpoint
from ocpp_server.outbound import mail

log = structlog.get_logger(__name__)

_MOST: Final = 2000
# Notices that are older are given up by now.
_RECENT: Final = timedelta(days=7)
# A notice that was refused for good, such as for an unknown address, says little about the mail server later.
_REFUSED_FOR: Final = timedelta(days=1)
_State: Final = WebhookEndpoint.State


def failed_logins(look: Look) -> Found:
    """Failed logins and API keys of all addresses together. Unknown without Redis: nothing resolves then."""
    code = channels.LOGINS.name
    limits = look.rules.of(code).parameters
    try:
        counted = logins.counted(until=look.now, within_s=limits["within_s"])
    except RedisError as error:
        log.warning("alerts.redis_away", error=str(error))
        return Found([], is_complete=False)
    total = sum(counted.values())
    if total <= limits["times"]:
        return Found([])
    title = f"{total:,} logins failed in {words.duration(limits['within_s'])}"
    parts = [words.counted(number, word) for word, number in sorted(counted.items())]
    return Found(
        [Finding(code=code, key=key_of(code), title=title, detail=", ".join(parts) + ".", value=total)]
    )


def webhooks(look: Look) -> Found:
    """Webhooks that fail, or that the server has disabled."""
    code = channels.WEBHOOK.name
    limits = look.rules.of(code).parameters
    is_failing = Q(
        state__in=(_State.ACTIVE, _State.FAILING),
        failing_since__lte=look.now - timedelta(seconds=limits["after_s"]),
        failure_count__gte=limits["times"],
    )
    rows = WebhookEndpoint.objects.order_by("pk").filter(is_failing | Q(state=_State.DISABLED))
    columns = ("pk", "name", "state", "state_reason", "failing_since", "failure_count", "last_error")
    found = [_failing(look, row) for row in rows.values(*columns)[:_MOST]]
    return Found(found, is_complete=len(found) < _MOST)


def _failing(look: Look, row: dict[str, Any]) -> Finding:
    code, since = channels.WEBHOOK.name, row["failing_since"]
    is_disabled = row["state"] == _State.DISABLED
    said = "was disabled" if is_disabled else f"has failed since {words.since(since, look.now)}"
    detail = [row["state_reason"]] if is_disabled else []
    if row["last_error"]:
        detail.append(f"Last error: {row['last_error']}")
    return Finding(
        code=code,
        key=key_of(code, row["pk"]),
        title=f"The webhook {row['name']} {said}",
        detail="\n".join(filter(None, detail)),
        severity=Severity.CRITICAL if is_disabled else None,
        value=row["failure_count"],
    )


def mails(look: Look) -> Found:
    """Attempts to send mails about alerts that failed, without a success since."""
    code = channels.MAIL.name
    if not mail.is_configured():
        return Found([])
    is_open = Q(state=Notification.State.QUEUED, created_at__gte=look.now - _RECENT)
    is_refused = Q(state=Notification.State.FAILED, created_at__gte=look.now - _REFUSED_FOR)
    attempted = Notification.objects.filter(is_open | is_refused, attempts__gt=0)
    sent = Notification.objects.filter(sent_at__isnull=False).aggregate(last=Max("sent_at"))["last"]
    if sent is not None:
        attempted = attempted.filter(Q(created_at__gt=sent) | _tried_after(sent, look.now))
    failed = attempted.exclude(error="").order_by("-pk")
    times = failed.aggregate(times=Sum("attempts"))["times"] or 0
    if times < look.rules.of(code).parameters["times"]:
        return Found([])
    title = "The mail server takes no mails"
    if sent is not None:
        title = f"No mail about alerts was sent since {words.since(sent, look.now)}"
    error = failed.values_list("error", flat=True).first()
    detail = f"{words.counted(times, 'attempt')} failed. Last error: {error}"
    return Found([Finding(code=code, key=key_of(code), title=title, detail=detail, value=times)])


def _tried_after(sent: datetime, now: datetime) -> Q:
    """Notices whose last attempt was after this time. The time of an attempt is that of the next one without
    the pause; a notice that waits for longer than the pause was put off after it, and is left out.
    """
    found = Q()
    for number, pause in enumerate(RETRIES, start=1):
        is_last = number == len(RETRIES)
        attempts = Q(attempts__gte=number) if is_last else Q(attempts=number)
        found |= attempts & Q(due_at__gt=sent + pause, due_at__lte=now + pause)
    return Q(state=Notification.State.QUEUED) & found
