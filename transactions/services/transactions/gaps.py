"""GetTransactionStatus: whether the station has missing events (2.0.1 E14, F58), and whether a session that
was open before a reconnect still runs.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import Station
from transactions.models import Transaction
from transactions.services.transactions import sessions
from transactions.services.transactions.suspicion import SESSION_UNKNOWN, suspect

# Requests per transaction. The wait before a request is twice the previous wait.
MAX_REQUESTS = 4


def due(station: Station, now: datetime, grace: timedelta) -> list[TransactionState]:
    """The transactions that need a request now. Each is marked as requested."""
    found = []
    for transaction in station.transactions.values():
        if transaction.questions >= MAX_REQUESTS or not _is_doubtful(station, transaction):
            continue
        since = max(_last_sign(station, transaction), transaction.asked_at or transaction.last_message_at)
        if now - since < grace * 2**transaction.questions:
            continue
        transaction.questions += 1
        transaction.asked_at = now
        found.append(transaction)
    return found


def _is_doubtful(station: Station, transaction: TransactionState) -> bool:
    return _has_gap(transaction) or _is_open_since_before(station, transaction)


def _is_open_since_before(station: Station, transaction: TransactionState) -> bool:
    """Whether the station has neither mentioned the open session on this connection nor confirmed it."""
    last = max(transaction.last_message_at, transaction.confirmed_at or transaction.last_message_at)
    return transaction.is_active and last < station.connected_at


def _last_sign(station: Station, transaction: TransactionState) -> datetime:
    """When the wait begins: at the last message; after a reconnect the station has time to send its queue."""
    if _is_open_since_before(station, transaction):
        return station.connected_at
    return transaction.last_message_at


def _has_gap(transaction: TransactionState) -> bool:
    return any(
        reason.partition(":")[0] in ("events-missing", "start-missing")
        for reason in transaction.suspect_reasons
    )


async def record_answer(
    *, station: Station, ocpp_id: str, has_queued_messages: bool, is_ongoing: bool | None
) -> None:
    """Record the station's answer. No queued messages means that the missing events will never arrive.

    A session that is not ongoing, and about which nothing is queued, will get no stop: it ends at its last
    reading and is suspect. A stop that comes nevertheless replaces this end.
    """
    transaction = await sessions.find_ocpp_id(station, ocpp_id, in_database=True)
    if transaction is None:
        return
    if is_ongoing:
        transaction.confirmed_at = station.received_at
    if has_queued_messages:
        return
    has_ended, has_gap = is_ongoing is False and transaction.is_active, _has_gap(transaction)
    if has_gap or not is_ongoing:
        transaction.questions = MAX_REQUESTS
    if not has_gap and not has_ended:
        return
    if has_gap:
        ended = ", and reports that the session has ended" if is_ongoing is False else ""
        suspect(transaction, "events-lost", f"the station has nothing more to send{ended}")
    if has_ended:
        suspect(transaction, SESSION_UNKNOWN)
        last = transaction.last_message_at
        sessions.end(station, transaction, by=Transaction.EndedBy.LOST.value, at=last)
    else:
        sessions.save(station, transaction)
