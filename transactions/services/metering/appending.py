"""Functions that add the latest readings to a session's registers, with the result of `counting.count`.

Each function returns False when a reading is not the latest: then the session has to be recounted.
"""

from __future__ import annotations

from datetime import datetime

from ocpp_server.live.registers import Moment, Registers
from transactions.services.metering import counting
from transactions.services.metering.counting import Rank, Readings, Register


def add_usual(registers: Registers, sample: Register, received_at: datetime) -> bool:
    """`add_all` for nearly every message: one total, later than all others, of a session that has begun and
    not ended. Returns False for any other message, and changes nothing then.
    """
    at, rank, phase, mwh, resolution = sample
    last, start, begin = registers.last, registers.start, registers.begin
    if (
        last is None
        or at <= last.at
        or rank is not Rank.ORDINARY
        or phase
        or mwh < 0
        or not registers.is_known
        or registers.end is not None
        or registers.stop is not None
        or registers.ahead_at is not None
        or (begin is not None and at < begin.at)
        or (start is not None and at < start.at)
    ):
        return False
    registers.previous = registers.tally
    registers.last = one = Moment(at, mwh, resolution, mwh, mwh, mwh - resolution, mwh + resolution)
    registers.tally = counting.step(registers.tally, one)
    registers.can_reopen, registers.received_at = True, received_at
    return True


def add_all(registers: Registers, taken: Readings, received_at: datetime) -> bool:
    """Add the readings of one message, in the order in which they count."""
    if taken.partial_at is not None and not _add_partial(registers, taken.partial_at):
        return False
    for rank, one in taken.readings:
        if rank is Rank.ORDINARY:
            is_added = _add(registers, one, received_at)
        elif rank is Rank.BEGIN:
            is_added = _add_begin(registers, one, received_at)
        else:
            is_added = _add_end(registers, one, received_at)
        if not is_added:
            return False
    return registers.ahead_at is None or counting.counts_ahead(registers) is registers.counts_ahead


def _add_partial(registers: Registers, at: datetime) -> bool:
    """Note a moment with some phases only: its other phases may have arrived earlier."""
    if registers.partial_at is not None and at <= registers.partial_at:
        return False
    if any(one is not None and at <= one.at for one in (registers.begin, registers.end, registers.last)):
        return False
    registers.partial_at = at
    return True


def _add(registers: Registers, one: Moment, received_at: datetime) -> bool:
    last = registers.last
    if last is not None and one.at <= last.at:
        return one.at == last.at and _add_to_last(registers, last, one)
    if one.is_sum and registers.partial_at is not None and one.at <= registers.partial_at:
        return False
    if registers.ahead_at is not None and one.at <= registers.ahead_at:
        return False
    first = counting.start_of(registers)
    if first is not None and not registers.counts_ahead and counting.is_ahead(one, first):
        registers.ahead_at = one.at
        return True
    registers.previous, registers.last = registers.tally, one
    registers.tally = counting.step(registers.tally, one)
    registers.can_reopen, registers.received_at = True, received_at
    return True


def _add_to_last(registers: Registers, last: Moment, one: Moment) -> bool:
    """Add another reading of the latest moment, often a repetition."""
    if one.is_sum:
        # The station's own total takes precedence over the sum of phases.
        return not last.is_sum or one == last
    if last.is_sum:
        return False
    joined = counting.joined(last, one)
    if joined != last:
        first = counting.start_of(registers)
        if first is not None and counting.is_ahead(joined, first) is not counting.is_ahead(last, first):
            # A finer reading can show that the moment is below the start, and a higher one that it is not.
            return False
        if not registers.can_reopen:
            return False
        registers.tally, registers.last = counting.step(registers.previous, joined), joined
    return True


def _add_begin(registers: Registers, one: Moment, received_at: datetime) -> bool:
    before, known = counting.start_of(registers), registers.begin
    if known is not None and (one.is_sum or known.is_sum):
        return one == known
    registers.begin = one if known is None else counting.first_of(known, one)
    first = counting.start_of(registers)
    assert first is not None
    if before is None or not _is_same(before, first):
        if known is not None or registers.last is not None or registers.ahead_at is not None:
            return False
        registers.tally = counting.opened(first)
    return not counting.is_later_and_higher(one, first) or _add(registers, one, received_at)


def _is_same(one: Moment, other: Moment) -> bool:
    return one.at == other.at and one.mwh == other.mwh and one.resolution == other.resolution


def _add_end(registers: Registers, one: Moment, received_at: datetime) -> bool:
    known = registers.end
    if known is None:
        registers.end = one
        return True
    if one.is_sum or known.is_sum:
        return one == known
    if one.at == known.at:
        registers.end = counting.joined(known, one)
        return True
    earlier, registers.end = sorted((known, one), key=lambda end: end.at)
    return _add(registers, earlier, received_at)
