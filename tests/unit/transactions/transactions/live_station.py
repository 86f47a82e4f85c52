"""A live station and its transactions in memory, for rules that need neither a message nor a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from events.tables import EVENTS
from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import Station
from transactions.live.abilities import ABILITIES
from transactions.services.metering import energy

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def minutes(count: float) -> datetime:
    return NOON + timedelta(minutes=count)


def a_station() -> Station:
    station = Station(pk=1, identity="CP-1", version="ocpp1.6")
    station.received_at = minutes(60)
    station.connected_at = minutes(-60)
    ABILITIES.of(station).swapping_read_at = station.received_at  # it has reported nothing
    return station


def running(number: int = 1000, meter_wh: float | None = 1000, **more: Any) -> TransactionState:
    """A running transaction on EVSE 1 that began at noon with the token `CARD`."""
    values: dict[str, Any] = {
        "ocpp_id": str(number),
        "station": "CP-1",
        "evse": 1,
        "connector": 1,
        "id_token": "CARD",
        "token_key": "card",
        "authorization_status": "Accepted",
        "started_at": NOON,
        "last_message_at": NOON,
    }
    transaction = TransactionState(id=number, **(values | more))
    if transaction.is_active:
        energy.begin(transaction, meter_wh, transaction.started_at)
    return transaction


def with_transactions(*transactions: TransactionState) -> Station:
    station = a_station()
    for transaction in transactions:
        station.transactions[transaction.id] = transaction
    return station


def emitted(station: Station) -> list[tuple[str, dict[str, Any]]]:
    """The events of the current message: their types and data."""
    rows = [
        dict(zip(table.names, row, strict=True)) for table, row in station.unit.inserts if table is EVENTS
    ]
    return [(row["type"], orjson.loads(row["data"])) for row in rows]
