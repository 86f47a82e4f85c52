"""The access rule: may a token charge at a place? Pure, without database or network; `decision` calls it.

A refusal by a person's decision is BLOCKED, by time EXPIRED, by wrong data INVALID; the first one in this
order is the verdict. Place, time and budget have their own verdicts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from accounts.models import Contract, Token, User
from ocpp_server.live.records import Budget, Consumption, Places, TokenRecord
from ocpp_server.protocol.translate import Verdict
from ocpp_server.protocol.translate.energy import mwh_of, wh_of
from ocpp_server.protocol.translate.limits import COST, ENERGY
from transactions.services.authorization.credit import Credit


class Purpose(StrEnum):
    """The purpose of presenting a token.

    IDENTIFY asks for the token's status; a driver also ends a session this way (1.6 7.2). START asks for a
    new session, STOP ends one.
    """

    IDENTIFY = "identify"
    START = "start"
    STOP = "stop"


class Refused(NamedTuple):
    """Why a token may not charge: the verdict, and a sentence for the operator."""

    verdict: Verdict
    reason: str


_BARS = {
    "viewer": "its driver is only a viewer of the contract and may not charge",
    "invited": "its driver has not accepted the invitation to the contract yet",
    "removed": "its driver has left the contract",
    "stranger": "its driver is not a member of the contract",
}
_MASTER = Refused(Verdict.INVALID, "A master pass can stop sessions but not start one.")


def standing(record: TokenRecord, now: datetime) -> Refused | None:
    """The refusal of the token at any place; None when it is valid."""
    if record.status == Token.Status.BLOCKED:
        return Refused(Verdict.BLOCKED, "The token is blocked.")
    if record.status == Token.Status.LOST:
        return Refused(Verdict.BLOCKED, "The token was reported lost.")
    if record.user_status and record.user_status != User.Status.ACTIVE:
        return Refused(Verdict.BLOCKED, f"The account of the token's driver is {record.user_status}.")
    contract = record.contract_status
    if contract in (Contract.Status.SUSPENDED, Contract.Status.TERMINATED):
        return Refused(Verdict.BLOCKED, f"The contract {record.contract_id} is {contract}.")
    if record.status == Token.Status.EXPIRED:
        return Refused(Verdict.EXPIRED, "The token has expired.")
    if contract == Contract.Status.EXPIRED or _is_past(record.contract_until, now):
        return Refused(Verdict.EXPIRED, f"The contract {record.contract_id} has expired.")
    if _is_past(record.expires_at, now):
        return Refused(Verdict.EXPIRED, "The token has expired.")
    if record.status == Token.Status.INVALID or not record.valid:
        return Refused(Verdict.INVALID, "The token is marked as invalid.")
    if record.bar:
        return Refused(Verdict.INVALID, f"The token may not be used: {_BARS[record.bar]}.")
    return None


def circumstances(
    record: TokenRecord,
    *,
    now: datetime,
    station: int | None,
    site: int | None,
    drawn: Sequence[Consumption] = (),
    purpose: Purpose = Purpose.IDENTIFY,
) -> Refused | None:
    """The refusal by time, place or budget; None when there is none. Without a station the place is not
    checked. Raises ValueError unless `drawn` has an entry for each of `record.budgets`.
    """
    if record.valid_from is not None and now < record.valid_from:
        return Refused(Verdict.WRONG_TIME, "The token is not valid yet.")
    if record.contract_from is not None and now < record.contract_from:
        return Refused(Verdict.WRONG_TIME, f"The contract {record.contract_id} has not begun yet.")
    if purpose is Purpose.START and record.is_master:
        return _MASTER
    if station is not None:
        if record.refused_at is not None and record.refused_at.include(station, site):
            return Refused(Verdict.WRONG_PLACE, "An access rule refuses the token here.")
        if not _is_allowed(record.allowed_at, station, site):
            return Refused(Verdict.WRONG_PLACE, "Access rules allow the token only elsewhere.")
    for budget, consumption in zip(record.budgets, drawn, strict=True):
        if problem := exceeded(budget, consumption):
            return Refused(Verdict.NO_CREDIT, problem)
    return None


def concurrent(elsewhere: Sequence[str]) -> Refused | None:
    """`elsewhere`: the stations where the token is charging."""
    if not elsewhere:
        return None
    return Refused(Verdict.CONCURRENT, f"The token is already charging at {elsewhere[0]}.")


def group_limit_reached(record: TokenRecord, charging: int, limit: int) -> Refused | None:
    """`limit`: the number of sessions that a group may have at once; 0 is no limit."""
    if not limit or charging < limit:
        return None
    return Refused(
        Verdict.CONCURRENT,
        f"The group {record.group_id} already has {charging} sessions; {limit} are allowed.",
    )


def exceeded(budget: Budget, drawn: Consumption) -> str:
    """A sentence about the limit that is used up; empty when none is."""
    owner = "token" if budget.subject.startswith("token") else "contract"
    for limit, used, period in (
        (budget.wh_per_day, drawn.day_mwh, "day"),
        (budget.wh_per_month, drawn.month_mwh, "month"),
    ):
        if limit is not None and used >= mwh_of(limit):
            kwh = f"{wh_of(used) / 1000:,.1f} of {limit / 1000:,.1f} kWh"
            return f"The {owner}'s budget for the {period} is used up: {kwh}."
    return ""


def without_credit(credit: Credit | None) -> Refused | None:
    """The refusal of a prepaid token whose credit is used up (2.1 C17)."""
    if credit is None or credit.balance > 0:
        return None
    return Refused(Verdict.NO_CREDIT, "The prepaid token has no credit left.")


def limits(
    budgets: Sequence[Budget], drawn: Sequence[Consumption], credit: Credit | None
) -> dict[str, float]:
    """The limits of a session (2.1 E16): the energy (Wh) that the budgets leave, and the credit. `drawn` is
    empty where nothing was checked; then only the credit counts.
    """
    left = [
        mwh_of(limit) - used
        for budget, consumption in zip(budgets, drawn, strict=False)
        for limit, used in (
            (budget.wh_per_day, consumption.day_mwh),
            (budget.wh_per_month, consumption.month_mwh),
        )
        if limit is not None
    ]
    found = {ENERGY: float(wh_of(min(left)))} if left else {}
    if credit is not None:
        found |= {**credit.limits, COST: credit.balance}
    return found


def _is_past(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment <= now


def _is_allowed(allowed_at: tuple[Places, ...], station: int, site: int | None) -> bool:
    """Whether token, group and contract all allow the place. An allowance refuses all other places."""
    return all(places.include(station, site) for places in allowed_at)
