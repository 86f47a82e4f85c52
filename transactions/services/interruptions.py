"""A station booted while transactions were running."""

from __future__ import annotations

from ocpp_server.live.station import Station
from transactions.tables import TRANSACTIONS


def note_boot(station: Station) -> None:
    """Mark what is open as interrupted. Nothing is closed: the station may resume, or still send the stop
    (1.6 4.10).
    """
    for transaction in station.transactions.values():
        if transaction.is_active:
            station.unit.update(TRANSACTIONS, transaction.id, is_interrupted=True)
