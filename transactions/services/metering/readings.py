"""Meter values: every sample becomes a row, the transaction gets its energy, power and state of charge."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zlib import crc32

from ocpp_server.live.records import TransactionState
from ocpp_server.live.registers import Moment
from ocpp_server.live.station import Station
from ocpp_server.protocol.translate import Place
from ocpp_server.protocol.translate.metering import ENERGY, POWER, Sample, resolution
from ocpp_server.storage.bulk import Row
from ocpp_server.storage.journal import journal
from transactions.models import MeterValue, Transaction
from transactions.services.metering import energy
from transactions.services.metering.counting import MOST_DECIMALS, Rank, Register, given, rank_of
from transactions.services.transactions import announcing, interruptions, sessions
from transactions.tables import METER_VALUES

SOC = "SoC"
BY_STATION = Transaction.EndedBy.STATION.value
_OUTLET = ("Outlet", "")
# Positions of columns in a row of METER_VALUES.
_column = METER_VALUES.names.index
_TRANSACTION, _RECEIVED_AT = _column("transaction_id"), _column("received_at")
_MEASURED_AT, _SAMPLE_KEY = _column("measured_at"), _column("sample_key")
_KIND = tuple(map(_column, ("measurand", "location", "value")))
_READING = tuple(map(_column, ("measured_at", "context", "phase", "raw", "raw_unit")))


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
    drawn = transaction.energy_wh
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
            station, transaction, max(moments), has_drawn=transaction.energy_wh > drawn
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
    stored, stopped_at, stop_received_at = await journal.run(_stored_registers, transaction.id)
    if stop_at is not None:
        stopped_at, stop_received_at = stop_at, station.received_at
    for table, row in station.unit.inserts:
        if table is METER_VALUES and row[_TRANSACTION] == transaction.id:
            sample = _register_of_row(row)
            if sample is not None:
                stored.setdefault((row[_MEASURED_AT], row[_SAMPLE_KEY]), (row[_RECEIVED_AT], sample))
    energy.recount(
        transaction,
        [
            sample
            for received_at, sample in stored.values()
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


Stored = tuple[dict[tuple[datetime, int], tuple[datetime, Register]], datetime | None, datetime | None]


def _stored_registers(transaction_id: int) -> Stored:
    """The register readings of a session with their time of receipt, by the key that identifies a sample; and
    the time of the station's stop, and of its receipt.
    """
    rows = MeterValue.objects.filter(
        transaction=transaction_id, measurand=ENERGY, location__in=_OUTLET, value__isnull=False
    ).order_by()
    samples = {
        (at, key): (received_at, Register(at, rank_of(context), phase, value or 0.0, resolution(raw, unit)))
        for at, key, received_at, context, phase, value, raw, unit in rows.values_list(
            "measured_at", "sample_key", "received_at", "context", "phase", "value", "raw", "raw_unit"
        )
    }
    stopped = Transaction.objects.filter(pk=transaction_id, ended_by=BY_STATION)
    return samples, *(stopped.values_list("stopped_at", "stop_received_at").first() or (None, None))


def _register_of_row(row: Row) -> Register | None:
    """The register reading in a row of the current message."""
    measurand, location, value = (row[place] for place in _KIND)
    if measurand != ENERGY or location not in _OUTLET or value is None:
        return None
    at, context, phase, raw, raw_unit = (row[place] for place in _READING)
    return Register(at, rank_of(context), phase, value, resolution(raw, raw_unit))


class _Moment:
    """The values of one moment in a message: register readings, power (W) and state of charge (%)."""

    __slots__ = ("at", "registers", "soc", "watts", "watts_by_phase")

    def __init__(self, at: datetime) -> None:
        self.at = at
        self.registers: list[Register] = []
        self.soc: float | None = None
        self.watts: float | None = None
        self.watts_by_phase: dict[str, float] = {}

    def power(self) -> float | None:
        """The station's total, or the sum of the phases when all three are present."""
        by_phase = self.watts_by_phase
        if self.watts is None and by_phase and all(phase in by_phase for phase in energy.PHASES):
            return round(sum(by_phase[phase] for phase in energy.PHASES), MOST_DECIMALS)
        return self.watts


def _store(
    station: Station, place: Place, samples: Sequence[Sample], transaction: TransactionState | None
) -> dict[datetime, _Moment]:
    """Add the rows. Returns their values by time."""
    moments: dict[datetime, _Moment] = {}
    by_text: dict[str, _Moment] = {}
    evse, connector = place
    # By position, in the order of the columns in `tables`.
    shared = (
        station.pk,
        transaction.id if transaction is not None else None,
        evse,
        connector,
        station.received_at,
    )
    where = f"{evse}|{connector}"
    append = station.unit.append
    # Unpacked for speed, not read by name: eleven fields of every sample of every message.
    for text, measurand, phase, location, context, value, unit, raw, raw_unit, signed, problem in samples:
        moment = by_text.get(text)
        if moment is None:
            at = station.moment(text)
            moment = by_text[text] = moments.setdefault(at, _Moment(at))
        if problem:
            station.deviation(problem, raw[:100], path=measurand[:64])
        key = f"{where}|{measurand}|{phase}|{location}|{context}|{raw}"
        own = (
            measurand[:64],
            phase[:16],
            location[:16],
            context[:32],
            value,
            unit[:16],
            raw,
            raw_unit[:64],
            signed,
            crc32(key.encode()),
            moment.at,
        )
        append(METER_VALUES, shared + own)
        if value is None or transaction is None:
            continue
        if measurand == SOC:
            moment.soc = value if not phase else moment.soc
        elif location not in _OUTLET:
            # Only energy at the outlet is sold, not the values of the cable or the inlet.
            continue
        elif measurand == ENERGY:
            moment.registers.append(
                Register(moment.at, rank_of(context), phase, value, resolution(raw, raw_unit))
            )
        elif measurand == POWER and phase:
            moment.watts_by_phase[phase[:2]] = value
        elif measurand == POWER:
            moment.watts = value
    return moments
