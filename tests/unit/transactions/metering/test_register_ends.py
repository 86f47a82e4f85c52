"""Registers of a session: its start, its end and its curve."""

from __future__ import annotations

from datetime import datetime

import pytest
from msgspec import structs

from ocpp_server.live.registers import Registers
from ocpp_server.protocol.translate.energy import wh_of
from tests.unit.transactions.metering.moments import START, at, codes, moment
from transactions.services.metering import counting
from transactions.services.metering.counting import Rank, Reading, Sum

# -- the start -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("meter_start", "begin", "wanted"),
    [
        (None, None, None),
        (None, 700, 700),
        (-1, 700, 700),
        (-1, None, None),
        (0, None, 0),
        (0, 1000, 0),
        (0, 1001, 1001),
        (1, 9000, 1),
    ],
)
def test_the_begin_is_the_start_where_meter_start_is_missing_unknown_or_an_unread_zero(
    meter_start: float | None, begin: float | None, wanted: float | None
) -> None:
    registers = Registers(
        start=counting.given(START, meter_start), begin=None if begin is None else moment(0, begin)
    )

    first = counting.start_of(registers)

    assert (None if first is None else wh_of(first.mwh)) == wanted


@pytest.mark.parametrize(
    ("minutes", "wh", "ahead"), [(-1, 98, True), (-1, 98.1, False), (0, 98, False), (1, 98, False)]
)
def test_a_late_reading_below_the_start_adds_nothing(minutes: float, wh: float, ahead: bool) -> None:
    late = Reading(Rank.ORDINARY, moment(minutes, wh))
    start = counting.given(START, 100)
    assert start is not None
    registers = counting.count([late], start=start, stop=counting.given(at(60), 500))

    assert counting.is_ahead(late.moment, start) is ahead
    assert (registers.ahead_at is not None) is ahead
    if ahead:
        result = counting.total(registers, is_ended=True)
        assert result.tally is not None
        assert (result.tally.energy, codes(result.reasons)) == (400_000, ["meter-start-ahead"])


@pytest.mark.parametrize(
    ("final", "stop", "end", "counts"),
    [
        (None, 500, None, False),
        (None, 98, None, True),  # the register stays below the start: the start is wrong
        (None, 98.1, None, False),
        (None, -1, 98, True),  # an unknown meterStop decides nothing
        (None, None, 98, True),
        (None, None, 500, False),
        (99, None, None, False),
        (98, None, None, True),
        (None, None, None, False),
    ],
)
def test_readings_before_the_start_count_when_the_register_stays_below_it(
    final: float | None, stop: float | None, end: float | None, counts: bool
) -> None:
    registers = Registers(
        start=counting.given(START, 100),
        stop=counting.given(at(60), stop),
        end=None if end is None else moment(59, end),
        last=None if final is None else moment(30, final),
        ahead_at=at(-1),
    )

    assert counting.counts_ahead(registers) is counts
    assert counting.counts_ahead(structs.replace(registers, ahead_at=None)) is False


def test_a_later_and_higher_begin_counts_as_a_reading() -> None:
    start = moment(0, 100)

    assert counting.is_later_and_higher(moment(1, 102), start)
    assert not counting.is_later_and_higher(moment(1, 101), start)
    assert not counting.is_later_and_higher(moment(0, 102), start)
    readings = [Reading(Rank.BEGIN, moment(minute, wh)) for minute, wh in ((0, 100), (1, 150), (2, 180))]
    registers = counting.count(readings)
    assert registers.begin is not None
    assert (registers.begin.at, registers.begin.mwh) == (START, 100_000)
    assert registers.last == readings[2].moment
    assert registers.tally is not None and registers.tally.energy == 80_000


# -- the end -------------------------------------------------------------------------------------------------


def ended(*readings: Reading, start: float | None = 100, stop: float | None = None) -> Sum:
    registers = counting.count(
        readings, start=counting.given(START, start), stop=counting.given(at(60), stop)
    )
    return counting.total(registers, is_ended=True)


def energy(result: Sum) -> float:
    assert result.tally is not None
    return wh_of(result.tally.energy)


def test_the_last_of_several_ends_is_the_end_and_the_others_are_readings() -> None:
    ends = [Reading(Rank.END, moment(minute, wh)) for minute, wh in ((3, 400), (1, 200), (2, 300))]

    registers = counting.count(ends, start=counting.given(START, 100))

    assert (registers.end, registers.last) == (ends[0].moment, ends[2].moment)
    assert energy(ended(*ends)) == 300


def test_a_station_s_own_total_takes_precedence_over_the_sum_of_phases() -> None:
    total, sums = moment(1, 200), moment(1, 250, is_sum=True)
    for rank in (Rank.ORDINARY, Rank.END):
        for pair in ((total, sums), (sums, total)):
            assert energy(ended(*(Reading(rank, one) for one in pair))) == 100


