"""The energy of a transaction, from its register readings: the sum of what was added, never negative.

A register may start anywhere, reset in the middle (some meters count per session) or jump; the bill must
survive it.
All values in Wh.
"""

from __future__ import annotations

from datetime import datetime

from ocpp_server.live.records import TransactionState
from transactions.services.suspicion import suspect

# Nothing that charges a vehicle delivers more: the limit for calling a difference a jump.
MAX_POWER_W = 1_000_000.0
ALLOWANCE_WH = 1_000.0


def begin(transaction: TransactionState, meter_wh: float | None, at: datetime) -> None:
    """Take the start reading; negative means the station does not know it."""
    if meter_wh is None:
        return
    if meter_wh < 0:
        suspect(transaction, "meter-start-implausible", f"{meter_wh:g} Wh")
        return
    transaction.meter_start_wh = transaction.meter_last_wh = meter_wh
    transaction.meter_last_at = at


def reading(transaction: TransactionState, meter_wh: float, at: datetime) -> None:
    """Take a reading of Energy.Active.Import.Register, in any order of arrival."""
    last, last_at = transaction.meter_last_wh, transaction.meter_last_at
    if meter_wh < 0:
        return
    if last is None or transaction.meter_start_wh is None:
        transaction.meter_start_wh = transaction.meter_last_wh = meter_wh
        transaction.meter_last_at = at
        return
    if last_at is not None and at < last_at:
        _older(transaction, meter_wh, at)
        return
    added = meter_wh - last
    if added < 0:
        suspect(transaction, "meter-reset", f"{last:g} to {meter_wh:g} Wh")
    elif _is_jump(added, last_at or transaction.started_at, at):
        if transaction.energy_wh == 0 and last == 0:
            # A start reading of 0 from a station that had not read its meter yet.
            suspect(transaction, "meter-start-implausible", f"{last:g} Wh, then {meter_wh:g} Wh")
            transaction.meter_start_wh = meter_wh
            added = 0
        else:
            suspect(transaction, "meter-jump", f"{last:g} to {meter_wh:g} Wh")
    transaction.energy_wh += max(added, 0.0)
    transaction.meter_last_wh = meter_wh
    transaction.meter_last_at = at


def _older(transaction: TransactionState, meter_wh: float, at: datetime) -> None:
    """A reading that arrives late only counts when it is older than the start we took: the session began
    lower.
    """
    start = transaction.meter_start_wh
    if start is not None and meter_wh < start and at <= transaction.started_at:
        transaction.energy_wh += start - meter_wh
        transaction.meter_start_wh = meter_wh


def finish(transaction: TransactionState, meter_wh: float | None, at: datetime) -> float | None:
    """Take the final reading and return the one to store; the readings so far decide when it is missing or
    impossible.
    """
    if meter_wh is None or meter_wh < 0:
        if transaction.meter_last_wh is None:
            suspect(transaction, "meter-stop-missing")
        return transaction.meter_last_wh
    last = transaction.meter_last_wh
    if last is not None and meter_wh < last:
        suspect(transaction, "meter-regression", f"{last:g} Wh, then {meter_wh:g} Wh")
        return meter_wh
    if last is None:
        transaction.meter_start_wh = meter_wh
        suspect(transaction, "meter-start-implausible", "no reading before the stop")
    else:
        added = meter_wh - last
        if _is_jump(added, transaction.meter_last_at or transaction.started_at, at):
            suspect(transaction, "meter-jump", f"{last:g} to {meter_wh:g} Wh")
        transaction.energy_wh += added
    transaction.meter_last_wh = meter_wh
    transaction.meter_last_at = at
    return meter_wh


def _is_jump(added: float, since: datetime, at: datetime) -> bool:
    hours = max((at - since).total_seconds(), 0.0) / 3600
    return added > MAX_POWER_W * hours + ALLOWANCE_WH
