"""The live state in memory: connections, caches, and the index of running transactions."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from ocpp_server.live import extensions
from ocpp_server.live.records import (
    Budget,
    Connection,
    TokenRecord,
    TransactionState,
)

AT = datetime(2026, 5, 4, 12, tzinfo=UTC)


TODAY = date(2026, 5, 4)


def stored() -> Any:
    return extensions.tokens.app


def token(pk: int = 1, *budgets: str) -> TokenRecord:
    limits = tuple(Budget(subject, 1000, None) for subject in budgets)
    return TokenRecord(pk, "CARD", "ISO14443", "Accepted", True, None, "", budgets=limits)


def connection(id: str, identity: str = "CP-1") -> Connection:
    return Connection(id, identity, "ocpp1.6", "process.1", "10.0.0.1", AT)


def running(number: int = 1, token_key: str = "card", group_id: str = "", **more: Any) -> TransactionState:
    times = {"started_at": AT, "last_message_at": AT}
    values = {"id": number, "ocpp_id": str(number), "station": "CP-1", "token_key": token_key}
    return TransactionState(**(values | times | {"group_id": group_id} | more))
