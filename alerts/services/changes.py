"""Changes of alerts, given to those who react to them in the transaction of the change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.urls import reverse

from alerts.models import Alert
from ocpp_server.events import outbox
from ocpp_server.events.catalogue import alerts as events


class Kind(StrEnum):
    """Kinds of changes. Notices follow them."""

    OPENED = "opened"
    # The same row again, soon after its end, with the next episode.
    REOPENED = "reopened"
    # It is open, and nothing silences it any more: no cause, maintenance, snooze or acknowledgement.
    RESUMED = "resumed"
    # The severity has risen.
    RISEN = "risen"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"


class Change(NamedTuple):
    """A stored alert, and what has happened to it."""

    alert: Alert
    kind: Kind


Listener = Callable[[Sequence[Change]], None]
_listeners: Final[list[Listener]] = []


def register(listener: Listener) -> None:
    """Add a function that is called in the transaction of the changes; for `AppConfig.ready`."""
    _listeners.append(listener)


def publish(changes: Sequence[Change]) -> None:
    """Store the events, and call the listeners. The caller has stored the alerts and is in their transaction.

    An alert that is resumed is opened a second time for consumers of events: as long as it was suppressed,
    they had no reason to act.
    """
    if not changes:
        return
    outbox.emit_many(events.OPENED, _stored(changes, Kind.OPENED, Kind.REOPENED, Kind.RESUMED))
    outbox.emit_many(events.ESCALATED, _stored(changes, Kind.RISEN))
    outbox.emit_many(events.ACKNOWLEDGED, _stored(changes, Kind.ACKNOWLEDGED))
    outbox.emit_many(events.RESOLVED, _stored(changes, Kind.RESOLVED))
    for listener in _listeners:
        listener(changes)


def _stored(changes: Sequence[Change], *kinds: Kind) -> list[tuple[str, int | None, dict[str, Any]]]:
    """The station, site and data of the events about these changes."""
    return [(alert.station, alert.site_id, _data(alert)) for alert, kind in changes if kind in kinds]


def _data(alert: Alert) -> dict[str, Any]:
    return {
        "alertId": alert.pk,
        "code": alert.code,
        "key": alert.key,
        "severity": str(alert.severity),
        "state": str(alert.state),
        "suppression": str(alert.suppression),
        "title": alert.title,
        "detail": alert.detail,
        "whatToDo": alert.what_to_do,
        "openedAt": alert.opened_at,
        "resolvedAt": alert.resolved_at,
        "acknowledgedBy": alert.acknowledged_by or None,
        "count": alert.count,
        "episode": alert.episode,
        "url": url_of(alert),
    }


def url_of(alert: Alert) -> str:
    """The page of an alert in the admin; a path alone without PUBLIC_URL."""
    return settings.PUBLIC_URL.rstrip("/") + reverse("admin:alerts_alert_change", args=[alert.pk])
