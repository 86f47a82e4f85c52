"""The energy of a live transaction, in whole thousandths of a Wh; `counting` has the rules. Columns are Wh.

A reading in the order of time is added to the live state, without a database read. An older reading, which is
rare, causes a recount of the whole session from its stored readings: the result does not depend on the order
of arrival.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import structs
from msgspec.structs import astuple

from ocpp_server.live.records import TransactionState
from ocpp_server.live.registers import Moment, Registers, Tally
from ocpp_server.protocol.translate.energy import WHOLE_WH, wh_of
from transactions.models import Transaction
from transactions.services.metering import appending, counting, earlier, hours
from transactions.services.metering.counting import Rank, Reading, Readings, Register
from transactions.services.transactions.suspicion import ABOUT_REGISTERS, code_of, suspect

PHASES = ("L1", "L2", "L3")


def gathered(samples: Sequence[Register]) -> Readings:
    """The totals, and the sum of three phases for each moment without a total."""
    readings: list[Reading] = []
    phases: dict[tuple[Rank, datetime], dict[str, Register]] = {}
    for sample in samples:
        if sample.mwh < 0:
            continue
        if not sample.phase:
            one = counting.moment(sample.at, sample.mwh, sample.resolution)
            readings.append(Reading(sample.rank, one))
            continue
        by_phase = phases.setdefault((sample.rank, sample.at), {})
        known = by_phase.get(sample.phase[:2], sample)
        by_phase[sample.phase[:2]] = max(known, sample, key=_height)
    partial_at = _add_sums(readings, phases)
    readings.sort(key=_place)
    return Readings(readings, partial_at)


def _height(sample: Register) -> tuple[int, int]:
    return sample.mwh, -sample.resolution


def _place(reading: Reading) -> tuple[Rank, datetime]:
    return reading.rank, reading.moment.at


def _add_sums(
    readings: list[Reading], phases: dict[tuple[Rank, datetime], dict[str, Register]]
) -> datetime | None:
    totals = {_place(reading) for reading in readings}
    partial_at: datetime | None = None
    for (rank, at), by_phase in phases.items():
        if (rank, at) in totals:
            continue
        if all(phase in by_phase for phase in PHASES):
            parts = [by_phase[phase] for phase in PHASES]
            mwh, resolution = sum(part.mwh for part in parts), sum(part.resolution for part in parts)
            one = counting.moment(at, mwh, resolution, is_sum=True)
            readings.append(Reading(rank, one))
        else:
            partial_at = at if partial_at is None else max(partial_at, at)
    return partial_at


# -- changes of a transaction --------------------------------------------------------------------------------


def begin(transaction: TransactionState, meter_wh: float | None, at: datetime) -> None:
    """Take the meterStart of 1.6. A negative one is unknown to the station."""
    registers = transaction.registers = Registers(start=counting.given(at, meter_wh))
    first = counting.start_of(registers)
    if first is not None:
        registers.tally = counting.opened(first)
    _apply(transaction, is_ended=False)


def take(transaction: TransactionState, samples: Sequence[Register], *, received_at: datetime) -> bool:
    """Take readings. Returns False when they are not the latest: then the session has to be recounted."""
    registers = transaction.registers
    if registers.is_settled:
        return True
    if len(samples) == 1 and appending.add_usual(registers, samples[0], received_at):
        tally = registers.tally
        assert tally is not None
        if not tally.reasons and not transaction.suspect_reasons:  # equivalent: only quicker than `_apply`
            transaction.meter_start_mwh, transaction.meter_last_mwh = tally.start_mwh, tally.mwh
            transaction.energy_mwh, transaction.mwh_by_hour = tally.energy, tally.hours
            return True
    elif not registers.is_known or not appending.add_all(registers, gathered(samples), received_at):
        return False
    _apply(transaction, is_ended=not transaction.is_active)
    return True


def recount(
    transaction: TransactionState, samples: Sequence[Register], *, stop: Moment | None = None
) -> None:
    """Recount the session from all its samples. `stop` is the meterStop of the current message."""
    known = transaction.registers
    if known.is_settled:
        return
    taken = gathered(samples)
    transaction.registers = counting.count(
        taken.readings, start=known.start, stop=stop or known.stop, partial_at=taken.partial_at
    )
    _apply(transaction, is_ended=not transaction.is_active)


def must_recount(
    transaction: TransactionState, meter_wh: float | None, at: datetime, *, received_at: datetime
) -> bool:
    """Whether the station's stop, received at `received_at`, needs the stored readings: the live state lacks
    them, or has counted readings that are later than the stop.
    """
    registers = transaction.registers
    if not registers.is_known:
        return not registers.is_settled
    if registers.last is not None and registers.last.at > at:
        # Readings in the stop message itself count, even with a later time.
        is_of_stop = registers.received_at == received_at and registers.can_reopen
        if not is_of_stop or (registers.previous is not None and registers.previous.at > at):
            return True
    if registers.ahead_at is None:
        return False
    stopped = structs.replace(registers, stop=counting.given(at, meter_wh))
    return counting.counts_ahead(stopped) is not registers.counts_ahead


def finish(transaction: TransactionState, meter_wh: float | None, at: datetime) -> float | None:
    """Take the final reading and return the one to store, in Wh. The earlier readings decide when the final
    one is missing or impossible.
    """
    registers = transaction.registers
    if registers.is_settled:
        # The stop arrived after the settlement, which might have been different with the stop known.
        suspect(transaction, "stop-after-settlement")
        return wh_of(transaction.meter_last_mwh) if meter_wh is None or meter_wh < 0 else meter_wh
    registers.stop = counting.given(at, meter_wh)
    if not registers.is_known and transaction.meter_last_mwh is not None:
        registers.tally = _as_stored(transaction, transaction.meter_last_mwh)
    return wh_of(_apply(transaction, is_ended=True))


def _as_stored(transaction: TransactionState, last_mwh: int) -> Tally:
    """A tally from the stored columns, without the readings: the energy so far stays."""
    last = counting.opened(counting.moment(transaction.last_message_at, last_mwh, WHOLE_WH))
    start_mwh, reasons = transaction.meter_start_mwh, transaction.suspect_reasons
    return structs.replace(
        last,
        start_mwh=last_mwh if start_mwh is None else start_mwh,
        before=transaction.energy_mwh,
        energy=transaction.energy_mwh,
        reasons=tuple(reason for reason in reasons if code_of(reason) in ABOUT_REGISTERS),
        hours=transaction.mwh_by_hour or {},
    )


def _apply(transaction: TransactionState, *, is_ended: bool) -> int | None:
    """Write the result into the transaction. Returns the final reading."""
    tally, final, reasons = counting.total(transaction.registers, is_ended=is_ended)
    if tally is None:
        transaction.meter_start_mwh = transaction.meter_last_mwh = None
        transaction.energy_mwh = 0
        transaction.mwh_by_hour = {}
    else:
        transaction.meter_start_mwh, transaction.meter_last_mwh = tally.start_mwh, tally.mwh
        transaction.energy_mwh = tally.energy
        transaction.mwh_by_hour = tally.hours
    known = transaction.suspect_reasons
    if reasons or known:
        others = [reason for reason in known if code_of(reason) not in ABOUT_REGISTERS]
        known[:] = [*others, *reasons]
    return final


def stop_wh(transaction: TransactionState) -> float | None:
    """The final reading of an ended session in Wh, as far as it is known now."""
    if transaction.registers.is_settled:
        return wh_of(transaction.meter_last_mwh)
    return wh_of(counting.total(transaction.registers).stop_mwh)


# -- stored registers ----------------------------------------------------------------------------------------


# Stored instead of the registers once an operator has settled the energy: no later reading changes it.
SETTLED = "settled"


# The first element of the stored array. The release before has no version, and floats of Wh.
_VERSION = 2


class _Stored(msgspec.Struct, array_like=True, tag=_VERSION):
    """The stored part of Registers. An array, because every reading writes it."""

    start: Moment | None = None
    stop: Moment | None = None
    is_known: bool = False
    begin: Moment | None = None
    last: Moment | None = None
    partial_at: datetime | None = None
    ahead_at: datetime | None = None
    counts_ahead: bool = False
    # The fields of `Tally` up to its reasons; the hours have their own column.
    tally: tuple[datetime, int, int, int, int, int, int, int, tuple[str, ...]] | None = None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Stored).decode


def columns(transaction: TransactionState) -> dict[str, Any]:
    """The columns of the transaction's row that its readings determine."""
    return {
        "meter_start_wh": wh_of(transaction.meter_start_mwh),
        "meter_last_wh": wh_of(transaction.meter_last_mwh),
        "energy_wh": wh_of(transaction.energy_mwh),
        "energy_by_hour": hours.column(transaction.mwh_by_hour),
        "registers": _text(transaction),
    }


