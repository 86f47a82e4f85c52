"""The energy of a session does not depend on the order of its readings, on their split into messages, or on
a loss of the live state in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocpp_server.live.records import TransactionState
from ocpp_server.protocol.translate.energy import register_mwh
from ocpp_server.protocol.translate.metering import samples_16
from transactions.models import Transaction
from transactions.services.metering import counting, energy
from transactions.services.metering.counting import Rank, Register

START = datetime(2026, 3, 1, 10, 50, tzinfo=UTC)
# From thousandths of a Wh to 10 Wh.
RESOLUTIONS = (1, 10, 100, 1000, 10_000)


def _register(minute: int, rank: Rank, phase: str, mwh: int, resolution: int) -> Register:
    return Register(
        START + timedelta(minutes=minute), rank, phase, mwh // resolution * resolution, resolution
    )


registers = st.builds(
    _register,
    st.integers(-3, 12),
    st.sampled_from([Rank.ORDINARY, Rank.ORDINARY, Rank.ORDINARY, Rank.BEGIN, Rank.END]),
    st.sampled_from(["", "", "", "L1", "L2", "L3"]),
    st.one_of(st.integers(990_000, 1_030_000), st.sampled_from([0, 400, 5_000_000_000])),
    st.sampled_from(RESOLUTIONS),
)
sessions = st.lists(registers, min_size=1, max_size=10)
meter_starts = st.sampled_from([None, -1, 0, 1000, 1010])
meter_stops = st.sampled_from([None, 1020, 1000, 980, -1])
END = START + timedelta(minutes=12)


class Session:
    """A session whose readings are stored and counted message by message."""

    def __init__(self, meter_start: float | None) -> None:
        self.stored: list[Register] = []
        self.recounts = 0
        self.state = TransactionState(
            id=1000, ocpp_id="1000", station="CP", started_at=START, last_message_at=START
        )
        energy.begin(self.state, meter_start, START)

    def message(self, samples: Sequence[Register]) -> None:
        self.stored += samples
        if not energy.take(self.state, samples, received_at=START):
            self.recounts += 1
            energy.recount(self.state, self.stored)

    def lose_live_state(self) -> None:
        row = Transaction(id=1000, started_at=START, **energy.columns(self.state))
        self.state.registers = energy.loaded(row)

    def stop(self, meter_stop: float | None) -> float | None:
        if energy.must_recount(self.state, meter_stop, END, received_at=START):
            stop = counting.given(END, meter_stop)
            energy.recount(self.state, self.stored, stop=stop)
        stop = energy.finish(self.state, meter_stop, END)
        self.state.is_active = False
        return stop

    def result(self) -> tuple[object, ...]:
        state = self.state
        return (
            state.energy_mwh,
            state.meter_start_mwh,
            state.meter_last_mwh,
            state.mwh_by_hour,
            energy.stop_wh(state),
            sorted(state.suspect_reasons),
        )


@settings(max_examples=400, deadline=None)
@given(sessions, meter_starts, meter_stops, st.data())
def test_any_order_and_any_messages_give_the_same_energy_and_suspicions(
    samples, meter_start, meter_stop, data
):
    at_once = Session(meter_start)
    at_once.message(samples)
    at_once.stop(meter_stop)
    ordered = data.draw(st.permutations(samples))
    stop_after = data.draw(st.integers(0, len(ordered)))

    session = Session(meter_start)
    while ordered:
        size = data.draw(st.integers(1, len(ordered)))
        if data.draw(st.booleans()):
            session.lose_live_state()
        session.message(ordered[:size])
        ordered = ordered[size:]
        if session.state.is_active and len(samples) - len(ordered) >= stop_after:
            session.stop(meter_stop)
    if session.state.is_active:
        session.stop(meter_stop)

    assert session.result() == at_once.result()
    assert session.state.energy_mwh >= 0
    assert sum(session.state.mwh_by_hour.values()) == session.state.energy_mwh


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 500), min_size=1, max_size=12), st.sampled_from(RESOLUTIONS), st.data())
def test_a_register_that_only_rises_is_counted_without_reading_stored_rows(rises, resolution, data):
    """A usual session: readings in order, repetitions of the latest message, and a lost live state."""
    session, mwh = Session(1000), 1_000_000
    for minute, rise in enumerate(rises, 1):
        mwh += rise * resolution
        sample = Register(START + timedelta(minutes=minute), Rank.ORDINARY, "", mwh, resolution)
        for _ in range(data.draw(st.integers(1, 2))):
            session.message([sample])
            if data.draw(st.booleans()):
                session.lose_live_state()

    assert session.recounts == 0
    assert session.state.energy_mwh == mwh - 1_000_000


@settings(max_examples=200, deadline=None)
@given(sessions, st.integers(0, 100_000), st.integers(0, 100_000))
def test_where_both_are_given_and_nothing_went_back_energy_is_their_difference(samples, start, added):
    session = Session(start)
    session.message(
        [
            one._replace(mwh=min(max(one.mwh, 1000 * start), 1000 * (start + added)))
            for one in samples
            if one.at > START
        ]
    )
    session.stop(start + added)

    codes = {reason.partition(":")[0] for reason in session.state.suspect_reasons}
    if not codes & {"meter-reset", "meter-regression", "meter-start-implausible"}:
        assert session.state.energy_mwh == 1000 * added


def test_the_readings_of_a_moment_are_one():
    moment = counting.joined(counting.moment(START, 400_400, 100), counting.moment(START, 400_000, 1000))

    assert (moment.mwh, moment.resolution) == (400_400, 100)
    assert moment.floor < moment.ceiling


# -- from the text to the energy -----------------------------------------------------------------------------


def _read(seconds: float, text: str, unit: str) -> Register:
    (sampled,) = samples_16([{"timestamp": "", "sampledValue": [{"value": text, "unit": unit}]}])
    at = START + timedelta(seconds=seconds)
    return Register(at, Rank.ORDINARY, "", *register_mwh(sampled.raw, sampled.raw_unit, sampled.value))


@pytest.mark.parametrize(("unit", "decimals"), [("kWh", 3), ("Wh", 3)])
def test_a_hundred_thousand_small_steps_add_up_exactly(unit, decimals):
    session, step = Session(0), Decimal(1).scaleb(-decimals)
    for count in range(1, 100_001):
        sample = _read(count, f"{count * step:.{decimals}f}", unit)
        assert energy.take(session.state, [sample], received_at=START)

    drawn_wh = 100_000 * step * (1000 if unit == "kWh" else 1)
    assert session.state.energy_mwh == drawn_wh * 1000
    assert sum(session.state.mwh_by_hour.values()) == session.state.energy_mwh
    assert Decimal(repr(energy.columns(session.state)["energy_wh"])) == drawn_wh


@settings(max_examples=200, deadline=None)
@given(st.lists(st.decimals(0, 100, places=3), min_size=1, max_size=20), st.booleans())
def test_decimals_of_three_places_add_up_exactly_in_wh_and_kwh(steps, in_kwh):
    session, register = Session(0), Decimal(0)
    for count, step in enumerate(steps, 1):
        register += step
        text = f"{register / 1000:.6f}" if in_kwh else f"{register:.3f}"
        session.message([_read(60 * count, text, "kWh" if in_kwh else "Wh")])

    assert session.state.energy_mwh == register * 1000
    assert sum(session.state.mwh_by_hour.values()) == session.state.energy_mwh
    assert energy.columns(session.state)["energy_wh"] == float(register)


def test_a_tenth_and_two_tenths_are_three_tenths():
    session = Session(0)
    for minute, text in enumerate(("0.100", "0.000", "0.200"), 1):  # the meter was reset
        session.message([_read(60 * minute, text, "kWh")])

    assert session.state.energy_mwh == 300_000
    assert energy.columns(session.state)["energy_wh"] == 300.0 != 1000 * (0.1 + 0.2)


def test_the_phases_of_a_reading_add_up_exactly():
    session = Session(0)
    session.message(
        [
            _read(60, text, "Wh")._replace(phase=phase)
            for phase, text in (("L1", "0.1"), ("L2", "0.2"), ("L3", "0.7"))
        ]
    )

    assert session.state.energy_mwh == 1000
