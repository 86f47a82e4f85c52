"""The history of a session: its latest readings and messages, the oldest of them first."""

from __future__ import annotations

from typing import Any

import pytest

from chargepoints.models import ChargePoint
from tests.direct.readings import a_reading
from tests.unit.transactions.transactions.live_station import NOON, minutes
from tests.unit.transactions.transactions.stored_sessions import a_row, garage
from transactions.models import Reading, Transaction, TransactionEvent
from transactions.services.transactions import history

__all__ = ["garage"]


def read(row: Transaction, *moments: float) -> None:
    Reading.objects.bulk_create(
        a_reading(
            charge_point_id=1,
            transaction=row,
            measurand="Voltage",
            value=number,
            raw=str(number),
            measured_at=minutes(at),
            received_at=NOON,
        )
        for number, at in enumerate(moments)
    )


def sent(row: Transaction, *seq_nos: int) -> None:
    TransactionEvent.objects.bulk_create(
        TransactionEvent(
            transaction=row,
            seq_no=seq_no,
            type="Updated",
            fingerprint=number,
            payload="{}",
            at=NOON,
            received_at=NOON,
        )
        for number, seq_no in enumerate(seq_nos)
    )


def test_the_readings_are_in_the_order_of_their_times_and_then_of_their_arrival(garage: ChargePoint) -> None:
    row, other = a_row(), a_row(1001)
    read(row, 2, 1, 2, 3)
    read(other, 1)

    assert [reading.value for reading in history.readings(row)] == [1, 0, 2, 3]


def test_a_long_session_shows_its_latest_100_readings(garage: ChargePoint) -> None:
    row = a_row()
    read(row, *range(101))

    assert [reading.value for reading in history.readings(row)] == list(range(1, 101))


def test_the_events_are_in_the_order_of_their_numbers_and_then_of_their_arrival(garage: ChargePoint) -> None:
    row, other = a_row(), a_row(1001)
    sent(row, 5, 4, 5)
    sent(other, 6)

    assert [(event.seq_no, event.fingerprint) for event in history.events(row)] == [(4, 1), (5, 0), (5, 2)]


def test_a_long_session_shows_its_latest_200_events(garage: ChargePoint) -> None:
    row = a_row()
    sent(row, *range(201))

    assert [event.seq_no for event in history.events(row)] == list(range(1, 201))


def shown(row: Transaction) -> list[tuple[Any, ...]]:
    return [
        (one.type, one.trigger_reason, one.at, one.received_at, one.offline) for one in history.events(row)
    ]


@pytest.mark.parametrize("was_offline", [False, True])
def test_a_session_of_1_6_shows_its_start_and_its_stop(garage: ChargePoint, was_offline: bool) -> None:
    received = {"start_received_at": minutes(1), "stop_received_at": minutes(61)}
    row = a_row(stop_reason="Local", was_offline=was_offline, **received)

    assert shown(row) == [
        ("Started", "", NOON, minutes(1), was_offline),
        ("Ended", "Local", minutes(60), minutes(61), was_offline),
    ]


def test_a_running_session_of_1_6_shows_its_start(garage: ChargePoint) -> None:
    row = a_row(status="active", stopped_at=None)

    assert shown(row) == [("Started", "", NOON, NOON, False)]
