"""The catalogue: every type of event, in one table. `docs` writes docs/events.md from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Final

from ocpp_server.events.catalogue import (
    alerts,
    campaigns,
    certificates,
    charging,
    firmware,
    reservations,
    revocations,
    smart_charging,
    stations,
    tariffs,
    webhooks,
)
from ocpp_server.events.types import EventType

EVENTS: Final[dict[str, EventType]] = {
    each.name: each
    for each in (
        *stations.TYPES,
        *charging.TYPES,
        *reservations.TYPES,
        *revocations.TYPES,
        *smart_charging.TYPES,
        *campaigns.TYPES,
        *firmware.TYPES,
        *tariffs.TYPES,
        *certificates.TYPES,
        *webhooks.TYPES,
        *alerts.TYPES,
    )
}

STARRED: Final = tuple(name for name, each in EVENTS.items() if each.is_starred)

# The types that wait for a block or app which is not built yet, with what they wait for.
NOT_YET: Final[dict[str, str]] = {
    "limit.changed": "load management",
    "load.adjusted": "load management",
}


class UnknownTypes(ValueError):
    """A pattern names no type of event. `str(error)` is the pattern."""


def matching(patterns: Sequence[str], *, among: Iterable[str] = EVENTS) -> frozenset[str]:
    """The names of the types that match one of the patterns, such as `transaction.*`. Raises UnknownTypes."""
    found: set[str] = set()
    for pattern in patterns:
        names = {name for name in among if fnmatchcase(name, pattern)}
        if not names:
            raise UnknownTypes(pattern)
        found |= names
    return frozenset(found)
