"""Meter values: every sample becomes a row, the transaction gets its energy, power and state of charge."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zlib import crc32

from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import Station
from ocpp_server.protocol.metering import ENERGY, POWER, Sample
from ocpp_server.protocol.translate import Place
from transactions.services import energy, interruptions, sessions
from transactions.tables import METER_VALUES

SOC = "SoC"
_PHASES = ("L1", "L2", "L3")


async def record(
    *, station: Station, place: Place, samples: Sequence[Sample], transaction: TransactionState | None
) -> None:
    """Store samples and update the transaction. None is dropped: what can't be read keeps its text."""
    if transaction is None:
        _store(station, place, samples, None)
        return
    since = sessions.lasting(transaction)
    latest = take(station=station, place=place, samples=samples, transaction=transaction)
    sessions.save(station, transaction, since=since, **latest)


def take(
    *, station: Station, place: Place, samples: Sequence[Sample], transaction: TransactionState
) -> dict[str, float | None]:
    """`record` for a caller that saves the transaction itself: the columns that only the database has."""
    readings = _store(station, place, samples, transaction)
    stopped_at = transaction.stopped_at if transaction.ended_by == "station" else None
    drawn, power, soc = transaction.energy_wh, None, None
    for at, (register, watts, percent) in sorted(readings.items()):
        if stopped_at is not None and at > stopped_at:
            # Stored as it came, but the bill ends with the stop.
            continue
        if register is not None:
            energy.reading(transaction, register, at)
        power = watts if watts is not None else power
        soc = percent if percent is not None else soc
    if readings and transaction.is_active:
        interruptions.goes_on(station, transaction, max(readings), has_drawn=transaction.energy_wh > drawn)
    latest: dict[str, float | None] = {}
    if soc is not None:
        latest["soc_percent"] = soc
    if not transaction.is_active:
        latest["meter_stop_wh"] = transaction.meter_last_wh
    elif power is not None:
        latest["power_w"] = power
    return latest


Readings = dict[datetime, tuple[float | None, float | None, float | None]]


class _Moment:
    """What one message says about a moment: totals by measurand, and values by measurand and phase."""

    __slots__ = ("at", "phases", "totals")

    def __init__(self, at: datetime) -> None:
        self.at = at
        self.totals: dict[str, float] = {}
        self.phases: dict[str, dict[str, float]] = {}


def _store(
    station: Station, place: Place, samples: Sequence[Sample], transaction: TransactionState | None
) -> Readings:
    """Add the rows; what they say about energy (Wh), power (W) and state of charge (%) by time."""
    moments: dict[datetime, _Moment] = {}
    by_text: dict[str, _Moment] = {}
    evse, connector = place
    # By position, as `tables` has the columns.
    shared = (
        station.pk,
        transaction.id if transaction is not None else None,
        evse,
        connector,
        station.received_at,
    )
    where = f"{evse}|{connector}"
    append = station.unit.append
    # Unpacked and not asked for by name: eleven fields of every sample of every message.
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
        # What the cable or the inlet measures is not what is sold; the state of charge is the vehicle's own.
        if location not in ("Outlet", "") and measurand != SOC:
            continue
        if not phase:
            moment.totals[measurand] = value
        elif measurand in (ENERGY, POWER):
            moment.phases.setdefault(measurand, {})[phase[:2]] = value
    return {at: _read(moment) for at, moment in moments.items()}


def _read(moment: _Moment) -> tuple[float | None, float | None, float | None]:
    totals = moment.totals
    for measurand, by_phase in moment.phases.items():
        # A total of our own only where the phases are complete.
        if measurand not in totals and all(phase in by_phase for phase in _PHASES):
            totals[measurand] = sum(by_phase[phase] for phase in _PHASES)
    return totals.get(ENERGY), totals.get(POWER), totals.get(SOC)
