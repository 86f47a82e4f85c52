"""The fields of a 2.1 TransactionEvent that describe its session."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.transactions.transactions.live_station import running, with_transactions
from transactions.services.transactions import details
from transactions.tables import TRANSACTIONS

NOTHING: dict[str, Any] = {
    "operation_mode": None,
    "tariff_id": None,
    "has_cost": False,
    "preconditioning": None,
    "evse_sleep": None,
}


def noted(*, counts_cost: bool = False, **fields: Any) -> tuple[bool, dict[str, Any]]:
    """Whether the station counts the cost afterwards, and the columns that the event changes."""
    station = with_transactions(running(counts_cost=counts_cost))
    transaction = station.transactions[1000]
    details.note(station=station, transaction=transaction, **(NOTHING | fields))
    changed: dict[str, Any] = {}
    for table, key, values in station.unit.updates:
        assert (table, key) == (TRANSACTIONS, 1000)
        changed |= values
    return transaction.counts_cost, changed


@pytest.mark.parametrize(
    ("before", "fields", "after", "columns"),
    [
        (False, {}, False, {}),
        (False, {"tariff_id": "A" * 61}, True, {"station_tariff_id": "A" * 60, "counts_cost": True}),
        (False, {"tariff_id": ""}, False, {"station_tariff_id": ""}),
        (False, {"has_cost": True}, True, {"counts_cost": True}),
        (True, {"has_cost": True, "tariff_id": "A"}, True, {"station_tariff_id": "A"}),
        (True, {"evse_sleep": False}, True, {"evse_sleep": False}),
    ],
)
def test_a_station_counts_the_cost_once_it_has_named_a_tariff_or_sent_details(
    before: bool, fields: dict[str, Any], after: bool, columns: dict[str, Any]
) -> None:
    assert noted(counts_cost=before, **fields) == (after, columns)
