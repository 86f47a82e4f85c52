"""The energy of a set of register readings, independent of the order of arrival. Pure; all energies are whole
thousandths of a Wh.

The context of a reading decides its place, not its position in a list: Transaction.Begin is first and
Transaction.End is last regardless of their times, the others are ordered by time. Readings of one moment are
one reading: the highest counts. Energy is the rise of the register, never negative: a register may start
anywhere, reset in the middle (some meters count per session) or jump; the bill has to stay right.

`count` takes all readings at once; `appending` adds one at the end by the same rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from enum import IntEnum, auto
from typing import NamedTuple

from msgspec import structs

from ocpp_server.live.registers import Moment, Registers, Tally
from ocpp_server.protocol.translate.energy import WHOLE_WH, mwh_of
from transactions.services.metering.hours import spread
from transactions.services.transactions.suspicion import code_of

# No charger delivers more: a greater difference is a jump.
MAX_POWER_W = 1_000_000.0
ALLOWANCE_MWH = 1_000_000
_MAX_MWH_PER_HOUR = MAX_POWER_W * 1000


class Rank(IntEnum):
    """The place of a reading, by its context."""

    BEGIN = auto()
    ORDINARY = auto()
    END = auto()


_RANKS = {"Transaction.Begin": Rank.BEGIN, "Transaction.End": Rank.END}


def rank_of(context: str) -> Rank:
    return _RANKS.get(context, Rank.ORDINARY)


class Register(NamedTuple):
    """One sample of Energy.Active.Import.Register: the total, or the share of a phase."""

    at: datetime
    rank: Rank
    phase: str
    mwh: int
    resolution: int


class Reading(NamedTuple):
    """One register reading. Readings sort in the order in which they count."""

    rank: Rank
    moment: Moment


class Readings(NamedTuple):
    """The readings of a message or a session in the order in which they count, and the latest moment with a
    missing phase.
    """

    readings: list[Reading]
    partial_at: datetime | None


class Sum(NamedTuple):
    """The result of a session: the tally, the final reading to store, and the suspicions."""

    tally: Tally | None
    stop_mwh: int | None
    reasons: tuple[str, ...]


# -- moments -------------------------------------------------------------------------------------------------


def moment(at: datetime, mwh: int, resolution: int, *, is_sum: bool = False) -> Moment:
    """A moment of one reading."""
    return Moment(at, mwh, resolution, mwh, mwh, mwh - resolution, mwh + resolution, is_sum)


def given(at: datetime, wh: float | None) -> Moment | None:
    """1.6's meterStart or meterStop: whole Wh."""
    return None if wh is None else moment(at, mwh_of(wh), WHOLE_WH)


def _merged(chosen: Moment, other: Moment) -> Moment:
    """The moment of `chosen`, with the combined limits of both."""
    return Moment(
        chosen.at,
        chosen.mwh,
        chosen.resolution,
        min(chosen.lowest, other.lowest),
        max(chosen.highest, other.highest),
        max(chosen.floor, other.floor),
        min(chosen.ceiling, other.ceiling),
        chosen.is_sum,
    )


def _height(one: Moment) -> tuple[int, int]:
    return one.mwh, -one.resolution


def joined(one: Moment, other: Moment) -> Moment:
    """Two readings of the same moment: the highest counts."""
    is_higher = _height(one) >= _height(other)  # equivalent: of the same height they are the same reading
    return _merged(one, other) if is_higher else _merged(other, one)


def first_of(one: Moment, other: Moment) -> Moment:
    """Two Transaction.Begin: the earlier counts."""
    if one.at < other.at:
        return _merged(one, other)
    return _merged(other, one) if other.at < one.at else joined(one, other)


def is_below(one: Moment, other: Moment) -> bool:
    """Whether a reading is below another by more than the rounding of both."""
    return other.mwh - one.mwh >= one.resolution + other.resolution


def _contradiction(one: Moment, where: str = "") -> tuple[str, ...]:
    if one.floor < one.ceiling:
        return ()
    return (f"moment-contradicts: {where}{wh_text(one.lowest)} and {wh_text(one.highest)} Wh",)


# -- one reading after the other -----------------------------------------------------------------------------


def opened(start: Moment) -> Tally:
    return Tally(start.at, start.mwh, start.mwh, start.mwh, start.mwh, start.resolution, 0, 0)


