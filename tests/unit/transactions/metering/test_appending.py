"""A reading is added to the live registers only where that gives what counting all readings gives."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_server.live.records import TransactionState
from ocpp_server.live.registers import Registers
from ocpp_server.protocol.translate.energy import mwh_of, wh_of
from tests.unit.transactions.metering.moments import START, a_session, at, moment, sample
from transactions.services.metering import appending, counting, energy
from transactions.services.metering.counting import Rank, Register

ORDINARY, BEGIN, END = Rank.ORDINARY, Rank.BEGIN, Rank.END


# -- the usual message ---------------------------------------------------------------------------------------


def test_the_usual_message_is_a_later_total_of_a_running_session() -> None:
    registers = a_session(1000, sample(1, 1100)).registers
    previous = registers.tally

    assert appending.add_usual(registers, sample(2, 1200), at(3))

    assert registers.tally is not None and registers.tally.energy == 200_000
    assert (registers.previous, registers.can_reopen, registers.received_at) == (previous, True, at(3))
    assert registers.last == moment(2, 1200)


@pytest.mark.parametrize(
    ("one", "changes"),
    [
        (sample(1, 1200), {}),
        (sample(0.5, 1050), {}),
        (sample(2, 1200, BEGIN), {}),
        (sample(2, 1200, END), {}),
        (sample(2, 1200, phase="L1"), {}),
        (sample(2, -1), {}),
        (sample(2, 1200), {"last": None}),
        (sample(2, 1200), {"is_known": False}),
        (sample(2, 1200), {"end": moment(2, 1200)}),
        (sample(2, 1200), {"stop": counting.given(at(2), 1200)}),
        (sample(2, 1200), {"ahead_at": at(-1)}),
        (sample(2, 1200), {"begin": moment(3, 1000)}),
        (sample(2, 1200), {"start": counting.given(at(3), 1000)}),
    ],
)
def test_any_other_message_is_left_as_it_is(one: Register, changes: dict[str, Any]) -> None:
    registers = a_session(1000, sample(1, 1100)).registers
    for name, value in changes.items():
        setattr(registers, name, value)
    before = str(registers)

    assert not appending.add_usual(registers, one, at(3))
    assert str(registers) == before


@pytest.mark.parametrize(
    ("one", "changes"),
    [
        (sample(2, 0), {}),  # a register that was reset
        (sample(2, 1200), {"begin": moment(2, 1000)}),
        (sample(2, 1200), {"start": counting.given(at(2), 1000)}),
    ],
)
def test_a_register_of_zero_and_a_reading_of_the_moment_of_the_start_are_usual(
    one: Register, changes: dict[str, Any]
) -> None:
    registers = a_session(1000, sample(1, 1100)).registers
    for name, value in changes.items():
        setattr(registers, name, value)

    assert appending.add_usual(registers, one, at(3))


def columns(session: TransactionState) -> tuple[object, ...]:
    return (
        wh_of(session.meter_start_mwh),
        wh_of(session.meter_last_mwh),
        wh_of(session.energy_mwh),
        session.suspect_reasons,
    )


def test_the_session_follows_its_registers() -> None:
    session = a_session(1000)
    assert columns(session) == (1000, 1000, 0, [])
    assert taken(session, sample(1, 1100)) and taken(session, sample(2, 1200))
    assert columns(session) == (1000, 1200, 200, [])
    assert sum((session.mwh_by_hour or {}).values()) == 200_000

    assert taken(session, sample(3, 9_000_000)) and taken(session, sample(4, 9_000_100))

    assert columns(session) == (1000, 9_000_100, 8_999_100, ["meter-jump: 1200 to 9000000 Wh"])


def test_a_session_that_begins_without_a_reading_is_not_suspect_until_its_end() -> None:
    session = a_session(None)
    assert columns(session) == (None, None, 0, [])
    session.is_active = False
    assert taken(session)

    assert columns(session) == (None, None, 0, ["meter-stop-missing"])


def test_a_recount_replaces_what_was_counted_and_keeps_start_and_stop() -> None:
    session = a_session(1000, sample(1, 9_000_000))
    session.suspect_reasons.append("superseded")

    energy.recount(session, [sample(1, 1100)])
    assert columns(session) == (1000, 1100, 100, ["superseded"])
    energy.recount(session, [sample(1, 1100)], stop=counting.given(at(5), 1300))
    assert columns(session) == (1000, 1300, 300, ["superseded"])
    energy.recount(session, [sample(1, 1200), sample(2, 7, phase="L1")])

    assert columns(session) == (1000, 1300, 300, ["superseded"])
    assert session.registers.partial_at == at(2)


# -- messages of several samples, and unusual ones -----------------------------------------------------------


def taken(session: TransactionState, *samples: Register) -> bool:
    return energy.take(session, samples, received_at=at(99))


@pytest.mark.parametrize(
    ("samples", "is_added"),
    [
        ([sample(2, 1200)], True),
        ([sample(1, 1100)], True),  # a repetition
        ([sample(1, 1150)], True),  # another total of the same moment: the highest counts
        ([sample(0.5, 1050)], False),  # an older reading
        ([sample(2, 1200), sample(3, 1300)], True),
        ([sample(3, 1300), sample(2, 1200)], True),  # in any order within a message
        ([sample(2, 1200, END)], True),
        ([sample(0, 1000, BEGIN)], True),
        ([sample(0, 1200, BEGIN)], True),  # compared with the meterStart, which counts
    ],
)
def test_what_is_not_the_latest_is_counted_again(samples: list[Register], is_added: bool) -> None:
    assert taken(a_session(1000, sample(1, 1100)), *samples) is is_added


def test_every_reading_of_a_message_counts() -> None:
    session = a_session(1000, sample(1, 1100))

    assert taken(session, sample(2, 1200), sample(3, 1350))
    assert columns(session) == (1000, 1350, 350, [])


@pytest.mark.parametrize(("wh", "energy_wh"), [(1150, 150), (1050, 100)])
def test_another_total_of_the_latest_moment_replaces_a_lower_one(wh: float, energy_wh: float) -> None:
    session = a_session(1000, sample(0.5, 1050), sample(1, 1100))

    assert taken(session, sample(1, wh))
    assert (session.energy_mwh, session.registers.last and session.registers.last.highest) == (
        mwh_of(energy_wh),
        mwh_of(max(wh, 1100)),
    )
    session.registers.can_reopen = False
    assert taken(session, sample(1, wh))
    assert not taken(session, sample(1, 1160))


def test_a_begin_after_other_readings_is_counted_again_without_a_meter_start() -> None:
    assert taken(a_session(None), sample(0, 1000, BEGIN), sample(1, 1100))
    assert not taken(a_session(None, sample(1, 1100)), sample(0, 1000, BEGIN))


def test_a_begin_is_repeated_and_no_other_one_is_added() -> None:
    session = a_session(None, sample(0, 1000, BEGIN), sample(1, 1100))

    assert taken(session, sample(0, 1000, BEGIN))
    assert session.energy_mwh == 100_000
    assert not taken(session, sample(-1, 900, BEGIN))


def test_an_end_is_repeated_and_a_later_one_makes_it_a_reading() -> None:
    session = a_session(1000, sample(1, 1100), sample(2, 1200, END))

    assert taken(session, sample(2, 1200, END))
    assert session.energy_mwh == 200_000
    assert taken(session, sample(3, 1300, END))
    assert (session.energy_mwh, session.registers.end) == (300_000, moment(3, 1300))
    assert session.registers.last == moment(2, 1200)
    assert taken(session, sample(3, 1400, END))
    assert session.energy_mwh == 400_000
    assert not taken(session, sample(0.5, 1050, END))


def test_a_reading_before_the_start_and_below_it_is_noted_once() -> None:
    session = a_session(1000)

    assert taken(session, sample(-2, 900))
    assert (session.registers.ahead_at, session.energy_mwh) == (at(-2), 0)
    assert not taken(session, sample(-3, 800))
    assert taken(session, sample(1, 1100))
    assert session.energy_mwh == 100_000
    assert [reason.partition(":")[0] for reason in session.suspect_reasons] == ["meter-start-ahead"]


def test_readings_below_the_start_are_counted_again_when_the_end_is_below_it_too() -> None:
    session = a_session(1000, sample(-2, 900))

    assert not taken(session, sample(1, 950, END))


@pytest.mark.parametrize(
    ("first", "second", "is_added"),
    [
        (("L1", "L2"), ("L3",), False),  # the rest of a moment's phases comes later
        (("L1", "L2", "L3"), (), True),
    ],
)
def test_the_phases_of_a_moment_are_summed_when_they_come_together(
    first: tuple[str, ...], second: tuple[str, ...], is_added: bool
) -> None:
    session = a_session(900)
    assert taken(session, *(sample(1, 400, phase=phase) for phase in first))
    outcome = taken(session, *(sample(1, 400, phase=phase) for phase in second)) if second else True

    assert outcome is is_added
    assert session.energy_mwh == (300_000 if is_added else 0)


@pytest.mark.parametrize(("minutes", "is_added"), [(0.5, False), (1, False), (1.5, True)])
def test_a_phase_of_a_moment_with_a_reading_is_counted_again(minutes: float, is_added: bool) -> None:
    session = a_session(1000, sample(1, 1100))

    assert taken(session, sample(minutes, 400, phase="L1")) is is_added
    assert session.registers.partial_at == (at(minutes) if is_added else None)


@pytest.mark.parametrize(("minutes", "is_added"), [(1.5, False), (2, False), (2.5, True)])
def test_a_sum_of_phases_is_counted_again_until_after_the_last_moment_with_a_missing_phase(
    minutes: float, is_added: bool
) -> None:
    session = a_session(900, sample(1, 1000))
    assert taken(session, sample(2, 900, phase="L1"))

    assert taken(session, *(sample(minutes, 400, phase=phase) for phase in ("L1", "L2", "L3"))) is is_added
    assert taken(session, sample(minutes + 1, 1300))


def test_another_reading_of_a_moment_before_the_start_is_counted_again() -> None:
    session = a_session(1000)
    assert taken(session, sample(-2, 900))

    assert not taken(session, sample(-2, 1100))


def test_a_finer_reading_of_a_moment_that_shows_it_below_the_start_is_counted_again() -> None:
    coarse = Register(at(-1), ORDINARY, "", 998_500, 1000)
    session = a_session(1000)

    assert taken(session, coarse) and taken(session, coarse._replace(mwh=998_000))
    assert not taken(session, coarse._replace(resolution=1))


def phases(minutes: float, wh: float, rank: Rank) -> list[Register]:
    return [sample(minutes, wh, rank, phase) for phase in ("L1", "L2", "L3")]


@pytest.mark.parametrize("rank", [BEGIN, END])
def test_a_begin_or_an_end_by_phases_is_only_repeated(rank: Rank) -> None:
    session = a_session(None)
    assert taken(session, *phases(1, 400, rank))
    before = columns(session)

    assert taken(session, *phases(1, 400, rank))
    assert columns(session) == before
    assert not taken(session, *phases(1, 500, rank))
    assert not taken(session, sample(1, 1200, rank))


@pytest.mark.parametrize("rank", [BEGIN, END])
def test_the_phases_of_a_begin_or_an_end_with_a_total_are_counted_again(rank: Rank) -> None:
    session = a_session(None)
    assert taken(session, sample(1, 1200, rank))

    assert not taken(session, *phases(2, 500, rank))


def test_of_several_begins_the_earliest_is_the_start_and_a_higher_one_a_reading() -> None:
    session = a_session(None, sample(0, 1000, BEGIN))

    assert taken(session, sample(1, 1050, BEGIN))

    assert session.registers.begin is not None and session.registers.begin.at == START
    assert columns(session)[:3] == (1000, 1050, 50)


def test_another_begin_of_the_moment_of_the_start_is_counted_again() -> None:
    assert not taken(a_session(None, sample(0, 1000, BEGIN)), sample(0, 1001, BEGIN))
    assert taken(a_session(None, sample(0, 1000, BEGIN)), sample(0, 999, BEGIN))


def test_the_total_of_a_moment_takes_precedence_over_the_sum_of_its_phases() -> None:
    phases = [sample(1, 400, phase=phase) for phase in ("L1", "L2", "L3")]

    assert taken(a_session(1000, sample(1, 1100)), *phases)
    later = a_session(900)
    assert taken(later, *phases) and taken(later, *phases)
    assert not taken(later, sample(1, 1100))


# -- the settled and the unknown -----------------------------------------------------------------------------


def test_a_settled_session_takes_every_reading_and_changes_nothing() -> None:
    session = a_session(1000, sample(1, 1100))
    session.registers = Registers(is_known=False, is_settled=True)
    session.energy_mwh = 77_000

    assert taken(session, sample(2, 5000))
    energy.recount(session, [sample(2, 5000)])
    assert not energy.must_recount(session, 5000, at(3), received_at=at(3))
    assert [energy.finish(session, stop, at(3)) for stop in (6000, None, -1)] == [6000, 1100, 1100]

    assert (session.energy_mwh, session.suspect_reasons) == (77_000, ["stop-after-settlement"])
    assert energy.stop_wh(session) == 1100
    assert energy.columns(session)["registers"] == energy.SETTLED


def test_registers_that_are_not_known_are_counted_again() -> None:
    session = a_session(1000, sample(1, 1100))
    session.registers.is_known = False

    assert not taken(session, sample(2, 1200), sample(3, 1300))
    assert energy.must_recount(session, 1200, at(3), received_at=at(3))


def test_a_stop_without_the_stored_readings_keeps_the_energy_so_far() -> None:
    session = a_session(1000, sample(1, 1100))
    session.suspect_reasons = ["meter-jump: a", "superseded"]
    session.registers = Registers(is_known=False)

    assert energy.finish(session, 1300, at(3)) == 1300

    assert columns(session)[:3] == (1000, 1300, 300)
    assert session.suspect_reasons == ["superseded", "meter-jump: a"]


@pytest.mark.parametrize(
    ("times", "stop_at", "received", "wanted"),
    [
        ((1, 2), 2, 0, False),
        ((1, 2), 1.5, 0, True),  # the latest reading is later than the stop
        ((1, 2), 1.5, 2, False),  # it is in the stop message itself
        ((1, 2), 0.5, 2, True),  # but the reading before it is too late as well
        ((2,), 1, 2, False),
    ],
)
def test_a_stop_before_a_counted_reading_is_counted_again(
    times: tuple[float, ...], stop_at: float, received: float, wanted: bool
) -> None:
    session = a_session(1000, *(sample(minute, 1000 + 100 * minute) for minute in times))

    must = energy.must_recount(session, 1200, at(stop_at), received_at=at(received))

    assert must is wanted
    session.registers.can_reopen = False
    assert energy.must_recount(session, 1200, at(stop_at), received_at=at(received)) is (times[-1] > stop_at)


@pytest.mark.parametrize(("stop_wh", "wanted"), [(1500, False), (950, True), (None, False)])
def test_a_stop_below_the_start_counts_what_was_read_before_it(stop_wh: float | None, wanted: bool) -> None:
    session = a_session(1000, sample(-1, 900))

    assert energy.must_recount(session, stop_wh, at(3), received_at=at(3)) is wanted
