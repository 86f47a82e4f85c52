"""Tokens as authorization sees them, and what stations do with them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from ocpp_server.live.records import TokenRecord
from transactions.services.authorization.listing import Use

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


def a_record(pk: int, uid: str = "", **more: Any) -> TokenRecord:
    usual = {"type": "RFID", "status": "active", "valid": True, "expires_at": None, "group_id": ""}
    return TokenRecord(pk=pk, uid=uid or f"T{pk}", **(usual | more))


def used(*pks: int, type: str = "") -> dict[int, Use]:
    """The last use of each, the first one the latest."""
    return {pk: Use(NOW - timedelta(days=days), type) for days, pk in enumerate(pks)}
