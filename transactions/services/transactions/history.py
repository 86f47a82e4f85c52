"""The messages and readings of one session, as the API shows them: the latest of a very long one."""

from __future__ import annotations

from typing import Final

from transactions.models import Transaction, TransactionEvent
from transactions.services.metering.stored import Series, StoredSample

LATEST_VALUES: Final = 100
LATEST_EVENTS: Final = 200


def readings(transaction: Transaction) -> list[StoredSample]:
    """The latest readings, oldest first. The list of meter values has all of them."""
    return Series(transaction.pk).page(LATEST_VALUES, newest_first=True)[::-1]


def number_of_readings(transaction: Transaction) -> int:
    return Series(transaction.pk).total()


def events(transaction: Transaction) -> list[TransactionEvent]:
    """The latest messages, in order.

    1.6 has no events: the start and the stop are derived from the transaction, and are not stored.
    """
    rows = transaction.events.defer("payload", "payload_text")  # not shown
    stored = list(rows.order_by("-seq_no", "-id")[:LATEST_EVENTS])
    if stored:
        return stored[::-1]
    offline = transaction.was_offline
    started = TransactionEvent(
        type=TransactionEvent.Type.STARTED,
        at=transaction.started_at,
        received_at=transaction.start_received_at,
        offline=offline,
    )
    if transaction.stopped_at is None:
        return [started]
    ended = TransactionEvent(
        type=TransactionEvent.Type.ENDED,
        trigger_reason=transaction.stop_reason,
        at=transaction.stopped_at,
        received_at=transaction.stop_received_at,  # type: ignore[misc]  # not stored
        offline=offline,
    )
    return [started, ended]
