"""The rules of register readings at their limits: units, rounding, order, and the start and the end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec import structs

from ocpp_server.live.registers import Moment, Registers
from transactions.services.metering import counting
from transactions.services.metering.counting import Rank, Reading, Sum

START = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def moment(minutes: float, wh: float, resolution: float = 1.0, *, is_sum: bool = False) -> Moment:
    return counting.moment(at(minutes), wh, resolution, is_sum=is_sum)


def codes(reasons: tuple[str, ...]) -> list[str]:
    return [reason.partition(":")[0] for reason in reasons]


# -- jumps ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("minutes", "most_wh"),
    [
        (60, 1_001_000),  # a megawatt for an hour, and the allowance
        (30, 501_000),
        (1, 1000 + 1_000_000 / 60),
        (0, 1000),
        (-60, 1000),  # a clock that was set back adds no time
    ],
)
def test_no_charger_delivers_more_than_a_megawatt(minutes: float, most_wh: float) -> None:
    assert not counting.is_jump(most_wh, START, at(minutes))
    assert counting.is_jump(most_wh + 0.1, START, at(minutes))


def test_a_rise_at_the_limit_is_no_jump_and_one_above_is_flagged_and_counted() -> None:
    before = counting.opened(moment(0, 5000))

    within, above = (counting.step(before, moment(60, 5000 + 1_001_000 + wh)) for wh in (0, 1))

    assert (within.energy, within.reasons) == (1_001_000, ())
    assert (above.energy, above.reasons) == (1_001_001, ("meter-jump: 5000 to 1006001 Wh",))


# -- two readings --------------------------------------------------------------------------------------------


def test_a_context_has_its_rank() -> None:
    ranks = [counting.rank_of(name) for name in ("Transaction.Begin", "Transaction.End", "Trigger", "")]

    assert ranks == [Rank.BEGIN, Rank.END, Rank.ORDINARY, Rank.ORDINARY]


@pytest.mark.parametrize(
    ("lower", "higher", "wanted"),
    [
        (moment(0, 100), moment(0, 101.9), False),
        (moment(0, 100), moment(0, 102), True),
        (moment(0, 100, 0.5), moment(0, 101.25, 1.0), False),
        (moment(0, 100, 0.5), moment(0, 101.5, 1.0), True),
        (moment(0, 100, 10), moment(0, 119, 10), False),
        (moment(0, 102), moment(0, 100), False),
    ],
)
def test_a_reading_is_below_another_by_more_than_the_rounding_of_both(
    lower: Moment, higher: Moment, wanted: bool
) -> None:
    assert counting.is_below(lower, higher) is wanted


def test_of_two_readings_of_a_moment_the_highest_counts_and_then_the_finest() -> None:
    low, high, fine = moment(0, 100), moment(0, 101), moment(0, 101, 0.1)

    for one, other in ((low, high), (high, low)):
        assert counting.joined(one, other) == Moment(START, 101, 1.0, 100, 101, 100, 101)
    for one, other in ((high, fine), (fine, high)):
        assert counting.joined(one, other) == Moment(START, 101, 0.1, 101, 101, 100.9, 101.1)


def test_of_two_begins_the_earlier_counts() -> None:
    early, late, same = moment(-1, 100), moment(0, 90), moment(-1, 101)

    for one, other in ((early, late), (late, early)):
        assert (counting.first_of(one, other).at, counting.first_of(one, other).wh) == (at(-1), 100)
    assert counting.first_of(early, same).wh == counting.first_of(same, early).wh == 101


@pytest.mark.parametrize(("other", "contradicts"), [(101.9, False), (102, True), (98.1, False), (98, True)])
def test_readings_of_a_moment_contradict_each_other_beyond_their_rounding(
    other: float, contradicts: bool
) -> None:
    one = counting.joined(moment(0, 100), moment(0, other))

    for before in (None, counting.opened(moment(-1, 90))):
        assert bool(counting.step(before, one).reasons) is contradicts


# -- one reading after the other -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resolution", "wh", "is_reset"), [(1.0, 198.1, False), (1.0, 198, True), (0.5, 198.5, True)]
)
def test_a_register_resets_when_it_falls_by_more_than_its_rounding(
    resolution: float, wh: float, is_reset: bool
) -> None:
    tally = counting.opened(moment(0, 100))
    for one in (moment(1, 200), moment(2, wh, resolution), moment(3, wh + 50, resolution)):
        tally = counting.step(tally, one)

    assert codes(tally.reasons) == (["meter-reset"] if is_reset else [])
    assert tally.energy == (150 if is_reset else 148)
    assert tally.start_wh == 100


def test_a_fall_is_measured_from_the_highest_and_finest_reading() -> None:
    coarse = counting.step(counting.opened(moment(0, 100)), moment(1, 200, 10))
    fine = counting.step(coarse, moment(2, 200, 0.5))
    coarse_again = counting.step(fine, moment(2, 200, 10))

    assert [tally.top_resolution for tally in (coarse, fine, coarse_again)] == [10, 0.5, 0.5]
    assert [tally.finest for tally in (coarse, fine, coarse_again)] == [1, 0.5, 0.5]
    assert codes(counting.step(coarse, moment(3, 199, 0.5)).reasons) == []
    lower = counting.step(coarse, moment(2, 195, 0.5))
    assert codes(counting.step(lower, moment(3, 190, 0.5)).reasons) == []
    reset = counting.step(coarse, moment(2, 50, 0.5))
    assert counting.step(reset, moment(3, 49, 0.5)).energy == counting.step(reset, moment(3, 50, 0.5)).energy
    assert counting.step(reset, moment(3, 49, 0.5)).before == 100
    for tally in (fine, coarse_again, counting.step(fine, moment(2, 199.5, 0.5))):
        assert codes(counting.step(tally, moment(3, 199, 0.5)).reasons) == ["meter-reset"]


def test_each_reset_keeps_the_energy_before_it() -> None:
    tally = counting.opened(moment(0, 1000))
    for minute, wh in enumerate((1100, 0, 30, 10, 25, 0, 7), start=1):
        tally = counting.step(tally, moment(minute, wh))

    assert tally.energy == 100 + 30 + 15 + 7
    assert tally.reasons == ("meter-reset: 1100 to 0 Wh",)


def test_a_final_reading_below_the_others_leaves_the_tally_and_gives_the_reason() -> None:
    tally = counting.step(counting.opened(moment(0, 100)), moment(1, 200))

    ended = counting.step(tally, moment(2, 150), is_final=True)

    assert ended.reasons == ("meter-regression: 200 Wh, then 150 Wh",)
    assert structs.replace(ended, reasons=()) == tally


@pytest.mark.parametrize(
    ("first", "is_given", "start_wh", "energy", "reason"),
    [
        (0, False, 5000, 0, "meter-start-implausible: 0 Wh, then 5000 Wh"),
        (0, True, 0, 5000, "meter-jump: 0 to 5000 Wh"),
        (1, False, 1, 4999, "meter-jump: 1 to 5000 Wh"),
    ],
)
def test_only_a_start_of_zero_before_a_jump_is_an_unread_meter(
    first: float, is_given: bool, start_wh: float, energy: float, reason: str
) -> None:
    tally = counting.step(counting.opened(moment(0, first)), moment(0, 5000), is_given=is_given)

    assert (tally.start_wh, tally.energy, tally.reasons) == (start_wh, energy, (reason,))


def test_a_meter_that_fell_to_zero_after_charging_is_not_an_unread_one() -> None:
    tally = counting.opened(moment(0, 100))
    for one in (moment(1, 300), moment(2, 0), moment(2, 5000)):
        tally = counting.step(tally, one)

    assert (tally.start_wh, tally.energy) == (100, 5200)
    assert codes(tally.reasons) == ["meter-reset", "meter-jump"]


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

    assert (first.wh if first is not None else None) == wanted


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
        assert (result.tally.energy, codes(result.reasons)) == (400, ["meter-start-ahead"])


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
    assert (registers.begin.at, registers.begin.wh) == (START, 100)
    assert registers.last == readings[2].moment
    assert registers.tally is not None and registers.tally.energy == 80


# -- the end -------------------------------------------------------------------------------------------------


def ended(*readings: Reading, start: float | None = 100, stop: float | None = None) -> Sum:
    registers = counting.count(
        readings, start=counting.given(START, start), stop=counting.given(at(60), stop)
    )
    return counting.total(registers, is_ended=True)


def energy(result: Sum) -> float:
    assert result.tally is not None
    return result.tally.energy


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

    assert (energy(before), before.stop_wh) == (600, 500)
    assert codes(before.reasons) == ["meter-regression"]
    assert (energy(same), same.stop_wh) == (400, 500)
    assert same.reasons == ("moment-contradicts: at the stop 500 and 700 Wh",)


@pytest.mark.parametrize(
    ("stop", "energy_wh", "stop_wh"), [(0, 0, 0), (-1, 200, 300), (None, 200, 300), (300, 200, 300)]
)
def test_an_unknown_or_missing_meter_stop_leaves_the_last_reading(
    stop: float | None, energy_wh: float, stop_wh: float
) -> None:
    readings = [Reading(Rank.ORDINARY, moment(1, 300))] if stop != 0 else []

    result = ended(*readings, start=100 if stop != 0 else 0, stop=stop)

    assert (energy(result), result.stop_wh, result.reasons) == (energy_wh, stop_wh, ())


@pytest.mark.parametrize("stop", [0, 5000])
def test_a_session_without_any_reading_before_its_stop_has_no_energy(stop: float) -> None:
    result = ended(start=None, stop=stop)

    assert (energy(result), result.stop_wh) == (0, stop)
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

    assert (energy(result), result.stop_wh, codes(result.reasons)) == (600, 500, ["meter-regression"])


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
    curve = [(START, 9.0)]
    readings = [Reading(Rank.ORDINARY, moment(minute, wh)) for minute, wh in ((2, 300), (1, 150))]

    counting.count(readings, start=counting.given(START, 100), curve=curve)

    assert curve == [(at(1), 50), (at(2), 200)]


def test_the_curve_of_a_start_that_is_wrong_has_each_reading_once() -> None:
    curve: list[tuple[datetime, float]] = []
    readings = [Reading(Rank.ORDINARY, moment(minute, wh)) for minute, wh in ((-2, 10), (-1, 30))]

    registers = counting.count(readings, start=counting.given(START, 100), curve=curve)

    assert (registers.ahead_at, registers.counts_ahead) == (at(-1), False)
    registers = counting.count(
        readings, start=counting.given(START, 100), stop=counting.given(at(60), 50), curve=curve
    )
    assert registers.counts_ahead and [moment for moment, _ in curve] == [at(-2), at(-1)]


# -- numbers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wh", "resolution", "wanted"),
    [
        (0.1 + 0.2, 0.1, 0.3),
        (1.23456789, 1e-9, 1.234568),
        (12.6, 1.0, 13),
        (12.6, 10.0, 13),
        (1.26, 0.5, 1.3),
        (1.26, 0.01, 1.26),
    ],
)
def test_a_difference_is_rounded_to_the_decimals_of_its_registers(
    wh: float, resolution: float, wanted: float
) -> None:
    assert counting.rounded(wh, resolution) == wanted
