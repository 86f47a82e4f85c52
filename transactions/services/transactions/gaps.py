"""Missing sequence numbers: GetTransactionStatus asks whether the station has more (2.0.1 E14, F58)."""

from __future__ import annotations

from datetime import datetime, timedelta

from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import Station
from transactions.services.transactions import sessions
from transactions.services.transactions.suspicion import suspect

# Requests per transaction. The wait before a request is twice the previous wait.
MAX_REQUESTS = 4


def due(station: Station, now: datetime, grace: timedelta) -> list[TransactionState]:
    """The transactions that need a request now. Each is marked as requested."""
    found = []
    for transaction in station.transactions.values():
        if transaction.questions >= MAX_REQUESTS or not _has_gap(transaction):
            continue
        since = max(transaction.last_message_at, transaction.asked_at or transaction.last_message_at)
        if now - since < grace * 2**transaction.questions:
            continue
        transaction.questions += 1
        transaction.asked_at = now
        found.append(transaction)
    return found


def _has_gap(transaction: TransactionState) -> bool:
    return any(
        reason.partition(":")[0] in ("events-missing", "start-missing")
        for reason in transaction.suspect_reasons
    )


async def record_answer(
    *, station: Station, ocpp_id: str, has_queued_messages: bool, is_ongoing: bool | None
) -> None:
    """Record the station's answer. No queued messages means that the missing events will never arrive."""
    transaction = await sessions.find_ocpp_id(station, ocpp_id, in_database=True)
    if transaction is None or has_queued_messages:
        return
    transaction.questions = MAX_REQUESTS
    if _has_gap(transaction):
        ended = ", and reports that the session has ended" if is_ongoing is False else ""
        suspect(transaction, "events-lost", f"the station has nothing more to send{ended}")
        sessions.save(station, transaction)
