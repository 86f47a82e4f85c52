"""The fields of a 2.1 TransactionEvent that describe the session beyond 2.0.1; the last value counts."""

from __future__ import annotations

from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import Station
from transactions.tables import TRANSACTIONS


def note(
    *,
    station: Station,
    transaction: TransactionState,
    operation_mode: str | None,
    tariff_id: str | None,
    has_cost: bool,
    preconditioning: str | None,
    evse_sleep: bool | None,
) -> None:
    """Store what the event names. A field that it leaves out has not changed.

    `has_cost`: the event has cost details, which only a station sends that calculates the cost (I12).
    """
    counts_cost = (bool(tariff_id) or has_cost) and not transaction.counts_cost
    transaction.counts_cost |= counts_cost
    columns = {
        "operation_mode": operation_mode and operation_mode[:32],
        "station_tariff_id": tariff_id and tariff_id[:60],
        "counts_cost": counts_cost or None,
        "preconditioning_status": preconditioning and preconditioning[:32],
        "evse_sleep": evse_sleep,
    }
    named = {name: value for name, value in columns.items() if value is not None}
    if named:
        station.unit.set(TRANSACTIONS, transaction.id, dict(named))
