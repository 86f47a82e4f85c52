"""One price for each kWh, with tax, at every station.

Start the server with OCPP_PRICE=docs.examples.price_per_kwh.total.
"""

from __future__ import annotations

from decimal import Decimal

from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import Station

PER_KWH = Decimal("0.42")
MWH_PER_KWH = 1_000_000  # energies are whole thousandths of a Wh


def total(station: Station, transaction: TransactionState) -> Decimal:
    """The cost of the energy so far, or in all once the session has ended; 0 for none."""
    return PER_KWH * transaction.energy_mwh / MWH_PER_KWH
