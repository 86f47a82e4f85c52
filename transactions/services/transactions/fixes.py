"""The fix that a suspect session needs: a pure function of its data. Energies are whole thousandths of a Wh.

An operator applies the proposed fix, another one, or none; `settling` writes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from ocpp_server.protocol.translate.energy import WHOLE_WH, wh_of
from transactions.models import Settlement
from transactions.services.metering.counting import ALLOWANCE_MWH, is_jump
from transactions.services.transactions.suspicion import ABOUT_REGISTERS

Fix = Settlement.Fix

# The longest pause before a session that continues another one, and the longest overlap by wrong clocks.
CONTINUES_WITHIN: Final = timedelta(minutes=15)
OVERLAP: Final = timedelta(minutes=5)
# Corrections below this are rounding.
NOTICEABLE_MWH: Final = WHOLE_WH

CONNECTOR_FREE: Final = frozenset({"connector-available", "abandoned"})
# Reasons that concern the energy.
ENERGY: Final = ABOUT_REGISTERS | {"events-missing", "events-lost"}
# Reasons that may mean that one charging became two sessions.
SPLIT: Final = frozenset(
    {"superseded", "matched-without-number", "abandoned", "start-missing", "stop-came-first"}
)
# Reasons that the server would add again while the session runs.
FOUND_AGAIN: Final = frozenset({"connector-available"}) | ENERGY


class Reading(NamedTuple):
    """The energy register at one moment."""

    at: datetime
    mwh: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """The input of the rule. `ended_at` is the time of the last message while the session runs."""

    number: int
    is_active: bool
    codes: frozenset[str]
    energy_mwh: int
    meter_start_mwh: int | None
    meter_last_mwh: int | None
    meter_stop_mwh: int | None
    token_key: str
    started_at: datetime
    ended_at: datetime


class Proposal(NamedTuple):
    """The fix to apply and why, in a sentence. No fix when the session has to end first, or a person has to
    determine the energy.

    `energy_mwh` is the session's energy after the fix, `other` the session to merge with.
    """

    fix: Settlement.Fix | None
    words: str
    energy_mwh: int | None = None
    other: int | None = None

    @property
    def energy_wh(self) -> float | None:
        return wh_of(self.energy_mwh)


def figure(mwh: int | None) -> str:
    """Thousandths as text in Wh: 9,003,000 or 120.5."""
    return "?" if mwh is None else f"{wh_of(mwh):,.3f}".rstrip("0").rstrip(".")


def propose(session: Session, readings: Sequence[Reading], neighbours: Iterable[Session]) -> Proposal:
    """The fix for a suspect session. `readings` are its register readings, oldest first; `neighbours` the
    sessions before and after it on the same EVSE.
    """
    if session.is_active:
        return _running(session)
    if session.codes & SPLIT:
        for other in neighbours:
            first, second = in_order(session, other)
            if continues(first, second):
                return Proposal(
                    Fix.MERGE,
                    f"Session {second.number} continues session {first.number}: same token, same EVSE, "
                    f"register {figure(first.meter_last_mwh)} Wh, then {figure(second.meter_start_mwh)} Wh.",
                    merged_energy(first, second),
                    other.number,
                )
    if session.codes & ENERGY:
        counted = _counted(session, readings)
        if counted is not None and abs(counted.energy_mwh - session.energy_mwh) >= NOTICEABLE_MWH:
            return Proposal(Fix.CORRECT_ENERGY, counted.words, counted.energy_mwh)
    if "meter-jump" in session.codes:
        return Proposal(
            None,
            f"The energy of {figure(session.energy_mwh)} Wh has a jump that the stored readings do not show. "
            "Correct it by hand, or ignore it.",
        )
    if session.energy_mwh < NOTICEABLE_MWH:
        return Proposal(Fix.IGNORE, "No energy was drawn: there is nothing to correct.")
    return Proposal(Fix.IGNORE, f"The energy of {figure(session.energy_mwh)} Wh agrees with the readings.")


def _running(session: Session) -> Proposal:
    if session.codes & CONNECTOR_FREE:
        last = session.meter_last_mwh
        where = (
            "Close it without a reading"
            if last is None
            else f"Close it at the last reading, {figure(last)} Wh"
        )
        return Proposal(
            Fix.CLOSE,
            f"The connector is free and the station sent no stop. {where}.",
            session.energy_mwh,
        )
    if session.codes & FOUND_AGAIN:
        return Proposal(None, "The session is running, so its energy is not final. Settle it after its end.")
    return Proposal(Fix.IGNORE, "The session is running, and its readings are plausible.")


# -- merging -------------------------------------------------------------------------------------------------


def in_order(one: Session, other: Session) -> tuple[Session, Session]:
    """The session that began first, then the other."""
    first, second = sorted((one, other), key=lambda session: (session.started_at, session.number))
    return first, second


def continues(first: Session, second: Session) -> bool:
    """Whether two ended sessions are one charging: same token, a short pause, and the register continues."""
    if first.is_active or second.is_active or not first.token_key or first.token_key != second.token_key:
        return False
    pause = second.started_at - first.ended_at
    return -OVERLAP <= pause <= CONTINUES_WITHIN and _unmetered(first, second) is not None


def merged_energy(first: Session, second: Session) -> int:
    """The energy of both sessions, plus the difference of the register between them."""
    return first.energy_mwh + (_unmetered(first, second) or 0) + second.energy_mwh


def _unmetered(first: Session, second: Session) -> int | None:
    """The energy between the two sessions; None when the register does not continue."""
    if first.meter_last_mwh is None or second.meter_start_mwh is None:
        return None
    between = second.meter_start_mwh - first.meter_last_mwh
    return between if 0 <= between <= ALLOWANCE_MWH else None


# -- energy --------------------------------------------------------------------------------------------------


class _Counted(NamedTuple):
    energy_mwh: int
    words: str


def _counted(session: Session, readings: Sequence[Reading]) -> _Counted | None:
    start, stop = session.meter_start_mwh, session.meter_stop_mwh
    if "meter-regression" in session.codes and start is not None and stop is not None and stop >= start:
        whole = stop - start
        if _is_plausible(Reading(session.started_at, start), Reading(session.ended_at, stop)):
            return _Counted(
                whole,
                f"The final reading is below an earlier one. Start and stop agree on {figure(whole)} Wh "
                f"({figure(start)} to {figure(stop)} Wh).",
            )
    energy_mwh, left_out = plausible_energy(_all(session, readings))
    if energy_mwh is None:
        return None
    words = f"The sum of the plausible differences of the register is {figure(energy_mwh)} Wh"
    if left_out:
        words += f"; left out: {'; '.join(left_out[:3])}" + ("; ..." if len(left_out) > 3 else "")
    return _Counted(energy_mwh, f"{words}.")


def _all(session: Session, readings: Sequence[Reading]) -> list[Reading]:
    """The start, the readings and the stop, as far as they are known."""
    found = list(readings)
    if session.meter_start_mwh is not None:
        found.insert(0, Reading(session.started_at, session.meter_start_mwh))
    if session.meter_stop_mwh is not None:
        found.append(Reading(session.ended_at, session.meter_stop_mwh))
    return found


def plausible_energy(readings: Sequence[Reading]) -> tuple[int | None, list[str]]:
    """The sum of the differences that a charger can have delivered, and the differences that were left out.

    A single implausible reading between two plausible ones is skipped. After a lasting change (a reset, a new
    meter) the count continues from the new level. None without two readings.
    """
    if len(readings) < 2:
        return None, []
    base, total = readings[0], 0
    left_out: list[str] = []
    for index, reading in enumerate(readings[1:], start=1):
        if _is_plausible(base, reading):
            total += reading.mwh - base.mwh
            base = reading
            continue
        left_out.append(f"{figure(base.mwh)} to {figure(reading.mwh)} Wh")
        following = readings[index + 1] if index + 1 < len(readings) else None
        if following is None or not _is_plausible(base, following):
            base = reading
    return total, left_out


def _is_plausible(earlier: Reading, later: Reading) -> bool:
    added = later.mwh - earlier.mwh
    return added >= 0 and not is_jump(added, earlier.at, later.at)
