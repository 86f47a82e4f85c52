"""Registers that the release before has stored, as floats of Wh, go on as if they were counted now."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from ocpp_server.live.records import TransactionState
from ocpp_server.live.registers import Registers
from ocpp_server.protocol.translate.energy import mwh_of
from tests.unit.transactions.metering.moments import START, a_session, at
from transactions.models import Transaction
from transactions.services.metering import energy, hours
from transactions.services.metering.counting import Rank, Register

_START = '["2026-03-01T10:00:00Z",1000,1.0,1000,1000,999.0,1001.0,false]'


def register(
    minutes: float, wh: float, resolution: float, rank: Rank = Rank.ORDINARY, phase: str = ""
) -> Register:
    return Register(at(minutes), rank, phase, mwh_of(wh), mwh_of(resolution))


def as_loaded(session: TransactionState) -> Registers:
    return structs.replace(session.registers, can_reopen=False, previous=None, received_at=None)


def loaded(text: str, by_hour: dict[str, float] | None = None) -> Registers:
    return energy.loaded(
        Transaction(id=1000, started_at=START, meter_start_wh=1000, registers=text, energy_by_hour=by_hour)
    )


# Each text was written by the release before, for the same readings.
RUNNING: list[tuple[float | None, list[Register], str, dict[str, float]]] = [
    (
        1000,
        [register(1, 1100.1, 0.1), register(2, 1100.3, 0.1)],
        f'[{_START},null,true,null,["2026-03-01T10:02:00Z",1100.3,0.1,1100.3,1100.3,1100.2,1100.3999999999999,'
        'false],null,null,false,["2026-03-01T10:02:00Z",1100.3,1000,1000,1100.3,0.1,0.0,0.1,100.3,[]]]',
        {"1772359200": 100.3},
    ),
    (
        None,
        [register(0, 139.62, 0.01, Rank.BEGIN), register(61, 239.72, 0.01)],
        '[null,null,true,["2026-03-01T10:00:00Z",139.62,0.01,139.62,139.62,139.61,139.63,false],'
        '["2026-03-01T11:01:00Z",239.72,0.01,239.72,239.72,239.71,239.73,false],null,null,false,'
        '["2026-03-01T11:01:00Z",239.72,139.62,139.62,239.72,0.01,0.0,0.01,100.1,[]]]',
        {"1772359200": 98.459016, "1772362800": 1.640984},
    ),
    (
        1000,
        [
            register(1, 1100, 1),
            register(2, 100.5, 0.1),
            register(3, 200.7, 0.1),
            register(9, 10, 1, phase="L1"),
        ],
        f'[{_START},null,true,null,["2026-03-01T10:03:00Z",200.7,0.1,200.7,200.7,200.6,200.79999999999998,false],'
        '"2026-03-01T10:09:00Z",null,false,["2026-03-01T10:03:00Z",200.7,1000,100.5,200.7,0.1,100.0,0.1,200.2,'
        '["meter-reset: 1100 to 100.5 Wh"]]]',
        {"1772359200": 200.2},
    ),
]


@pytest.mark.parametrize(("meter_start", "samples", "text", "by_hour"), RUNNING)
def test_the_registers_of_a_running_session_are_those_that_are_counted_now(
    meter_start: float | None, samples: list[Register], text: str, by_hour: dict[str, float]
) -> None:
    assert loaded(text, by_hour) == as_loaded(a_session(meter_start, *samples))


def test_the_next_reading_is_counted_without_a_recount() -> None:
    _, _, text, by_hour = RUNNING[1]
    session = a_session(None)
    session.registers, session.mwh_by_hour = loaded(text, by_hour), hours.loaded(by_hour)

    assert energy.take(session, [register(62, 240.005, 0.001)], received_at=at(62))
    assert session.energy_mwh == 100_385 == sum(session.mwh_by_hour.values())
    assert reloaded(session) == as_loaded(session)


def reloaded(session: TransactionState) -> Registers:
    """After the row was written in the form of now."""
    columns: dict[str, Any] = energy.columns(session)
    return loaded(columns["registers"], columns["energy_by_hour"])


def test_readings_finer_than_a_thousandth_of_a_wh_contradict_each_other_no_more_than_now() -> None:
    text = (
        '[["2026-03-01T10:00:00Z",0,1.0,0,0,-1.0,1.0,false],null,true,null,["2026-03-01T10:03:00Z",0.7002,0.0001,'
        "0.7001,0.7002,0.7001000000000001,0.7001999999999999,false],null,null,false,"
        '["2026-03-01T10:03:00Z",0.7002,0,0,0.7002,0.0001,0.0,0.0001,0.7002,[]]]'
    )

    registers = loaded(text, {"1772359200": 0.7002})

    last, tally = registers.last, registers.tally
    assert last is not None and tally is not None
    assert (last.mwh, last.resolution, last.floor, last.ceiling) == (700, 1, 699, 701)
    assert (tally.energy, tally.top_resolution, tally.hours) == (700, 1, {"1772359200": 700})


def test_the_registers_of_an_ended_session_keep_start_and_stop() -> None:
    session = a_session(1000, register(1, 1100.1, 0.1))
    energy.finish(session, 1200, at(5))
    session.is_active = False
    stop = '["2026-03-01T10:05:00Z",1200,1.0,1200,1200,1199.0,1201.0,false]'

    assert loaded(f"[{_START},{stop}]") == reloaded(session)
    assert loaded("[null,null]") == Registers(is_known=False, can_reopen=False)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "[7,null,null]", "[3,null,null,true]", f"[2,{_START}", "null"]
)
def test_any_other_text_has_the_session_recounted(text: str) -> None:
    registers = loaded(text)

    assert registers.start is not None
    assert (registers.start.mwh, registers.is_known, registers.tally) == (1_000_000, False, None)
