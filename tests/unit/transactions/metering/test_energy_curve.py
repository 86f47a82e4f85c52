"""The energy of a stored session at the moment of each reading."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ocpp_server.live.records import TransactionState
from ocpp_server.protocol.translate.energy import wh_of
from tests.unit.transactions.metering.moments import START, at, sample
from transactions.models import Transaction
from transactions.services.metering import energy
from transactions.services.metering.counting import Rank, Register


def a_row(meter_start: float | None, meter_stop: float | None = None) -> Transaction:
    session = TransactionState(id=1000, ocpp_id="1000", station="CP", started_at=START, last_message_at=START)
    energy.begin(session, meter_start, START)
    energy.finish(session, meter_stop, at(60))
    session.is_active = False
    return Transaction(id=1000, started_at=START, **energy.columns(session))


def curve(row: Transaction, *samples: Register) -> list[tuple[float, float]]:
    """Minutes after the start, and Wh."""
    points = energy.curve(row, samples)
    return [((moment - START) / timedelta(minutes=1), wh_of(mwh)) for moment, mwh in points]


def test_the_curve_of_a_meter_start_has_each_later_reading() -> None:
    assert curve(a_row(1000, 1500), sample(1, 1100), sample(2, 1250)) == [(1, 100), (2, 250)]


def test_the_curve_begins_with_zero_at_a_begin_that_is_the_start() -> None:
    begin = sample(0, 1000, Rank.BEGIN)

    assert curve(a_row(None), begin, sample(1, 1100)) == [(0, 0), (1, 100)]
    assert curve(a_row(1000), begin, sample(1, 1100)) == [(1, 100)]
    assert curve(a_row(None), sample(1, 1100), sample(2, 1250)) == [(1, 0), (2, 150)]


def test_the_curve_ends_with_the_energy_of_the_session() -> None:
    end = sample(3, 1300, Rank.END)

    assert curve(a_row(1000), sample(1, 1100), end) == [(1, 100), (3, 300)]
    assert curve(a_row(1000, 1400), sample(1, 1100), end) == [(1, 100), (3, 400)]


def test_an_end_that_is_older_than_a_reading_is_shown_after_it() -> None:
    samples = [sample(1, 1100), sample(5, 1150), sample(3, 1300, Rank.END)]

    assert curve(a_row(1000), *samples) == [(1, 100), (5, 150), (5, 300)]


def test_the_curve_of_an_end_alone_is_its_energy() -> None:
    assert curve(a_row(1000), sample(3, 1300, Rank.END)) == [(3, 300)]
    assert curve(a_row(1000)) == []


def test_the_readings_before_a_start_that_is_wrong_are_in_the_curve() -> None:
    row: Any = a_row(1000, 950)

    assert curve(row, sample(-2, 700), sample(-1, 900)) == [(-2, 0), (-1, 200)]
