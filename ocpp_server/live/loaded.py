"""The part of a live station that is read from the database, declared once.

A reload replaces all of it (`Station.take_over`), so an attribute that is declared here cannot be forgotten.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from ocpp_server.live.records import ConnectorState, TransactionState

# Makes the empty state of each slot. The index in this list is the slot's number.
_empty_states: list[Callable[[], object]] = []


def add_slot(empty: Callable[[], object]) -> int:
    """Add a slot to every station that is made from now on. Returns its number."""
    _empty_states.append(empty)
    return len(_empty_states) - 1


def empty_slots() -> tuple[Any, ...]:
    """The empty states of a new station."""
    return tuple([empty() for empty in _empty_states])


@dataclass(slots=True, eq=False, repr=False)
class Loaded:
    """The columns of the charge point's row, the objects that every message reads, and the apps' slots."""

    site_pk: int | None = None
    # Whether its site is that of test keys (`sites.is_for_tests`).
    is_test: bool = False
    registration_status: str = "Pending"
    has_booted: bool = False
    strict: bool = False
    accepts_unknown_tokens: bool = False
    # Whether the station refuses transactions without a token (2.0.1 C02.FR.02).
    refuses_free_vending: bool = False
    zone: ZoneInfo | None = None
    heartbeat_interval: int = 0
    firmware_version: str = ""
    status: str = ""
    connectors: dict[tuple[int, int], ConnectorState] = field(default_factory=dict)
    # Running and recent transactions by number; recent ones are needed for repeated and late messages.
    transactions: dict[int, TransactionState] = field(default_factory=dict)
    # The states of the apps. An app reads its own one through its `extensions.Slot`.
    slots: tuple[Any, ...] = field(default_factory=empty_slots)


LOADED = tuple(one.name for one in dataclasses.fields(Loaded))
