"""The connector says it is free, the transaction says it charges: that ends nothing, and makes it suspect."""

from __future__ import annotations

from datetime import datetime, timedelta

from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import Station
from transactions.services.suspicion import suspect

# A stop may be queued behind its StatusNotification for a while (1.6 3.7).
GRACE = timedelta(minutes=10)
CODE = "connector-available"


def look(station: Station, now: datetime) -> list[TransactionState]:
    """Active transactions whose connector has been Available for longer than the grace; each is told once."""
    found = []
    for transaction in station.transactions.values():
        if not transaction.is_active or any(r.startswith(CODE) for r in transaction.suspect_reasons):
            continue
        connector = station.connectors.get((transaction.evse or 0, transaction.connector or 1))
        if connector is None or connector.status != "Available" or connector.reported_at is None:
            continue
        latest = max(connector.reported_at, transaction.last_message_at)
        if connector.reported_at > transaction.started_at and now - latest > GRACE:
            suspect(transaction, CODE)
            found.append(transaction)
    return found
