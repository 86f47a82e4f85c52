"""Register readings at their limits: a register of zero, several ends of one moment, no reading at all."""

from __future__ import annotations

import pytest

from ocpp_server.live.registers import Registers
from ocpp_server.protocol.translate.energy import mwh_of
from tests.unit.transactions.metering.moments import START, at, moment
from transactions.services.metering import counting
from transactions.services.metering.counting import Rank, Reading
from transactions.services.transactions.suspicion import code_of


def counted(*readings: Reading, start: float | None = 1000) -> Registers:
    return counting.count(readings, start=counting.given(START, start))


def end(minutes: float, wh: float) -> Reading:
    return Reading(Rank.END, moment(minutes, wh))


def ordinary(minutes: float, wh: float) -> Reading:
    return Reading(Rank.ORDINARY, moment(minutes, wh))


# -- several readings of one moment --------------------------------------------------------------------------


@pytest.mark.parametrize("values", [(1300, 1400), (1400, 1300), (1300, 1300, 1400)])
def test_of_several_ends_of_one_moment_the_highest_is_the_end(values: tuple[float, ...]) -> None:
    registers = counted(*(end(5, wh) for wh in values))

    assert (registers.end and registers.end.mwh, registers.last) == (1_400_000, None)
    result = counting.total(registers)
    assert result.tally is not None and result.tally.energy == 400_000
    assert [code_of(reason) for reason in result.reasons] == ["moment-contradicts"]


def test_a_lower_and_coarser_reading_of_a_moment_does_not_widen_its_rounding() -> None:
    tally = counting.step(counting.opened(moment(0, 100)), moment(1, 200, 0.5))
    tally = counting.step(tally, moment(2, 199.9, 10))

    assert (tally.top, tally.top_resolution) == (200_000, 500)


# -- readings before the start -------------------------------------------------------------------------------


@pytest.mark.parametrize("stop", [0, 0.5])
def test_a_meter_stop_of_zero_is_below_the_start(stop: float) -> None:
    registers = Registers(
        start=counting.given(START, 100), stop=counting.given(at(60), stop), ahead_at=at(-1)
    )

    assert counting.counts_ahead(registers)


def test_the_latest_reading_before_the_start_is_remembered() -> None:
    registers = counted(ordinary(-3, 700), ordinary(-1, 900), ordinary(-2, 800), ordinary(5, 1100))

    assert (registers.ahead_at, registers.last and registers.last.mwh) == (at(-1), 1_100_000)
    assert counted(ordinary(-1, 1000), ordinary(5, 1100)).ahead_at is None


def test_a_session_without_readings_has_no_latest_one() -> None:
    registers = counted()

    assert (registers.last, registers.previous, registers.end, registers.begin) == (None, None, None, None)
    assert registers.tally == counting.opened(moment(0, 1000))
    assert counted(start=None).tally is None


# -- numbers and reasons -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mwh", "text"),
    [
        (0, "0"),
        (100_000, "100"),
        (1, "0.001"),
        (-500, "-0.5"),
        (10**12, "1000000000"),
        (9_007_199_254_740_993, "9007199254740.993"),  # more digits than a float has
    ],
)
def test_a_number_of_wh_is_written_without_needless_zeros(mwh: int, text: str) -> None:
    assert counting.wh_text(mwh) == text


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("meter-stop-missing", "meter-stop-missing"),
        ("meter-reset: 1 to 0 Wh", "meter-reset"),
        ("clock-implausible: 1970-01-01T00:00:00Z", "clock-implausible"),
    ],
)
def test_the_code_of_a_reason_is_what_comes_before_its_detail(reason: str, code: str) -> None:
    assert code_of(reason) == code


def test_each_suspicion_is_given_once_with_its_first_detail() -> None:
    tally = counting.opened(moment(0, 1000))
    for one in (moment(1, 500), moment(2, 9_000_000), moment(3, 100), moment(4, 8_000_000)):
        tally = counting.step(tally, one)

    assert tally.reasons == ("meter-reset: 1000 to 500 Wh", "meter-jump: 500 to 9000000 Wh")


@pytest.mark.parametrize(("stop", "final"), [(0, 0), (0.5, 0.5), (-0.5, 1300)])
def test_a_meter_stop_of_zero_is_the_final_reading_and_a_negative_one_is_unknown(
    stop: float, final: float
) -> None:
    registers = counting.count(
        [ordinary(1, 1300)], start=counting.given(START, 1000), stop=counting.given(at(5), stop)
    )

    result = counting.total(registers)

    assert result.tally is not None and result.tally.energy == 300_000
    assert result.stop_mwh == mwh_of(final)
    assert [code_of(reason) for reason in result.reasons] == (["meter-regression"] if stop >= 0 else [])