def _text(transaction: TransactionState) -> str:
    """The registers as JSON: the next reading needs them after the live state was lost, instead of a recount
    from the stored readings.
    """
    registers = transaction.registers
    if registers.is_settled:
        return SETTLED
    if not (registers.is_known and transaction.is_active) or registers.end is not None:
        return _encode((_VERSION, registers.start, registers.stop)).decode()
    tally = registers.tally
    stored = (
        _VERSION,
        registers.start,
        registers.stop,
        True,
        registers.begin,
        registers.last,
        registers.partial_at,
        registers.ahead_at,
        registers.counts_ahead,
        None if tally is None else astuple(tally)[:-1],
    )
    return _encode(stored).decode()


def loaded(row: Transaction) -> Registers:
    """The registers of a stored transaction. A row from before they were stored needs a recount of its
    readings.
    """
    if row.registers == SETTLED:
        return Registers(is_known=False, is_settled=True)
    try:
        stored = _decode(row.registers)
    except msgspec.DecodeError:
        return _loaded_of_before(row)
    return Registers(
        start=stored.start,
        stop=stored.stop,
        begin=stored.begin,
        last=stored.last,
        tally=None if stored.tally is None else Tally(*stored.tally, hours.loaded(row.energy_by_hour) or {}),
        can_reopen=False,
        partial_at=stored.partial_at,
        ahead_at=stored.ahead_at,
        counts_ahead=stored.counts_ahead,
        is_known=stored.is_known,
    )


def _loaded_of_before(row: Transaction) -> Registers:
    try:
        return earlier.registers(row.registers, hours.loaded(row.energy_by_hour) or {})
    except msgspec.DecodeError:
        has_stop = row.start_fingerprint is not None and row.ended_by == Transaction.EndedBy.STATION
        return Registers(
            start=counting.given(row.started_at, row.meter_start_wh),
            stop=counting.given(row.stopped_at, row.meter_stop_wh) if has_stop and row.stopped_at else None,
            is_known=False,
        )


def curve(row: Transaction, samples: Sequence[Register]) -> list[tuple[datetime, int]]:
    """The energy of a stored session at the moment of each reading."""
    known, points = loaded(row), list[tuple[datetime, int]]()
    counted = counting.count(gathered(samples).readings, start=known.start, stop=known.stop, curve=points)
    if counted.begin is not None and counted.start is None:
        points.insert(0, (counted.begin.at, 0))
    final = counted.end
    tally = counting.total(counted).tally
    if final is not None and tally is not None:
        points.append((max(final.at, points[-1][0]) if points else final.at, tally.energy))
    return points
