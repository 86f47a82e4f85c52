"""The samples of a message as readings: totals, and the sums of three phases."""

from __future__ import annotations

from ocpp_server.live.registers import Moment
from ocpp_server.protocol.translate.energy import WHOLE_WH, mwh_of
from tests.unit.transactions.metering.moments import at
from transactions.services.metering import counting, energy
from transactions.services.metering.counting import Rank, Reading, Readings, Register


def sample(
    minutes: float, wh: float, phase: str = "", resolution: float = 1.0, rank: Rank = Rank.ORDINARY
) -> Register:
    return Register(at(minutes), rank, phase, mwh_of(wh), mwh_of(resolution))


def phases(minutes: float, *values: float) -> list[Register]:
    return [sample(minutes, wh, f"L{number}") for number, wh in enumerate(values, start=1)]


def total(minutes: float, wh: float, rank: Rank = Rank.ORDINARY) -> Reading:
    return Reading(rank, counting.moment(at(minutes), mwh_of(wh), WHOLE_WH))


def summed(minutes: float, wh: float, resolution: float = 3.0) -> Reading:
    return Reading(Rank.ORDINARY, counting.moment(at(minutes), mwh_of(wh), mwh_of(resolution), is_sum=True))


def moments(*samples: Register) -> list[Moment]:
    return [reading.moment for reading in energy.gathered(samples).readings]


def test_readings_are_in_the_order_in_which_they_count() -> None:
    samples = [
        sample(1, 500, rank=Rank.END),
        sample(3, 300),
        sample(2, 200),
        sample(9, 100, rank=Rank.BEGIN),
    ]

    assert energy.gathered(samples) == Readings(
        [total(9, 100, Rank.BEGIN), total(2, 200), total(3, 300), total(1, 500, Rank.END)], None
    )


def test_a_negative_register_is_no_reading_and_zero_is_one() -> None:
    assert energy.gathered([sample(1, -1), sample(1, -1, "L1")]) == Readings([], None)
    assert energy.gathered([sample(1, 0)]) == Readings([total(1, 0)], None)
    assert energy.gathered(phases(1, 0, 0, 0)) == Readings([summed(1, 0)], None)


def test_what_comes_after_a_sample_that_does_not_count_does() -> None:
    assert moments(sample(1, -1), sample(2, 100)) == [total(2, 100).moment]
    # The phases of a moment with a total, and those of another moment.
    samples = [*phases(1, 10, 10, 10), sample(1, 50), *phases(2, 20, 20, 20)]
    assert moments(*samples) == [total(1, 50).moment, summed(2, 60).moment]


def test_three_phases_are_a_reading_with_the_rounding_of_all() -> None:
    named = [sample(1, 0.1, "L1-N", 0.1), sample(1, 0.2, "L2-N", 0.1), sample(1, 5, "L3-N", 1.0)]

    (one,) = moments(*named)

    assert (one.mwh, one.resolution, one.is_sum) == (5300, 1200, True)


def test_of_two_samples_of_a_phase_the_highest_counts_and_then_the_finest() -> None:
    rest = phases(1, 100, 100, 100)[1:]
    for pair in ([100.0, 90.0], [90.0, 100.0]):
        (one,) = moments(*(sample(1, wh, "L1") for wh in pair), *rest)
        assert one.mwh == 300_000
    for names in (["L1", "L1-N"], ["L1-N", "L1"]):  # two names of one phase
        (one,) = moments(sample(1, 100, names[0]), sample(1, 90, names[1]), *rest)
        assert one.mwh == 300_000
    for exactness in ([0.5, 1.0], [1.0, 0.5]):
        (one,) = moments(*(sample(1, 100, "L1", each) for each in exactness), *rest)
        assert one.resolution == 2500


def test_a_total_takes_precedence_over_the_phases_of_its_moment_and_rank() -> None:
    assert moments(*phases(1, 10, 10, 10), sample(1, 50)) == [total(1, 50).moment]
    assert moments(*phases(1, 10, 10, 10), sample(2, 50)) == [summed(1, 30).moment, total(2, 50).moment]
    assert len(moments(*phases(1, 10, 10, 10), sample(1, 50, rank=Rank.END))) == 2


def test_the_latest_moment_with_a_missing_phase_is_noted() -> None:
    assert energy.gathered([*phases(3, 10, 10), *phases(2, 10), *phases(1, 1, 1, 1)]) == Readings(
        [summed(1, 3)], at(3)
    )
    assert energy.gathered([*phases(2, 10), *phases(3, 10, 10)]).partial_at == at(3)
    assert energy.gathered([*phases(3, 10, 10), sample(3, 50)]).partial_at is None
