"""The transaction that an operator names."""

from __future__ import annotations

from chargepoints.models import ChargePoint
from ocpp_server.domain import Conflict, Missing
from ocpp_server.error_codes import Code
from ocpp_server.storage.row_numbers import row_number
from transactions.models import Transaction


def to_stop(reference: int | str, charge_point: ChargePoint | None = None) -> Transaction:
    """The transaction to stop, by the server's number or the station's id for it.

    Raises Missing, and Conflict when the station has ended it, or when several stations use the id.
    """
    transaction = named(reference, charge_point)
    if transaction.ended_by == Transaction.EndedBy.STATION:
        raise Conflict(f"Transaction {transaction.pk} has ended.", code=Code.TRANSACTION_ENDED)
    return transaction


def named(reference: int | str, charge_point: ChargePoint | None = None) -> Transaction:
    """The transaction with the server's number or the station's id for it. Without a station, only running
    transactions are found by the station's id.

    Raises Missing, and Conflict when several stations use the id.
    """
    rows = Transaction.objects.select_related("charge_point")
    if charge_point is not None:
        rows = rows.filter(charge_point=charge_point)
    number = reference if isinstance(reference, int) else row_number(reference)
    found = [] if number is None else list(rows.filter(pk=number))  # equivalent: None finds nothing
    if not found:
        if charge_point is None:
            # Without a station only running transactions are searched: the index keeps them few.
            rows = rows.active()
        found = list(rows.filter(ocpp_id=str(reference)).order_by("-pk")[:2])
    if not found:
        place = "" if charge_point is None else f" at {charge_point.identity}"
        raise Missing(f"Transaction {reference} not found{place}.")
    if len({row.charge_point_id for row in found}) > 1:
        raise Conflict(
            f"Several stations have a transaction {reference}. clientId is required.", code=Code.AMBIGUOUS
        )
    return found[0]
