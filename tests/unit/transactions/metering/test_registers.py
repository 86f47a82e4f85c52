"""Registers of a session: two readings of a moment, jumps, resets and decimals."""

from __future__ import annotations

import pytest
from msgspec import structs

from ocpp_server.live.registers import Moment
from ocpp_server.protocol.translate.energy import mwh_of, wh_of
from tests.unit.transactions.metering.moments import START, at, codes, moment
from transactions.services.metering import counting
from transactions.services.metering.counting import Rank

# -- jumps ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("minutes", "most_wh"),
    [
        (60, 1_001_000),  # a megawatt for an hour, and the allowance
        (30, 501_000),
        (1, 17_666.666),
        (0, 1000),
        (-60, 1000),  # a clock that was set back adds no time
    ],
)
def test_no_charger_delivers_more_than_a_megawatt(minutes: float, most_wh: float) -> None:
    assert not counting.is_jump(mwh_of(most_wh), START, at(minutes))
    assert counting.is_jump(mwh_of(most_wh) + 1, START, at(minutes))


def test_a_rise_at_the_limit_is_no_jump_and_one_above_is_flagged_and_counted() -> None:
    before = counting.opened(moment(0, 5000))

    within, above = (counting.step(before, moment(60, 5000 + 1_001_000 + wh)) for wh in (0, 1))

    assert (within.energy, within.reasons) == (1_001_000_000, ())
    assert (above.energy, above.reasons) == (1_001_001_000, ("meter-jump: 5000 to 1006001 Wh",))


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
        assert counting.joined(one, other) == Moment(START, 101_000, 1000, 100_000, 101_000, 100_000, 101_000)
    for one, other in ((high, fine), (fine, high)):
        assert counting.joined(one, other) == Moment(START, 101_000, 100, 101_000, 101_000, 100_900, 101_100)


def test_of_two_begins_the_earlier_counts() -> None:
    early, late, same = moment(-1, 100), moment(0, 90), moment(-1, 101)

    for one, other in ((early, late), (late, early)):
        assert (counting.first_of(one, other).at, counting.first_of(one, other).mwh) == (at(-1), 100_000)
    assert counting.first_of(early, same).mwh == counting.first_of(same, early).mwh == 101_000


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
    assert tally.energy == (150_000 if is_reset else mwh_of(wh + 50 - 100))
    assert tally.start_mwh == 100_000


def test_a_fall_is_measured_from_the_highest_and_finest_reading() -> None:
    coarse = counting.step(counting.opened(moment(0, 100)), moment(1, 200, 10))
    fine = counting.step(coarse, moment(2, 200, 0.5))
    coarse_again = counting.step(fine, moment(2, 200, 10))

    assert [tally.top_resolution for tally in (coarse, fine, coarse_again)] == [10_000, 500, 500]
    assert codes(counting.step(coarse, moment(3, 199, 0.5)).reasons) == []
    lower = counting.step(coarse, moment(2, 195, 0.5))
    assert codes(counting.step(lower, moment(3, 190, 0.5)).reasons) == []
    reset = counting.step(coarse, moment(2, 50, 0.5))
    assert counting.step(reset, moment(3, 49, 0.5)).energy == counting.step(reset, moment(3, 50, 0.5)).energy
    assert counting.step(reset, moment(3, 49, 0.5)).before == 100_000
    for tally in (fine, coarse_again, counting.step(fine, moment(2, 199.5, 0.5))):
        assert codes(counting.step(tally, moment(3, 199, 0.5)).reasons) == ["meter-reset"]


def test_each_reset_keeps_the_energy_before_it() -> None:
    tally = counting.opened(moment(0, 1000))
    for minute, wh in enumerate((1100, 0, 30, 10, 25, 0, 7), start=1):
        tally = counting.step(tally, moment(minute, wh))

    assert tally.energy == 1000 * (100 + 30 + 15 + 7)
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

    assert (wh_of(tally.start_mwh), wh_of(tally.energy), tally.reasons) == (start_wh, energy, (reason,))


def test_a_meter_that_fell_to_zero_after_charging_is_not_an_unread_one() -> None:
    tally = counting.opened(moment(0, 100))
    for one in (moment(1, 300), moment(2, 0), moment(2, 5000)):
        tally = counting.step(tally, one)

    assert (tally.start_mwh, tally.energy) == (100_000, 5_200_000)
    assert codes(tally.reasons) == ["meter-reset", "meter-jump"]
