"""Active transactions whose connector reports Available.

An accepted transaction may still get its stop, or the status may be wrong: it becomes suspect. A refused
transaction that has drawn nothing ends.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from chargepoints.services import availability
from ocpp_server import live
from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import Station
from ocpp_server.live.unit_of_work import UnitOfWork
from ocpp_server.protocol.translate import Place
from transactions.models import Transaction
from transactions.services.transactions import sessions
from transactions.services.transactions.concurrency import was_refused
from transactions.services.transactions.suspicion import CONNECTOR_FREE, has, suspect
from transactions.tables import TRANSACTIONS

# A stop may be queued behind its StatusNotification for a while (1.6 3.7).
GRACE = timedelta(minutes=10)


def overdue(station: Station, now: datetime) -> list[TransactionState]:
    """Active transactions whose connector has been Available for longer than the grace, and that are not
    suspect for that reason yet.
    """
    found = []
    for transaction in station.transactions.values():
        if not transaction.is_active or has(transaction, CONNECTOR_FREE):
            continue
        free_since = availability.free_since(station, Place(transaction.evse, transaction.connector))
        if free_since is None or free_since <= transaction.started_at:
            continue
        if now - max(free_since, transaction.last_message_at) > GRACE:
            found.append(transaction)
    return found


async def mark_suspect(station: Station, work: UnitOfWork) -> None:
    """Make the overdue transactions suspect. Runs between two messages."""
    found = overdue(station, datetime.now(UTC))
    for transaction in found:
        reasons = [*transaction.suspect_reasons, CONNECTOR_FREE]
        changes = {"suspect": True, "suspect_reasons": reasons, "updated_at": datetime.now(UTC)}
        station.unit.set(TRANSACTIONS, transaction.id, changes)
    await work.store()
    for transaction in found:
        suspect(transaction, CONNECTOR_FREE)
    # A doubtful session no longer counts for its token, in other processes too.
    live.state().station_changed(station)


def end_refused(station: Station) -> None:
    """End refused transactions that have drawn nothing and whose connector is free again.

    The driver has left. A later stop replaces this end.
    """
    for transaction in list(station.transactions.values()):
        if not transaction.is_active or not was_refused(transaction) or transaction.has_drawn:
            continue
        if availability.free_since(station, Place(transaction.evse, transaction.connector)) is None:
            continue
        # The station's clock may be ahead of the server's: the end must not precede the start.
        at = max(station.received_at, transaction.started_at)
        sessions.end(station, transaction, by=Transaction.EndedBy.REFUSED.value, at=at)
