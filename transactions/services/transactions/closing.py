"""Closing a transaction off the message path: by housekeeping, by a rule, by an operator.

A stop that the station sends later replaces such an end: only `ended_by == "station"` is final.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import structlog
from django.db import transaction

from accounts.models.token import normalise_uid
from chargepoints.services.provisioning import stations
from ocpp_server import live
from transactions.models import Transaction
from transactions.services.transactions import announcing

log = structlog.get_logger(__name__)

Reasons = Sequence[str] | Callable[[list[str]], list[str]]


def close(
    number: int,
    *,
    by: Transaction.EndedBy,
    at: datetime | None = None,
    reasons: Reasons = (),
    stop_reason: str = "",
    unless_message_since: datetime | None = None,
) -> bool:
    """End an active transaction at its last reading. Returns whether this call ended it.

    `at` is when the session ended, by default the time of its last message. `reasons` are suspicions to add
    (one per code), or a function that takes the present ones and returns the new ones. With
    `unless_message_since` the transaction stays open when a message about it arrived after that moment.

    Synchronous and callable from any thread. A conditional update claims the row: only one of several callers
    ends it, and a message that is stored meanwhile is not overwritten. After the commit the transaction
    leaves the live state: its token can charge elsewhere at once, and the process that serves the station
    loads the station again.
    """
    while True:
        row = Transaction.objects.active().filter(pk=number).select_related("charge_point").first()
        if row is None or (unless_message_since is not None and row.last_message_at > unless_message_since):
            return False
        suspect_reasons = _with(row.suspect_reasons, reasons)
        # Every message changes `last_message_at`: the same value means that the row has not changed.
        claimed = Transaction.objects.active().filter(pk=number, last_message_at=row.last_message_at)
        columns = {
            "status": Transaction.Status.ENDED,
            "ended_by": by,
            "stop_reason": stop_reason[:64],
            "charging_state": "",
            "meter_stop_wh": row.meter_last_wh,
            "power_w": None,
            "stopped_at": at or row.last_message_at,
            "stop_received_at": datetime.now(UTC),
            "updated_at": datetime.now(UTC),
            "suspect": bool(suspect_reasons),
            "suspect_reasons": suspect_reasons,
        }
        with transaction.atomic():
            closed = claimed.update(**columns)
            if closed:
                for name, value in columns.items():
                    setattr(row, name, value)
                announcing.closed(row)
        if closed:
            log.info("transaction.closed", transaction=number, station=row.charge_point.identity, by=by.value)
            forget_when_stored(row)
            return True


def close_abandoned(before: datetime) -> None:
    """Close transactions without a message since `before`. Housekeeping calls it."""
    silent = Transaction.objects.active().filter(last_message_at__lt=before)
    for number, last_message_at in list(silent.values_list("pk", "last_message_at")):
        close(
            number,
            by=Transaction.EndedBy.ABANDONED,
            reasons=("abandoned",),
            unless_message_since=last_message_at,
        )


def forget_when_stored(row: Transaction) -> None:
    """After the commit, remove an ended transaction from the live state of every process.

    A failure here must not undo the stored change or fail the journal's batch. Housekeeping compares the
    shared state with the database and removes any remains.
    """
    number, token_key, identity = row.pk, normalise_uid(row.id_token), row.charge_point.identity

    def forget() -> None:
        live.state().transaction_abandoned(number, token_key)
        stations.reload(identity)

    transaction.on_commit(forget, robust=True)


def reload_when_stored(row: Transaction) -> None:
    """After the commit, make the process that serves the station load the changed transaction."""
    identity = row.charge_point.identity
    transaction.on_commit(lambda: stations.reload(identity), robust=True)


def _with(present: list[str], reasons: Reasons) -> list[str]:
    if callable(reasons):
        return reasons(list(present))
    codes = {reason.partition(":")[0] for reason in present}
    return [*present, *(reason for reason in reasons if reason.partition(":")[0] not in codes)]
