"""The registers of a session in its row: a process that loads them counts the next reading as before."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from ocpp_server.live.records import TransactionState
from ocpp_server.live.registers import Moment, Registers
from tests.unit.transactions.metering.moments import START, a_session, at, sample
from transactions.models import Transaction
from transactions.services.metering import counting, energy
from transactions.services.metering.counting import Rank, Register


def reloaded(session: TransactionState) -> Registers:
    return energy.loaded(Transaction(id=1000, started_at=START, **energy.columns(session)))


def as_loaded(registers: Registers) -> Registers:
    """What a running session loses with its process: only what counts the latest moment again."""
    return structs.replace(registers, can_reopen=False, previous=None, received_at=None)


RUNNING: list[tuple[float | None, list[Register]]] = [
    (1000, []),
    (None, []),
    (1000, [sample(1, 1100), sample(2, 1250)]),
    (None, [sample(0, 1000, Rank.BEGIN), sample(1, 1100)]),
    (1000, [sample(1, 1100), sample(2, 400, phase="L1")]),
    (1000, [sample(-1, 900)]),
    (1000, [sample(1, 9_000_000)]),
    # The largest meterStart, and resets from the largest reading: more thousandths than 64 bits have.
    (2**63 - 1, [sample(minute, 1e15 * (minute % 2)) for minute in range(30)]),
]


@pytest.mark.parametrize(("meter_start", "samples"), RUNNING)
def test_the_registers_of_a_running_session_are_stored_whole(
    meter_start: float | None, samples: list[Register]
) -> None:
    session = a_session(meter_start, *samples)

    assert reloaded(session) == as_loaded(session.registers)


def test_readings_that_count_before_the_start_still_do_after_loading() -> None:
    session = a_session(1000)
    energy.recount(session, [sample(-2, 700), sample(-1, 900), sample(1, 950)])
    assert session.registers.counts_ahead

    assert reloaded(session).counts_ahead


def test_a_meter_stop_of_a_running_session_is_stored() -> None:
    session = a_session(1000, sample(1, 1100))
    session.registers.stop = counting.given(at(5), 1300)

    assert reloaded(session).stop == counting.given(at(5), 1300)


def test_the_energy_by_hour_of_a_loaded_session_goes_on() -> None:
    session = a_session(1000, sample(1, 1100))
    session.registers = reloaded(session)

    assert energy.take(session, [sample(2, 1250)], received_at=at(2))
    assert list((session.mwh_by_hour or {}).values()) == [250_000]


def ended(session: TransactionState) -> None:
    session.is_active = False


def with_end(session: TransactionState) -> None:
    assert energy.take(session, [sample(3, 1300, Rank.END)], received_at=at(3))


def with_unknown_readings(session: TransactionState) -> None:
    session.registers.is_known = False


@pytest.mark.parametrize("happened", [ended, with_end, with_unknown_readings])
def test_other_registers_keep_start_and_stop_and_are_counted_again_with_a_reading(
    happened: Any,
) -> None:
    session = a_session(1000, sample(1, 1100))
    session.registers.stop = stop = counting.given(at(5), 1300)
    happened(session)

    registers = reloaded(session)

    assert registers == Registers(
        start=counting.given(START, 1000), stop=stop, is_known=False, can_reopen=False
    )
    session.registers = registers
    assert not energy.take(session, [sample(4, 1350)], received_at=at(4))


def test_a_settled_session_stays_settled_after_loading() -> None:
    session = a_session(1000, sample(1, 1100))
    session.registers = Registers(is_known=False, is_settled=True)

    assert reloaded(session) == Registers(is_known=False, is_settled=True)
    assert energy.columns(session)["registers"] == "settled"


# -- rows of an earlier release ------------------------------------------------------------------------------


def of_an_earlier_release(**more: Any) -> Registers:
    values: dict[str, Any] = {
        "started_at": START,
        "meter_start_wh": 1000,
        "stopped_at": at(5),
        "meter_stop_wh": 1300,
        "start_fingerprint": "f",
        "ended_by": "station",
        "registers": "",
    }
    return energy.loaded(Transaction(id=1000, **(values | more)))


@pytest.mark.parametrize(
    ("more", "stop"),
    [
        ({}, counting.given(at(5), 1300)),
        ({"meter_stop_wh": None}, None),
        ({"stopped_at": None}, None),
        ({"start_fingerprint": None}, None),  # 2.x: the last reading of an Ended event is no meterStop
        ({"ended_by": "superseded"}, None),
    ],
)
def test_a_row_of_an_earlier_release_has_the_meter_stop_that_the_station_sent(
    more: dict[str, Any], stop: Moment | None
) -> None:
    assert of_an_earlier_release(**more) == Registers(
        start=counting.given(START, 1000), stop=stop, is_known=False
    )


def test_a_row_of_an_earlier_release_without_energy_by_hour_is_continued() -> None:
    session = a_session(1000, sample(1, 1100))
    row = Transaction(id=1000, started_at=START, **(energy.columns(session) | {"energy_by_hour": None}))
    session.registers = energy.loaded(row)

    assert energy.take(session, [sample(2, 1250)], received_at=at(2))
    assert list((session.mwh_by_hour or {}).values()) == [150_000]
