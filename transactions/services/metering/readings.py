"""Meter values: the samples of one time are a row, the transaction gets its energy, power and charge."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from ocpp_server.live.records import TransactionState
from ocpp_server.live.registers import Moment
from ocpp_server.live.station import Station
from ocpp_server.protocol.translate import Place
from ocpp_server.protocol.translate.metering import ENERGY, Sample
from ocpp_server.storage.bulk import Row
from ocpp_server.storage.journal import journal
from transactions.models import Transaction
from transactions.services.metering import energy, stored
from transactions.services.metering.counting import Rank, Register, given
from transactions.services.metering.measured import Measured, kind_of_sample, register
from transactions.services.metering.samples import OUTLET, Wanted, read
from transactions.services.transactions import announcing, interruptions, sessions
from transactions.tables import READINGS

BY_STATION = Transaction.EndedBy.STATION.value
REGISTERS: Final = Wanted(measurands=frozenset({ENERGY}), locations=OUTLET)
# Positions of columns in a row of READINGS.
_column = READINGS.names.index
_TRANSACTION, _RECEIVED_AT = _column("transaction_id"), _column("received_at")
_READING = tuple(map(_column, ("evse_number", "connector_number", "measured_at", "samples")))


async def record(
    *, station: Station, place: Place, samples: Sequence[Sample], transaction: TransactionState | None
) -> None:
    """Store samples and update the transaction. Every sample is stored: an unreadable one keeps its text."""
    if transaction is None:
        announcing.sampled(station, place, samples, None)
        _store(station, place, samples, None)
        return
    since = sessions.stable_values(transaction)
    latest: dict[str, Any] = await take(
        station=station, place=place, samples=samples, transaction=transaction
    )
    sessions.save(station, transaction, since=since, **latest)


async def take(
    *, station: Station, place: Place, samples: Sequence[Sample], transaction: TransactionState
) -> dict[str, float | None]:
    """`record` for a caller that saves the transaction itself. Returns the columns of the database only."""
    announcing.sampled(station, place, samples, transaction)
    drawn = transaction.energy_mwh
    moments = _store(station, place, samples, transaction)
    stopped_at = transaction.stopped_at if transaction.ended_by == BY_STATION else None
    registers: list[Register] = []
    power = soc = None
    for at in sorted(moments):
        moment = moments[at]
        if stopped_at is not None and at > stopped_at:
            # The reading is stored, but the bill ends with the stop.
            registers += [one for one in moment.registers if one.rank is Rank.BEGIN]
            continue
        registers += moment.registers
        watts = moment.power()
        power = watts if watts is not None else power
        soc = moment.soc if moment.soc is not None else soc
    if registers and not energy.take(transaction, registers, received_at=station.received_at):
        await _recount(station, transaction)
    if moments and transaction.is_active:
        interruptions.note_activity(
            station, transaction, max(moments), has_drawn=transaction.energy_mwh > drawn
        )
    latest: dict[str, float | None] = {}
    if soc is not None:
        latest["soc_percent"] = soc
    if transaction.is_active:
        if power is not None:
            latest["power_w"] = power
    elif registers:
        latest["meter_stop_wh"] = energy.stop_wh(transaction)
    return latest


async def settle(
    station: Station, transaction: TransactionState, *, at: datetime, meter_wh: float | None = None
) -> None:
    """Prepare the registers for the station's stop. Reads the stored readings when the live state lacks them,
    or has counted readings that are later than the stop.
    """
    if energy.must_recount(transaction, meter_wh, at, received_at=station.received_at):
        await _recount(station, transaction, stop_at=at, stop=given(at, meter_wh))


async def begin(
    station: Station, transaction: TransactionState, *, at: datetime, meter_wh: float
) -> float | None:
    """Take the meterStart of a session whose readings and stop came first. Returns the final reading."""
    transaction.registers.start = given(at, meter_wh)
    await _recount(station, transaction)
    return energy.stop_wh(transaction)


async def _recount(
    station: Station,
    transaction: TransactionState,
    *,
    stop_at: datetime | None = None,
    stop: Moment | None = None,
) -> None:
    """Count all readings of the session: the stored ones and those of the current message."""
    known, stopped_at, stop_received_at = await journal.run(_stored_registers, transaction.id)
    if stop_at is not None:
        stopped_at, stop_received_at = stop_at, station.received_at
    for table, row in station.unit.inserts:
        if table is READINGS and row[_TRANSACTION] == transaction.id:
            for key, sample in _registers_of_row(row):
                known.setdefault(key, (row[_RECEIVED_AT], sample))
    energy.recount(
        transaction,
        [
            sample
            for received_at, sample in known.values()
            if _counts(sample, received_at, stopped_at, stop_received_at)
        ],
        stop=stop,
    )


def _counts(
    sample: Register, received_at: datetime, stopped_at: datetime | None, stop_received_at: datetime | None
) -> bool:
    """Whether a stored reading counts. A reading after the station's stop does not, unless it arrived with
    the stop or is marked Transaction.End.
    """
    if stopped_at is None or stop_received_at is None or sample.at <= stopped_at:
        return True
    if sample.rank is Rank.END:
        return received_at <= stop_received_at
    return sample.rank is Rank.BEGIN or received_at == stop_received_at


Stored = tuple[dict[stored.Key, tuple[datetime, Register]], datetime | None, datetime | None]


def _stored_registers(transaction_id: int) -> Stored:
    """The register readings of a session with their time of receipt, by the key that identifies a sample; and
    the time of the station's stop, and of its receipt.
    """
    samples = {
        stored.key(one.measured_at, one.evse_number, one.connector_number, one.kind, one.raw): (
            one.received_at,
            register(one.measured_at, one.kind, one.value, one.raw),
        )
        for one in stored.Series(transaction_id, wanted=REGISTERS)
        if one.value is not None
    }
    stopped = Transaction.objects.filter(pk=transaction_id, ended_by=BY_STATION)
    return samples, *(stopped.values_list("stopped_at", "stop_received_at").first() or (None, None))


def _registers_of_row(row: Row) -> Iterator[tuple[stored.Key, Register]]:
    """The register readings in a row of the current message, by their keys."""
    evse, connector, at, text = (row[place] for place in _READING)
    for _, kind, value, raw, _ in read(text, REGISTERS):
        if value is not None:
            yield stored.key(at, evse, connector, kind, raw), register(at, kind, value, raw)


def _store(
    station: Station, place: Place, samples: Sequence[Sample], transaction: TransactionState | None
) -> dict[datetime, Measured]:
    """Add a row for each time. Returns the values by time."""
    moments: dict[datetime, Measured] = {}
    by_text: dict[str, Measured] = {}
    for sample in samples:
        text, measurand, problem = sample.time, sample.measurand, sample.problem
        moment = by_text.get(text)
        if moment is None:
            at = station.moment(text)
            moment = by_text[text] = moments.setdefault(at, Measured(at))
        if problem:
            station.deviation(problem, sample.raw[:100], path=measurand[:64])
        moment.take(kind_of_sample(sample), sample.value, sample.raw, sample.signed_data)
    evse, connector = place
    # By position, in the order of the columns in `tables`.
    number = transaction.id if transaction is not None else None
    shared = (station.pk, number, evse, connector, station.received_at)
    for moment in moments.values():
        station.unit.append(READINGS, shared + moment.row(evse, connector))
    return moments
