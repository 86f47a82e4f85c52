"""Changes of alerts, given to those who react to them in the transaction of the change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from alerts.models import Alert


class Kind(StrEnum):
    """Kinds of changes. Notices follow them."""

    OPENED = "opened"
    # The same row again, soon after its end; or the cause of its suppression has ended.
    REOPENED = "reopened"
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
    """Call the listeners. The caller has stored the alerts and is in their transaction."""
    if changes:
        for listener in _listeners:
            listener(changes)