def step(tally: Tally | None, one: Moment, *, is_final: bool = False, is_given: bool = False) -> Tally:
    """The tally after one more moment.

    `is_final`: the last reading; it adds nothing when it is below the others. `is_given`: the reading is the
    meterStop, and the meterStart stays as the station sent it.
    """
    if tally is None:
        return _noted(opened(one), _contradiction(one))
    at, mwh, resolution = one.at, one.mwh, one.resolution
    start_mwh, base, before = tally.start_mwh, tally.base, tally.before
    top, top_resolution = tally.top, tally.top_resolution
    reasons = _with(tally.reasons, _contradiction(one))
    if top - mwh >= top_resolution + resolution:
        if is_final:
            return _noted(tally, (*reasons, f"meter-regression: {_then(tally.mwh, mwh)}"))
        reasons = _with(reasons, (f"meter-reset: {wh_text(tally.mwh)} to {wh_text(mwh)} Wh",))
        before += max(tally.mwh - base, 0)
        base = top = mwh
        top_resolution = resolution
    elif is_jump(mwh - tally.mwh, tally.at, at):
        if tally.energy == 0 and tally.mwh == 0 and not is_given:
            # The station had not read its meter yet when it sent a start reading of 0.
            reasons = _with(reasons, (f"meter-start-implausible: {_then(0, mwh)}",))
            start_mwh = base = mwh
        else:
            reasons = _with(reasons, (f"meter-jump: {wh_text(tally.mwh)} to {wh_text(mwh)} Wh",))
    if mwh > top:
        top, top_resolution = mwh, resolution
    elif mwh == top:
        top_resolution = min(top_resolution, resolution)
    energy = before + max(mwh - base, 0)
    hours = spread(tally.hours, tally.at, at, energy - tally.energy)
    return Tally(at, mwh, start_mwh, base, top, top_resolution, before, energy, reasons, hours)


def is_jump(added_mwh: int, since: datetime, at: datetime) -> bool:
    """Whether a register rose faster than any charger can deliver."""
    if added_mwh <= ALLOWANCE_MWH:
        return False
    return added_mwh > _MAX_MWH_PER_HOUR * max((at - since).total_seconds(), 0.0) / 3600 + ALLOWANCE_MWH


def _with(reasons: tuple[str, ...], more: Iterable[str]) -> tuple[str, ...]:
    """The reasons, one per code: the first counts."""
    for reason in more:
        if code_of(reason) not in map(code_of, reasons):
            reasons = (*reasons, reason)
    return reasons


def _noted(tally: Tally, reasons: Iterable[str]) -> Tally:
    return structs.replace(tally, reasons=_with(tally.reasons, reasons))


# -- start, end, and the sum ---------------------------------------------------------------------------------


def start_of(registers: Registers) -> Moment | None:
    """The start reading of a session: meterStart, or Transaction.Begin when meterStart is missing, unknown
    (negative), or 0 although the meter is far above 0.
    """
    start, begin = registers.start, registers.begin
    if start is None or start.mwh < 0 or (start.mwh == 0 and begin is not None and begin.mwh > ALLOWANCE_MWH):
        return begin
    return start


def total(registers: Registers, *, is_ended: bool = False) -> Sum:
    """The result of the registers. Once the session has ended, a missing final reading is a suspicion."""
    tally, end, stop = registers.tally, registers.end, registers.stop
    reasons = _about_start(registers)
    final: int | None = None
    if stop is not None and stop.mwh >= 0:
        if end is not None and end.at < stop.at:
            tally = step(tally, end, is_final=True)
        elif end is not None:
            reasons = _with(reasons, _contradiction(_merged(stop, end), "at the stop "))
        if tally is None:
            tally = _noted(opened(stop), ("meter-start-implausible: no reading before the stop",))
        tally = step(tally, stop, is_final=True, is_given=True)
        final = stop.mwh
    elif end is not None:
        tally = step(tally, end, is_final=True)
        final = end.mwh
    elif tally is not None:
        final = tally.mwh
    elif is_ended:
        reasons = _with(reasons, ("meter-stop-missing",))
    if tally is not None and tally.reasons:
        reasons = _with(reasons, tally.reasons)
    return Sum(tally, final, reasons)


