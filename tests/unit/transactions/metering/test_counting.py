"""The rules that turn register readings into energy, one by one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ocpp_server.protocol.translate.energy import mwh_of, wh_of
from ocpp_server.protocol.translate.metering import samples_2x, samples_16, scaled
from transactions.services.metering import counting, hours
from transactions.services.metering.counting import Rank, Reading, Sum, wh_text

START = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)


def reading(minute: float, wh: float, rank: Rank = Rank.ORDINARY, resolution: float = 1.0) -> Reading:
    return Reading(rank, counting.moment(START + timedelta(minutes=minute), mwh_of(wh), mwh_of(resolution)))


def summed(*readings: Reading, start: float | None = None, stop: float | None = None, end: int = 60) -> Sum:
    registers = counting.count(
        readings,
        start=counting.given(START, start),
        stop=counting.given(START + timedelta(minutes=end), stop),
    )
    return counting.total(registers, is_ended=True)


def energy(result: Sum) -> float:
    assert result.tally is not None
    return wh_of(result.tally.energy)


def final(result: Sum) -> float | None:
    return wh_of(result.stop_mwh)


def codes(result: Sum) -> list[str]:
    return [reason.partition(":")[0] for reason in result.reasons]


BEGIN, END = Rank.BEGIN, Rank.END


# -- the context decides -------------------------------------------------------------------------------------


def test_begin_is_first_and_end_is_last_at_any_times():
    result = summed(reading(30, 1000, BEGIN), reading(10, 1200), reading(5, 1500, END), reading(20, 1400))

    assert (energy(result), final(result), codes(result)) == (500, 1500, [])


def test_a_begin_with_a_meter_start_is_compared_and_not_counted():
    assert codes(summed(reading(0, 1000.4, BEGIN, 0.1), start=1000, stop=1500)) == []
    result = summed(reading(0, 1200, BEGIN), start=1000, stop=1500)
    assert (energy(result), codes(result)) == (500, ["moment-contradicts"])


def test_an_end_that_contradicts_the_meter_stop_is_flagged_and_the_meter_stop_counts():
    result = summed(reading(60, 1900, END), start=1000, stop=1850)

    assert (energy(result), final(result), codes(result)) == (850, 1850, ["moment-contradicts"])


def test_an_end_before_the_meter_stop_may_be_lower():
    assert codes(summed(reading(59, 1890, END), start=1000, stop=1900)) == []


@pytest.mark.parametrize("rank", [BEGIN, END])
def test_a_station_that_gives_every_reading_the_same_context_is_counted_right(rank):
    result = summed(*(reading(minute, 1000 + 100 * minute, rank) for minute in (0, 1, 2)))

    assert energy(result) == 200


def test_the_highest_reading_of_a_moment_counts():
    result = summed(reading(10, 1400), reading(10, 1500), start=1000)

    assert (energy(result), result.reasons) == (500, ("moment-contradicts: 1400 and 1500 Wh",))


# -- registers -----------------------------------------------------------------------------------------------


def test_a_reset_begins_a_new_difference():
    result = summed(reading(10, 9500), reading(20, 0), reading(30, 300), start=9000, stop=400)

    assert (energy(result), codes(result)) == (900, ["meter-reset"])


def test_a_register_that_falls_slowly_is_a_reset_in_the_end():
    result = summed(*(reading(minute, 1100 - minute) for minute in range(1, 10)), start=1000)

    assert codes(result) == ["meter-reset"]
    assert energy(result) >= 97


def test_a_final_reading_below_the_others_adds_nothing():
    result = summed(reading(10, 1600), start=1000, stop=1500)

    assert (energy(result), final(result), codes(result)) == (600, 1500, ["meter-regression"])


def test_a_start_of_zero_is_replaced_by_the_first_plausible_reading():
    result = summed(reading(1, 8_000_000), reading(10, 8_001_500), start=0, stop=8_002_000)

    assert (energy(result), codes(result)) == (2000, ["meter-start-implausible"])
    assert result.tally is not None and result.tally.start_mwh == 8_000_000_000


def test_a_begin_replaces_a_meter_start_of_zero_of_the_same_moment():
    result = summed(reading(0, 8_000_000, BEGIN), start=0, stop=8_002_000)

    assert (energy(result), codes(result)) == (2000, ["meter-start-implausible"])


def test_a_jump_is_flagged_and_counted():
    result = summed(reading(1, 1_000_000), start=1000)

    assert (energy(result), codes(result)) == (999_000, ["meter-jump"])


def test_a_stop_without_any_reading_before_it():
    result = summed(start=-1, stop=5000)

    assert (energy(result), result.reasons) == (0, ("meter-start-implausible: -1 Wh",))
    assert codes(summed()) == ["meter-stop-missing"]


def test_a_reading_of_the_time_before_the_session_does_not_count():
    result = summed(reading(-15, 4900), reading(10, 5200), start=5000, stop=5500)

    assert (energy(result), codes(result)) == (500, ["meter-start-ahead"])


def test_with_a_start_above_all_readings_only_the_readings_count():
    result = summed(reading(-15, 1000), reading(-10, 1200), start=5000, stop=1300, end=-5)

    assert energy(result) == 300
    assert codes(result) == ["meter-start-ahead", "meter-reset"]


# -- rounding ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("last", "exactness", "stop", "is_regression"),
    [
        (400.4, 0.1, 400, False),
        (401.0, 0.1, 400, False),
        (401.1, 0.1, 400, True),
        (410.0, 10.0, 400, False),
        (411.0, 10.0, 400, True),
    ],
)
def test_rounding_of_both_numbers_is_tolerated(last, exactness, stop, is_regression):
    result = summed(reading(10, last, resolution=exactness), start=100, stop=stop)

    assert ("meter-regression" in codes(result)) is is_regression
    assert is_regression or energy(result) == stop - 100


def test_energy_has_no_binary_noise():
    fine = [reading(minute, 100.1 + 0.3 * minute, resolution=0.1) for minute in range(30)]

    assert energy(summed(*fine)) == 8.7
    assert energy(summed(reading(0, 0.1, BEGIN, 0.01), reading(9, 139.72, END, 0.01))) == 139.62


def test_units_are_converted_without_binary_noise():
    assert 0.10003 * 1000 != 100.03
    assert scaled("0.10003", 3) == 100.03
    sampled = {"value": "0.10003", "unit": "kWh"}
    assert samples_16([{"timestamp": "", "sampledValue": [sampled]}])[0].value == 100.03
    multiplied = {"value": 1.003, "unitOfMeasure": {"unit": "kWh", "multiplier": 1}}
    assert samples_2x([{"timestamp": "", "sampledValue": [multiplied]}])[0].value == 10030


@pytest.mark.parametrize(
    ("mwh", "text"), [(1_234_567_500, "1234567.5"), (300, "0.3"), (8_000_000_000, "8000000"), (-1000, "-1")]
)
def test_numbers_in_words_keep_all_their_digits(mwh, text):
    assert wh_text(mwh) == text


# -- by the hour ---------------------------------------------------------------------------------------------


def at(hour: int, minute: int = 0, day: int = 1) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


def test_energy_is_spread_evenly_over_the_hours_between_two_readings():
    spread = hours.spread({hours.key(at(10)): 5}, at(10, 30), at(12, 30), 100)

    assert spread == {hours.key(at(10)): 30, hours.key(at(11)): 50, hours.key(at(12)): 25}


def test_energy_until_the_full_hour_belongs_to_the_hour_before():
    assert hours.spread({}, at(10, 30), at(11), 7) == {hours.key(at(10)): 7}


def test_the_shares_add_up_to_the_energy():
    assert sum(hours.spread({}, at(1, 7), at(9, 3, day=3), 100_100).values()) == 100_100


def test_a_gap_of_years_and_a_clock_that_is_set_back_are_booked_into_one_hour():
    assert len(hours.spread({}, datetime(2015, 1, 1, tzinfo=UTC), at(10, 30), 100)) == 1
    assert hours.spread({}, at(12), at(10, 30), 100) == {hours.key(at(10)): 100}


def test_a_correction_is_taken_from_the_latest_hours():
    known = {hours.key(at(10)): 5000, hours.key(at(11)): 300}

    assert hours.spread(known, at(11), at(12, 5), -500) == {hours.key(at(10)): 4800, hours.key(at(11)): 0}
    assert known[hours.key(at(11))] == 300


def test_a_session_of_months_loses_the_detail_of_its_oldest_hours_but_no_energy():
    known: dict[str, int] = {}
    for day in range(40):
        known = hours.spread(known, at(0) + timedelta(days=day), at(0) + timedelta(days=day + 1), 24)

    assert len(known) == hours.MOST_HOURS
    assert sum(known.values()) == 960


@pytest.mark.parametrize(
    ("zone", "minute"), [("UTC", 0), ("Asia/Kolkata", 30), ("Asia/Kathmandu", 15), ("America/St_Johns", 30)]
)
def test_hours_are_those_of_the_time_zone(settings, zone, minute):
    settings.TIME_ZONE = zone

    assert int(hours.key(at(10, 50))) == int(at(10, minute).timestamp())
