"""A station restarted while transactions were running."""

from __future__ import annotations

from datetime import datetime, timedelta

from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import Station
from transactions.services import sessions
from transactions.services.suspicion import CONNECTOR_FREE, clear


def note_boot(station: Station) -> None:
    """Mark what is open as interrupted. Nothing is closed: the station may resume, or still send the stop
    (1.6 4.10).
    """
    for transaction in station.transactions.values():
        if transaction.is_active and transaction.interrupted_at is None:
            transaction.interrupted_at = station.received_at
            sessions.mark_interrupted(station, transaction)


def goes_on(station: Station, transaction: TransactionState, at: datetime, *, has_drawn: bool) -> None:
    """The station said something about a running transaction at this moment of its own clock.

    A message from before the restart, sent from the station's queue after it, proves nothing. Energy proves
    that a vehicle is connected, whatever the connector's status says.
    """
    interrupted_at = transaction.interrupted_at
    if interrupted_at is not None and at - timedelta(seconds=station.clock_skew_s or 0) > interrupted_at:
        transaction.interrupted_at = None
    if has_drawn:
        clear(transaction, CONNECTOR_FREE)
