"""Sessions, readings, access rules and refused tokens in the admin; one module a noun."""

from transactions.admin import (
    access_rules,
    cards,
    counters,
    events,
    menu,
    quarantine,
    readings,
    refusals,
    remote_starts,
    reservations,
    sessions,
    settlements,
)

__all__ = [
    "access_rules",
    "cards",
    "counters",
    "events",
    "menu",
    "quarantine",
    "readings",
    "refusals",
    "remote_starts",
    "reservations",
    "sessions",
    "settlements",
]
