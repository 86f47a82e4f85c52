"""Limits of a transaction (2.1 E16): those that the answer to an event sends, and those of the station."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import Station
from transactions.services.transactions import abilities
from transactions.tables import TRANSACTIONS


async def to_send(
    *,
    station: Station,
    transaction: TransactionState,
    seq_no: int,
    reported: Mapping[str, float],
    is_offline: bool,
) -> dict[str, float]:
    """The limits for the answer to an event. `reported` are those that the station has set by then.

    A limit is sent once, and again only with a repetition of its event, whose answer may have been lost. It
    is sent neither with an event of the past nor after the end, and only if the station supports it. The
    limit of a token is not sent where the station's own is lower; that of an operator replaces it (E16.FR.08,
    E16.FR.12, E16.FR.18).
    """
    is_changed = False
    if reported and reported != transaction.limits_set:
        transaction.limits_set, is_changed = dict(reported), True
    found: dict[str, float] = {}
    if not is_offline and transaction.is_active:
        if transaction.limits_seq_no == seq_no:
            found = dict(transaction.limits_sent)
        else:
            found = await _unsent(station, transaction)
            if found:
                transaction.limits_sent = transaction.limits_sent | found
                transaction.limits_seq_no, is_changed = seq_no, True
    if is_changed:
        station.unit.update(TRANSACTIONS, transaction.id, limits=stored(transaction))
    return found


async def _unsent(station: Station, transaction: TransactionState) -> dict[str, float]:
    wanted = transaction.limits_wanted | transaction.limits_asked
    unsent = {
        name: value
        for name, value in wanted.items()
        if transaction.limits_sent.get(name) != value and _is_needed(transaction, name, value)
    }
    if not unsent:
        return {}
    supported = await abilities.limits(station)
    return {name: value for name, value in unsent.items() if name in supported}


def _is_needed(transaction: TransactionState, name: str, value: float) -> bool:
    own = transaction.limits_set.get(name)
    if own is None:
        return True
    return own != value if name in transaction.limits_asked else own > value


def stored(transaction: TransactionState) -> dict[str, Any] | None:
    """The column `limits`: those that are wanted, those that were sent and the event of the last, and those
    that the station has set. The limits of an operator have a column of their own, which no message writes.
    """
    parts: dict[str, Any] = {
        "wanted": transaction.limits_wanted,
        "sent": transaction.limits_sent,
        "set": transaction.limits_set,
    }
    found: dict[str, Any] = {name: dict(part) for name, part in parts.items() if part}
    if transaction.limits_seq_no is not None:
        found |= {"seqNo": transaction.limits_seq_no}
    return found or None