def _about_start(registers: Registers) -> tuple[str, ...]:
    start, begin, first = registers.start, registers.begin, start_of(registers)
    reasons: tuple[str, ...] = ()
    if start is not None and start is not first:
        detail = f"{wh_text(start.mwh)} Wh" if start.mwh < 0 or begin is None else _then(start.mwh, begin.mwh)
        reasons = (f"meter-start-implausible: {detail}",)
        start = None
    if begin is not None:
        both = begin if start is None else _merged(start, begin)
        reasons = _with(reasons, _contradiction(both, "at the start "))
    if registers.ahead_at is not None and first is not None:
        reasons = _with(reasons, (f"meter-start-ahead: {wh_text(first.mwh)} Wh",))
    return reasons


def counts_ahead(registers: Registers) -> bool:
    """Whether readings that are older than the start and below it count.

    When the final register is above the start, they belong to the time before the session. When it stays
    below, the start is wrong and the session has no other readings.
    """
    first = start_of(registers)
    if registers.ahead_at is None or first is None:
        return False
    final = registers.end or registers.last
    if registers.stop is not None and registers.stop.mwh >= 0:
        final = registers.stop
    return final is not None and is_below(final, first)


# -- all readings at once ------------------------------------------------------------------------------------


def count(
    readings: Iterable[Reading],
    *,
    start: Moment | None = None,
    stop: Moment | None = None,
    partial_at: datetime | None = None,
    curve: list[tuple[datetime, int]] | None = None,
) -> Registers:
    """The registers of a session: `readings` in any order, meterStart and meterStop as 1.6 gives them.

    `curve` gets the energy at each moment between the start and the end.
    """
    registers = Registers(start=start, stop=stop, partial_at=partial_at)
    begins = [one.moment for one in readings if one.rank is Rank.BEGIN]
    ends = sorted((one.moment for one in readings if one.rank is Rank.END), key=lambda one: one.at)
    others = [one.moment for one in readings if one.rank is Rank.ORDINARY]
    for one in begins:
        registers.begin = one if registers.begin is None else first_of(registers.begin, one)
    first = start_of(registers)
    if first is not None:
        others += [one for one in begins if is_later_and_higher(one, first)]
    for one in ends:
        if registers.end is not None and one.at > registers.end.at:
            # Only the last Transaction.End is the end. Some stations use this context for every reading.
            others.append(registers.end)
            registers.end = one
        else:
            registers.end = one if registers.end is None else _joined_or_total(registers.end, one)
    series = _series(others)
    ahead: set[datetime] = set()
    if first is not None:
        ahead = {one.at for one in series if is_ahead(one, first)}
    registers.ahead_at = max(ahead, default=None)
    _fold(registers, first, [one for one in series if one.at not in ahead], curve)
    if counts_ahead(registers):
        registers.counts_ahead = True
        _fold(registers, first, series, curve)
    return registers


def is_later_and_higher(one: Moment, first: Moment) -> bool:
    """Whether a Transaction.Begin counts as an ordinary reading: later than the start and above it."""
    return one.at > first.at and is_below(first, one)


def is_ahead(one: Moment, first: Moment) -> bool:
    """Whether the start is ahead of a reading, both in time and in the register."""
    return one.at < first.at and is_below(one, first)


def _series(moments: Sequence[Moment]) -> list[Moment]:
    by_time: dict[datetime, Moment] = {}
    for one in moments:
        known = by_time.get(one.at)
        by_time[one.at] = one if known is None else _joined_or_total(known, one)
    return [by_time[at] for at in sorted(by_time)]


def _joined_or_total(one: Moment, other: Moment) -> Moment:
    if one.is_sum != other.is_sum:
        return other if one.is_sum else one
    return joined(one, other)


def _fold(
    registers: Registers,
    first: Moment | None,
    series: list[Moment],
    curve: list[tuple[datetime, int]] | None,
) -> None:
    tally = None if first is None else opened(first)
    registers.previous = registers.last = None
    if curve is not None:
        curve.clear()
    for one in series:
        registers.previous, registers.last = tally, one
        tally = step(tally, one)
        if curve is not None:
            curve.append((one.at, tally.energy))
    registers.tally = tally


# -- numbers -------------------------------------------------------------------------------------------------


def wh_text(mwh: int) -> str:
    """Thousandths as decimal text in Wh: 12345.67, not 12345.670 or 1.2e+06."""
    return f"{Decimal(mwh).scaleb(-3).normalize():f}"


def _then(one: int, other: int) -> str:
    return f"{wh_text(one)} Wh, then {wh_text(other)} Wh"