def test_an_end_before_the_meter_stop_is_a_reading_and_one_at_the_stop_a_comparison() -> None:
    before = ended(Reading(Rank.END, moment(59, 700)), stop=500)
    same = ended(Reading(Rank.END, moment(60, 700)), stop=500)

    assert (energy(before), wh_of(before.stop_mwh)) == (600, 500)
    assert codes(before.reasons) == ["meter-regression"]
    assert (energy(same), wh_of(same.stop_mwh)) == (400, 500)
    assert same.reasons == ("moment-contradicts: at the stop 500 and 700 Wh",)


@pytest.mark.parametrize(
    ("stop", "energy_wh", "stop_wh"), [(0, 0, 0), (-1, 200, 300), (None, 200, 300), (300, 200, 300)]
)
def test_an_unknown_or_missing_meter_stop_leaves_the_last_reading(
    stop: float | None, energy_wh: float, stop_wh: float
) -> None:
    readings = [Reading(Rank.ORDINARY, moment(1, 300))] if stop != 0 else []

    result = ended(*readings, start=100 if stop != 0 else 0, stop=stop)

    assert (energy(result), wh_of(result.stop_mwh), result.reasons) == (energy_wh, stop_wh, ())


@pytest.mark.parametrize("stop", [0, 5000])
def test_a_session_without_any_reading_before_its_stop_has_no_energy(stop: float) -> None:
    result = ended(start=None, stop=stop)

    assert (energy(result), wh_of(result.stop_mwh)) == (0, stop)
    assert result.reasons == ("meter-start-implausible: no reading before the stop",)


@pytest.mark.parametrize(
    ("end", "stop"), [(500, None), (None, 500), (500, 500)], ids=["an end", "a meterStop", "both"]
)
def test_an_end_below_an_earlier_reading_is_a_regression_and_no_reset(
    end: float | None, stop: float | None
) -> None:
    readings = [Reading(Rank.ORDINARY, moment(1, 700))]
    if end is not None:
        readings.append(Reading(Rank.END, moment(59, end)))

    result = ended(*readings, stop=stop)

    assert (energy(result), wh_of(result.stop_mwh), codes(result.reasons)) == (600, 500, ["meter-regression"])


def test_a_meter_start_of_zero_stays_the_start_of_a_jump_to_the_meter_stop() -> None:
    result = ended(start=0, stop=2_000_000)

    assert (energy(result), result.reasons) == (2_000_000, ("meter-jump: 0 to 2000000 Wh",))


def test_a_running_session_without_readings_is_not_suspect_yet() -> None:
    assert counting.total(Registers(), is_ended=False) == Sum(None, None, ())
    assert counting.total(Registers(), is_ended=True) == Sum(None, None, ("meter-stop-missing",))


def test_a_start_that_does_not_count_is_named_with_the_one_that_does() -> None:
    unknown = counting.count([Reading(Rank.BEGIN, moment(0, 700))], start=counting.given(START, -1))
    unread = counting.count([Reading(Rank.BEGIN, moment(0, 7000))], start=counting.given(START, 0))
    other = counting.count([Reading(Rank.BEGIN, moment(0, 700))], start=counting.given(START, 600))

    assert counting.total(unknown, is_ended=False).reasons == ("meter-start-implausible: -1 Wh",)
    assert counting.total(unread, is_ended=False).reasons == ("meter-start-implausible: 0 Wh, then 7000 Wh",)
    assert counting.total(other, is_ended=False).reasons == (
        "moment-contradicts: at the start 600 and 700 Wh",
    )


def test_the_curve_has_the_energy_at_each_reading_after_the_start() -> None:
    curve = [(START, 9)]
    readings = [Reading(Rank.ORDINARY, moment(minute, wh)) for minute, wh in ((2, 300), (1, 150))]

    counting.count(readings, start=counting.given(START, 100), curve=curve)

    assert curve == [(at(1), 50_000), (at(2), 200_000)]


def test_the_curve_of_a_start_that_is_wrong_has_each_reading_once() -> None:
    curve: list[tuple[datetime, int]] = []
    readings = [Reading(Rank.ORDINARY, moment(minute, wh)) for minute, wh in ((-2, 10), (-1, 30))]

    registers = counting.count(readings, start=counting.given(START, 100), curve=curve)

    assert (registers.ahead_at, registers.counts_ahead) == (at(-1), False)
    registers = counting.count(
        readings, start=counting.given(START, 100), stop=counting.given(at(60), 50), curve=curve
    )
    assert registers.counts_ahead and [moment for moment, _ in curve] == [at(-2), at(-1)]
