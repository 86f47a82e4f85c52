"""Meter values: every sample becomes a row, the transaction gets its energy, power and state of charge."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zlib import crc32

from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import Station
from ocpp_server.protocol.metering import ENERGY, POWER, Sample
from ocpp_server.protocol.translate import Place
from transactions.services import energy, sessions
from transactions.tables import METER_VALUES

SOC = "SoC"
_PHASES = ("L1", "L2", "L3")
# The columns in which the samples of one message differ, in the order `_store` gives them.
_OF_A_SAMPLE = (
    "measurand",
    "phase",
    "location",
    "context",
    "value",
    "unit",
    "raw",
    "raw_unit",
    "signed_data",
    "sample_key",
    "measured_at",
)


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
    power = soc = None
    for at, (register, watts, percent) in sorted(readings.items()):
        if stopped_at is not None and at > stopped_at:
            # Stored as it came, but the bill ends with the stop.
            continue
        if register is not None:
            energy.reading(transaction, register, at)
        power = watts if watts is not None else power
        soc = percent if percent is not None else soc
    latest: dict[str, float | None] = {}
    if soc is not None:
        latest["soc_percent"] = soc
    if not transaction.is_active:
        latest["meter_stop_wh"] = transaction.meter_last_wh
    elif power is not None:
        latest["power_w"] = power
    return latest


Readings = dict[datetime, tuple[float | None, float | None, float | None]]


def _store(
    station: Station, place: Place, samples: Sequence[Sample], transaction: TransactionState | None
) -> Readings:
    """Add the rows; what they say about energy (Wh), power (W) and state of charge (%) by time."""
    moments: dict[str, datetime] = {}
    totals: dict[tuple[datetime, str], float] = {}
    phases: dict[tuple[datetime, str], dict[str, float]] = {}
    row = METER_VALUES.row_like(
        _OF_A_SAMPLE,
        charge_point_id=station.pk,
        transaction_id=transaction.id if transaction is not None else None,
        evse_number=place.evse,
        connector_number=place.connector,
        received_at=station.received_at,
    )
    where = f"{place.evse}|{place.connector}"
    for sample in samples:
        at = moments.get(sample.time)
        if at is None:
            at = moments[sample.time] = station.moment(sample.time)
        if sample.problem:
            station.deviation(sample.problem, sample.raw[:100], path=sample.measurand[:64])
        key = f"{where}|{sample.measurand}|{sample.phase}|{sample.location}|{sample.context}|{sample.raw}"
        station.unit.append(
            METER_VALUES,
            row(
                sample.measurand[:64],
                sample.phase[:16],
                sample.location[:16],
                sample.context[:32],
                sample.value,
                sample.unit[:16],
                sample.raw,
                sample.raw_unit[:64],
                sample.signed_data,
                crc32(key.encode()),
                at,
            ),
        )
        if sample.value is None or transaction is None:
            continue
        # What the cable or the inlet measures is not what is sold; the state of charge is the vehicle's own.
        if sample.location not in ("Outlet", "") and sample.measurand != SOC:
            continue
        if not sample.phase:
            totals[at, sample.measurand] = sample.value
        elif sample.measurand in (ENERGY, POWER):
            phases.setdefault((at, sample.measurand), {})[sample.phase[:2]] = sample.value
    for reading, by_phase in phases.items():
        # A total of our own only where the phases are complete.
        if reading not in totals and all(phase in by_phase for phase in _PHASES):
            totals[reading] = sum(by_phase[phase] for phase in _PHASES)
    return {
        at: (totals.get((at, ENERGY)), totals.get((at, POWER)), totals.get((at, SOC)))
        for at in moments.values()
    }
