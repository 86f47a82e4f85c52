"""The queries of the sender. They run in the journal's thread, between the messages of stations, so each is
small.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.db.models import Min, Q

from events.models import Event, WebhookDelivery, WebhookEndpoint
from events.services import envelopes, reading
from events.services.envelopes import Content
from events.services.selecting import Selection
from events.services.webhooks import signing
from events.services.webhooks.bodies import selection_of
from ocpp_server.events import outbox
from ocpp_server.events.catalogue import webhooks

# Events of one read, and pending deliveries of one read.
PAGE: Final = 500
_DELIVERIES: Final = 50
# Log rows of one statement.
_AT_ONCE: Final = 500  # equivalent: the other rows are in the next statement
_LOGGED: Final = (
    "state",
    "attempt_count",
    "next_attempt_at",
    "status_code",
    "error",
    "duration_ms",
    "response_excerpt",
    "is_replay",
    "at",
)


@dataclass(frozen=True, slots=True)
class Settings:
    """The part of a webhook that its sender needs, decrypted. Two are equal if nothing has changed."""

    pk: int
    url: str
    format: str
    has_personal_data: bool
    is_in_order: bool
    timeout_s: int
    filter: Selection
    headers: tuple[tuple[str, str], ...]
    keys: tuple[bytes, ...]
    updated_at: datetime


class Started(NamedTuple):
    """A webhook as its row says: where to begin, and its failures."""

    settings: Settings
    cursor: int
    state: str
    failure_count: int
    failing_since: datetime | None
    next_attempt_at: datetime | None
    last_success_at: datetime | None


@dataclass(slots=True)
class Logged:
    """A row of the log that is to be written."""

    content: Content
    state: str
    attempts: int
    next_attempt_at: datetime | None = None
    status: int | None = None
    error: str = ""
    duration_ms: float | None = None
    excerpt: str = ""
    is_replay: bool = False
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


class Pending(NamedTuple):
    """A stored delivery that is to be sent; without its content when the event was deleted."""

    content: Content | None
    attempts: int
    row: WebhookDelivery


class Read(NamedTuple):
    """Events in their order, the names of their sites, and the position after which the next read begins."""

    events: list[Event]
    contents: list[Content]
    sites: dict[int, str]
    next: int
    lost: int
    more: bool


class Status(NamedTuple):
    """The columns of a webhook that its sender writes."""

    cursor: int
    state: str
    failure_count: int
    failing_since: datetime | None
    next_attempt_at: datetime | None
    last_success_at: datetime | None
    last_status: int | None
    last_error: str


def started() -> list[Started]:
    """The webhooks that send. One whose secret can't be decrypted is disabled."""
    found = []
    for row in WebhookEndpoint.objects.filter(state__in=("active", "failing")).order_by("pk"):
        if (each := _started(row)) is not None:
            found.append(each)
        else:
            disable(
                row.pk,
                "The secret was encrypted with another SECRET_KEY. Rotate it, then enable the webhook.",
            )
    return found


def started_one(pk: int) -> Started | None:
    """A webhook that sends, as its row says now."""
    row = WebhookEndpoint.objects.filter(pk=pk, state__in=("active", "failing")).first()
    return None if row is None else _started(row)


def settings_of(row: WebhookEndpoint) -> Settings | None:
    """The settings of a sender; None when the secret or the headers can't be decrypted."""
    now = datetime.now(UTC)
    sealed = [row.sealed_secret]
    if row.sealed_previous_secret and row.previous_secret_until and row.previous_secret_until > now:
        sealed.append(row.sealed_previous_secret)
    secrets = [signing.CIPHER.unseal(each) for each in sealed]
    headers = signing.CIPHER.unseal(row.sealed_headers) if row.sealed_headers else "{}"
    if secrets[0] is None or headers is None:
        return None
    return Settings(
        pk=row.pk,
        url=row.url,
        format=row.format,
        has_personal_data=row.personal_data == WebhookEndpoint.PersonalData.FULL,
        is_in_order=row.ordering == WebhookEndpoint.Ordering.STATION,
        timeout_s=row.timeout_s,
        filter=selection_of(row),
        headers=tuple(json.loads(headers).items()),
        keys=tuple(signing.key_of(secret) for secret in secrets if secret is not None),
        updated_at=row.updated_at,
    )


def _started(row: WebhookEndpoint) -> Started | None:
    chosen = settings_of(row)
    if chosen is None:
        return None
    return Started(
        chosen,
        row.cursor,
        row.state,
        row.failure_count,
        row.failing_since,
        row.next_attempt_at,
        row.last_success_at,
    )


def read(after: int) -> Read:
    """The next events after a position. `lost`: how many were deleted before they could be read."""
    page = reading.read(after, limit=PAGE, conditions={})
    first = page.events[0].position if page.events else page.next + 1
    lost = max(0, (first or 0) - after - 1) if page.gap else 0
    contents = [Content.of(event) for event in page.events]
    return Read(page.events, contents, envelopes.site_names(contents), page.next, lost, page.more)


