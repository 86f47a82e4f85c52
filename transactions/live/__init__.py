"""Loads transactions, remote starts, triggers, reservations, waiting stops and tokens into the live state."""

from __future__ import annotations

from ocpp_server.live import extensions
from ocpp_server.live.extensions import Extension
from transactions.live import stations, tokens
from transactions.live.abilities import ABILITIES
from transactions.live.expected_starts import EXPECTED_STARTS
from transactions.live.reservations import RESERVATIONS
from transactions.live.unmatched import ORPHANS, UNKNOWN_NUMBERS
from transactions.live.waiting_triggers import LAST_MESSAGES, TRIGGERS

TRANSACTIONS = Extension(name="transactions", load=stations.load_transactions)


def register() -> None:
    """Register with the engine; from `AppConfig.ready`."""
    extensions.transactions.fill(stations)
    extensions.tokens.fill(tokens)
    for extension in (
        TRANSACTIONS,
        EXPECTED_STARTS,
        TRIGGERS,
        LAST_MESSAGES,
        RESERVATIONS,
        ORPHANS,
        UNKNOWN_NUMBERS,
        ABILITIES,
    ):
        extensions.register(extension)
