"""Stored readings of one session, and the rows of one sample that an earlier release stored."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from chargepoints.models import ChargePoint
from ocpp_server.protocol.translate.metering import ENERGY, POWER
from tests.direct.readings import a_reading, a_sample
from tests.unit.transactions.transactions.live_station import NOON
from transactions.models import MeterValue, Reading, Transaction

# Rows of the earlier release have lower numbers.
_numbers = itertools.count(1_000_000)


def at(second: float) -> datetime:
    return NOON + timedelta(seconds=second)


def a_session(charge_point: ChargePoint, number: int = 1000) -> Transaction:
    return Transaction.objects.create(
        id=number,
        ocpp_id=str(number),
        charge_point=charge_point,
        started_at=NOON,
        start_received_at=NOON,
        last_message_at=NOON,
    )


def sampled(*samples: dict[str, Any], second: float, received: float = 0, **fields: Any) -> None:
    """Store a reading."""
    shared = {"charge_point_id": 1, "transaction_id": 1000, "evse_number": 1, "connector_number": 1} | fields
    reading = a_reading(*samples, measured_at=at(second), received_at=at(received), **shared)
    reading.pk = next(_numbers)
    # A repeated reading is stored once, as by the journal.
    Reading.objects.bulk_create([reading], ignore_conflicts=True)


def sampled_by_old_release(
    *samples: dict[str, Any], second: float, received: float = 0, **fields: Any
) -> None:
    """Store samples as the earlier release did, a row each."""
    shared = {"charge_point_id": 1, "transaction_id": 1000, "evse_number": 1, "connector_number": 1} | fields
    place = (shared["evse_number"], shared["connector_number"])
    MeterValue.objects.bulk_create(
        [
            MeterValue(
                sample_key=hash((*place, *(sample[name] for name in KEY))) % 2**32,
                measured_at=at(second),
                received_at=at(received),
                **shared,
                **sample,
            )
            for sample in samples
        ],
        ignore_conflicts=True,
    )


KEY = ("measurand", "phase", "location", "context", "raw")

# Few values, so that samples repeat within messages and between them.
some_sample = st.builds(
    a_sample,
    st.sampled_from(["1", "2", "1.5", "x", "1 2", "3000"]),
    measurand=st.sampled_from([ENERGY, ENERGY, POWER, "Voltage"]),
    phase=st.sampled_from(["", "", "L1", "L2", "L3", "L1-N"]),
    location=st.sampled_from(["", "Outlet", "EV"]),
    context=st.sampled_from(["Sample.Periodic", "Sample.Periodic", "Transaction.Begin"]),
    raw_unit=st.sampled_from(["", "", "kWh"]),
)
# Whether the earlier release stored it, its second, its connector, its samples.
some_message = st.tuples(
    st.booleans(), st.integers(0, 4), st.integers(1, 2), st.lists(some_sample, min_size=1, max_size=5)
)
some_messages = st.lists(some_message, max_size=8)


def store(messages: list[Any], *, old: bool = True) -> list[tuple[Any, ...]]:
    """Store messages: those of the earlier release first. Returns the samples in the order of the list, as
    one row for each sample would have them.
    """
    Reading.objects.all().delete()
    MeterValue.objects.all().delete()
    kept: dict[Any, tuple[Any, ...]] = {}
    ordered = sorted(messages, key=lambda message: not (message[0] and old))
    for received, (is_old, second, connector, samples) in enumerate(ordered):
        put = sampled_by_old_release if is_old and old else sampled
        put(*samples, second=second, received=received, connector_number=connector)
        for sample in samples:
            key = (second, connector, *(sample[name] for name in KEY))
            kept.setdefault(key, (at(second), at(received), connector, sample))
    return sorted(kept.values(), key=lambda one: one[0])


def shown(sample: Any) -> tuple[Any, ...]:
    names = ("measurand", "phase", "location", "context", "unit", "raw_unit", "value", "raw", "signed_data")
    fields = {name: getattr(sample, name) for name in names}
    return sample.measured_at, sample.received_at, sample.connector_number, fields