def blocked(endpoint: int, *, by_station: bool) -> dict[str, datetime]:
    """The lanes with pending deliveries, and when each is due: a station, or an event of its own."""
    rows = _pending(endpoint, is_replay=False)
    found: dict[str, datetime] = {}
    stations = rows.exclude(station="") if by_station else rows.none()
    for station, due in stations.order_by().values_list("station").annotate(Min("next_attempt_at")):
        found[station] = due or datetime.now(UTC)
    alone = rows.filter(station="") if by_station else rows
    for uid, due in alone.values_list("event_id", "next_attempt_at"):
        found[uid] = due or datetime.now(UTC)
    return found


def pending(endpoint: int, lane: str) -> list[Pending]:
    """The oldest pending deliveries of a lane."""
    rows = _pending(endpoint, is_replay=False).filter(Q(station=lane) | Q(event_id=lane))
    return _with_events(list(rows.order_by("position")[:_DELIVERIES]))


def replays(endpoint: int, now: datetime) -> list[Pending]:
    """The oldest replays that are due."""
    rows = _pending(endpoint, is_replay=True).filter(next_attempt_at__lte=now)
    return _with_events(list(rows.order_by("position")[:_DELIVERIES]))


def with_replays() -> set[int]:
    """The webhooks with replays that wait."""
    rows = WebhookDelivery.objects.filter(state="pending", is_replay=True).order_by()
    return set(rows.values_list("endpoint", flat=True).distinct())


def settled_after(endpoint: int, position: int) -> dict[str, int]:
    """The events after a position that the log has already: a process that died had sent them."""
    rows = WebhookDelivery.objects.filter(endpoint=endpoint, position__gt=position)
    return dict(rows.order_by("-id").values_list("event_id", "position")[: 4 * PAGE])


def _pending(endpoint: int, *, is_replay: bool) -> Any:
    return WebhookDelivery.objects.filter(endpoint=endpoint, state="pending", is_replay=is_replay)


def _with_events(rows: list[WebhookDelivery]) -> list[Pending]:
    events = {event.uid: event for event in Event.objects.filter(uid__in=[row.event_id for row in rows])}
    found = []
    for row in rows:
        event = events.get(row.event_id)
        content = Content.of(event) if event is not None and event.position is not None else None
        found.append(Pending(content, row.attempt_count, row))
    return found


def write(endpoint: int, logged: Sequence[Logged], status: Status) -> bool:
    """Write rows of the log and the columns of the webhook. Returns False when the webhook was deleted."""
    if not WebhookEndpoint.objects.filter(pk=endpoint).exists():
        return False
    # One event may be in twice, such as refused and then sent: its last state counts.
    last = {each.content.id: each for each in logged}
    WebhookDelivery.objects.bulk_create(
        [_row(endpoint, each) for each in last.values()],
        batch_size=_AT_ONCE,
        update_conflicts=True,
        unique_fields=["endpoint", "event_id"],
        update_fields=list(_LOGGED),
    )
    row = WebhookEndpoint.objects.filter(pk=endpoint)
    # An operator may have paused it, or moved its cursor on, since it was read.
    row.filter(state__in=("active", "failing")).update(
        **{name: value for name, value in status._asdict().items() if name != "cursor"}
    )
    row.filter(cursor__lt=status.cursor).update(cursor=status.cursor)
    return True


def disable(endpoint: int, reason: str) -> WebhookEndpoint | None:
    """Disable a webhook that sends. Returns its row; None when it sends no more already."""
    rows = WebhookEndpoint.objects.filter(pk=endpoint, state__in=("active", "failing"))
    if not rows.update(state="disabled", state_reason=reason, next_attempt_at=None):
        return None
    row = WebhookEndpoint.objects.get(pk=endpoint)
    outbox.emit(
        webhooks.DISABLED,
        webhookId=row.pk,
        name=row.name,
        reason=reason,
        failingSince=row.failing_since,
    )
    return row


def _row(endpoint: int, logged: Logged) -> WebhookDelivery:
    content = logged.content
    return WebhookDelivery(
        endpoint_id=endpoint,
        event_id=content.id,
        type=content.type,
        station=content.station,
        position=content.position,
        state=logged.state,
        attempt_count=logged.attempts,
        next_attempt_at=logged.next_attempt_at,
        status_code=logged.status,
        error=logged.error[:255],
        duration_ms=logged.duration_ms,
        response_excerpt=logged.excerpt,
        is_replay=logged.is_replay,
        at=logged.at,
    )


def expire(rows: Sequence[WebhookDelivery]) -> None:
    """The events of these pending deliveries were deleted before they could be sent."""
    WebhookDelivery.objects.filter(pk__in=[row.pk for row in rows]).update(
        state="expired",
        next_attempt_at=None,
        error="The event was deleted (EVENT_RETENTION).",
        at=datetime.now(UTC),
    )


def disable_after() -> timedelta:
    return timedelta(seconds=settings.WEBHOOK_DISABLE_AFTER)
