"""Webhooks as their operators see them: create, change, rotate the secret, pause, enable, test, replay."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from asgiref.sync import async_to_sync
from django.db import IntegrityError, transaction

from chargepoints.models import ChargePoint, Site
from events.models import Event, WebhookDelivery, WebhookEndpoint
from events.services import reading
from events.services.envelopes import Content
from events.services.webhooks import attempts, signing, store
from events.services.webhooks.attempts import Attempt
from events.services.webhooks.bodies import chosen_types
from events.services.webhooks.schedule import Meaning
from ocpp_server.domain import Conflict, Invalid
from ocpp_server.error_codes import Code
from ocpp_server.events import catalogue, outbox
from ocpp_server.outbound import addresses
from ocpp_server.outbound.addresses import AddressRefused
from ocpp_server.outbound.posting import Sender

MOST: Final = 50
MOST_REPLAYED: Final = 10_000
MOST_OVERLAP: Final = timedelta(days=7)
_AT_ONCE: Final = 1000  # equivalent: the other events follow in the next query
_MOST_HEADERS, _MOST_HEADER = 5, 1000
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
# Headers that the sender writes itself, or that would change the meaning of the request.
_RESERVED: Final = frozenset(
    {"host", "connection", "transfer-encoding", "te", "trailer", "upgrade", "expect", "keep-alive"}
    | {"user-agent", "idempotency-key", "accept", "accept-encoding", "proxy-authorization"}
)
# An operator waits for the answer to a test.
_TEST_S: Final = 10.0
TEST_TYPE: Final = "webhook.test"
_CHANGEABLE: Final = frozenset(
    {
        "name",
        "url",
        "types",
        "station",
        "site_id",
        "format",
        "personal_data",
        "headers",
        "ordering",
        "timeout_s",
        "contact_email",
    }
)
_COLUMNS: Final = sorted((_CHANGEABLE - {"headers"}) | {"sealed_headers"})


def create(*, created_by: str, secret: str = "", **settings: Any) -> WebhookEndpoint:
    """Add a webhook, which gets the events from now on. The row has its secret as `plain_secret`, once.

    Raises Invalid, and Conflict for a name that exists or too many webhooks.
    """
    if WebhookEndpoint.objects.count() >= MOST:
        raise Conflict(f"There are {MOST} webhooks already.", code=Code.LIMIT_REACHED)
    row = WebhookEndpoint(created_by=created_by, cursor=reading.last_position())
    plain = secret or signing.new_secret()
    row.sealed_secret = signing.CIPHER.seal(_checked_secret(plain))
    _save(row, settings)
    row.plain_secret = plain  # type: ignore[attr-defined]
    return row


def change(row: WebhookEndpoint, **settings: Any) -> None:
    """Change the given settings. Raises Invalid, Conflict."""
    _save(row, settings)


def delete(row: WebhookEndpoint) -> None:
    """Delete a webhook with its log. Events that wait for it are not sent."""
    row.delete()


def rotate(row: WebhookEndpoint, *, overlap: timedelta = timedelta(hours=24)) -> WebhookEndpoint:
    """Make a new secret. During the overlap events are signed with both. Raises Invalid."""
    if not timedelta() <= overlap <= MOST_OVERLAP:
        raise Invalid("Must be at most 7 days.", field="overlap")
    plain = signing.new_secret()
    row.sealed_previous_secret = row.sealed_secret if overlap else ""
    row.previous_secret_until = datetime.now(UTC) + overlap if overlap else None
    row.sealed_secret = signing.CIPHER.seal(plain)
    row.save(update_fields=["sealed_secret", "sealed_previous_secret", "previous_secret_until", "updated_at"])
    row.plain_secret = plain  # type: ignore[attr-defined]
    return row


def pause(row: WebhookEndpoint) -> None:
    """Stop sending; events wait. Raises Conflict for a webhook that is disabled."""
    if not row.is_sending:
        raise Conflict(f"The webhook {row} is {row.state}.")
    _set(row, WebhookEndpoint.State.PAUSED)


def enable(row: WebhookEndpoint, *, start: str = "cursor") -> None:
    """Send again: `cursor` continues where it stopped, `now` skips the events since. Raises Conflict."""
    if row.is_sending:
        raise Conflict(f"The webhook {row} is {row.state}.")
    if start == "now":
        row.cursor = reading.last_position()
        row.save(update_fields=["cursor"])
        WebhookDelivery.objects.filter(endpoint=row, state="pending").update(
            state="failed", next_attempt_at=None, error="Skipped when the webhook was enabled from now."
        )
    _set(row, WebhookEndpoint.State.ACTIVE)


def _set(row: WebhookEndpoint, state: str) -> None:
    row.state, row.state_reason = state, ""
    row.failure_count, row.failing_since, row.next_attempt_at = 0, None, None
    row.save(
        update_fields=[
            "state",
            "state_reason",
            "failure_count",
            "failing_since",
            "next_attempt_at",
            "updated_at",
        ]
    )


def test(row: WebhookEndpoint) -> Attempt:
    """Send a `webhook.test` now, also of a webhook that is paused or disabled. Its result is in no log."""
    sender_of = store.settings_of(row)
    if sender_of is None:
        raise Conflict(f"The secret of {row} was encrypted with another SECRET_KEY. Rotate it.")
    now = datetime.now(UTC)
    data = {"webhookId": row.pk, "name": row.name}
    content = Content(outbox.new_uid(), TEST_TYPE, 1, 0, None, "", None, now, data)

    async def send() -> Attempt:
        sender = Sender(row.url, attempts.permission())
        try:
            return await attempts.send(sender, sender_of, content, {}, limit_s=min(_TEST_S, row.timeout_s))
        finally:
            sender.close()

    try:
        return async_to_sync(send)()
    except AddressRefused as error:
        return Attempt(Meaning.TROUBLE, error=str(error))


def retry(delivery: WebhookDelivery) -> None:
    """Send an event once more, now. Raises Conflict for one that waits already or no longer exists."""
    if delivery.state == WebhookDelivery.State.PENDING:
        raise Conflict("The delivery is pending already.")
    if not Event.objects.filter(uid=delivery.event_id).exists():
        raise Conflict("The event was deleted (EVENT_RETENTION).")
    delivery.state, delivery.attempt_count = WebhookDelivery.State.PENDING, 0
    delivery.next_attempt_at, delivery.is_replay = datetime.now(UTC), True
    delivery.save(update_fields=["state", "attempt_count", "next_attempt_at", "is_replay"])


def replay(row: WebhookEndpoint, *, after: datetime, types: list[str] | None = None) -> int:
    """Send the stored events since a time once more, beside the new ones. Returns how many.

    Raises Invalid for an unknown type, and Conflict for more than MOST_REPLAYED events or a webhook that does
    not send.
    """
    if not row.is_sending:
        raise Conflict(f"The webhook {row} is {row.state}. Enable it first.")
    wanted = chosen_types(row.types)
    if types:
        wanted &= chosen_types(_checked_types(types))
    events = Event.objects.numbered().filter(at__gt=after, type__in=sorted(wanted), position__lte=row.cursor)
    if row.station:
        events = events.filter(station=row.station)
    if row.site_id is not None:
        events = events.filter(site_id=row.site_id)
    if (count := events.order_by()[: MOST_REPLAYED + 1].count()) > MOST_REPLAYED:
        raise Conflict(f"More than {MOST_REPLAYED:,} events. Choose a later time, or fewer types.")
    now = datetime.now(UTC)
    rows = [
        WebhookDelivery(
            endpoint=row,
            event_id=uid,
            type=type,
            station=station,
            position=position or 0,
            next_attempt_at=now,
            is_replay=True,
            at=now,
        )
        for uid, type, station, position in events.values_list("uid", "type", "station", "position")
    ]
    # A pending row of the same event keeps its place: it is about to be sent anyway.
    waiting = set(row.deliveries.filter(state="pending").values_list("event_id", flat=True))
    WebhookDelivery.objects.bulk_create(
        [each for each in rows if each.event_id not in waiting],
        batch_size=_AT_ONCE,
        update_conflicts=True,
        unique_fields=["endpoint", "event_id"],
        update_fields=["state", "attempt_count", "next_attempt_at", "is_replay", "error", "at"],
    )
    return count


def header_names(row: WebhookEndpoint) -> list[str]:
    """The names of the additional headers; their values are not shown."""
    text = signing.CIPHER.unseal(row.sealed_headers) if row.sealed_headers else None
    return sorted(json.loads(text)) if text else []


def _save(row: WebhookEndpoint, settings: Mapping[str, Any]) -> None:
    unexpected = settings.keys() - _CHANGEABLE
    if unexpected:
        raise TypeError(f"not a setting of a webhook: {', '.join(sorted(unexpected))}")
    for name, value in settings.items():
        if name == "headers":
            checked = _checked_headers(value)
            row.sealed_headers = signing.CIPHER.seal(json.dumps(checked)) if checked else ""
        else:
            setattr(row, name, value.strip() if isinstance(value, str) else value)
    if not row.name:
        raise Invalid("Must not be blank.", field="name")
    _checked_types(row.types)
    _check_url(row.url)
    if "station" in settings and row.station:
        row.station = _spelled(row.station)
    if row.site_id is not None and "site_id" in settings and not Site.objects.filter(pk=row.site_id).exists():
        raise Invalid("There is no such site.", field="siteId")
    # The sender writes the other columns meanwhile.
    columns = None if row.pk is None else [*_COLUMNS, "updated_at"]
    try:
        with transaction.atomic():
            row.save(update_fields=columns)
    except IntegrityError:
        raise Conflict(f"A webhook {row.name} already exists.", field="name", code=Code.DUPLICATE) from None


def _check_url(url: str) -> None:
    try:
        addresses.checked_form(addresses.parse(url), attempts.permission())
    except AddressRefused as error:
        raise Invalid(str(error), field="url") from None


def _checked_secret(secret: str) -> str:
    try:
        signing.key_of(secret)
    except ValueError as error:
        raise Invalid(str(error), field="secret") from None
    return secret


def _checked_types(types: list[str]) -> list[str]:
    try:
        if types:
            catalogue.matching(types)
    except catalogue.UnknownTypes as unknown:
        raise Invalid(f"No type of event matches {str(unknown)!r}.", field="types") from None
    return types


def _checked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    if len(headers) > _MOST_HEADERS:
        raise Invalid(f"At most {_MOST_HEADERS} headers.", field="headers")
    if len({name.lower() for name in headers}) < len(headers):
        raise Invalid("A name is given twice.", field="headers")
    for name, value in headers.items():
        lowered = name.lower()
        if not _HEADER_NAME.fullmatch(name):
            raise Invalid(f"{name[:100]!r} is not the name of a header.", field="headers")
        if lowered in _RESERVED or lowered.startswith(("webhook-", "content-")):
            raise Invalid(f"The header {name} is not allowed.", field="headers")
        if not value.isascii() or not value.isprintable() or not 0 < len(value) <= _MOST_HEADER:
            raise Invalid(
                f"The value of {name} must be 1 to {_MOST_HEADER} printable ASCII characters.",
                field="headers",
            )
    return dict(headers)


def _spelled(identity: str) -> str:
    found = ChargePoint.objects.by_identity(identity).values_list("identity", flat=True).first()
    if found is None:
        raise Invalid("There is no such station.", field="station")
    return found
