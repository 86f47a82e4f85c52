"""A station's list as the API and the station page show it, and its one setting."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from chargepoints.models import ChargePoint
from configuration.models import LocalList


def stored(charge_point: ChargePoint) -> LocalList | None:
    """The list of a station; None if the server leaves it alone."""
    return LocalList.objects.filter(charge_point=charge_point).first()


def of(charge_point: ChargePoint) -> LocalList:
    """The same; a row that is not stored for a list that the server leaves alone."""
    return stored(charge_point) or LocalList(charge_point=charge_point)


def change(charge_point: ChargePoint, *, automatic: bool) -> LocalList:
    """Switch the automatic updates of a list on or off. Switched on, the list is due at once."""
    row, _ = LocalList.objects.get_or_create(charge_point=charge_point)
    if row.is_automatic != automatic:
        now = datetime.now(UTC)
        if automatic:
            # A list that is not supported is tried once more: the operator may know better by now.
            row.state, row.reason = LocalList.State.DUE, ""
        elif row.state == LocalList.State.DUE:
            is_as_wanted = bool(row.digest) and row.digest == row.wanted_digest
            row.state = LocalList.State.IN_SYNC if is_as_wanted else LocalList.State.UNKNOWN
        row.is_automatic, row.due_at = automatic, now if automatic else None
        row.save(update_fields=["is_automatic", "due_at", "state", "reason", "updated_at"])
    return row


def summary(row: LocalList) -> dict[str, Any]:
    """The fields of the answer to an update."""
    return {
        "state": row.state,
        "reason": row.reason,
        "version": row.version,
        "listed": row.listed_count,
        "eligible": row.eligible_count,
        "tooLong": row.unfit_count,
    }
