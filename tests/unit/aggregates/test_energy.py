"""The energy of a session by the hour of UTC."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aggregates.services import energy
from aggregates.services.spans import HOUR_S
from tests.direct.properties import searched

HOURS = st.dictionaries(st.integers(0, 20).map(lambda hour: str(hour * 1800)), st.integers(0, 10**6))


@searched(100)
@given(HOURS, st.integers(0, 10**7), st.integers(0, 50_000), st.integers(0, 50_000))
def test_the_hours_add_up_to_the_energy(known: dict[str, int], mwh: int, begin: int, length: int) -> None:
    found = energy.hours(known, mwh, (begin, begin + length))

    assert sum(found.values()) == mwh
    assert all(hour % HOUR_S == 0 and part > 0 for hour, part in found.items())


def test_hours_of_utc_are_kept() -> None:
    assert energy.hours({"3600": 500, "7200": 700}, 1200, (4000, 9000)) == {3600: 500, 7200: 700}


def test_an_hour_that_begins_at_the_half_hour_is_divided() -> None:
    assert energy.hours({"1800": 901}, 901, (1800, 5400)) == {0: 451, 3600: 450}


def test_energy_without_hours_is_spread_over_the_time_of_the_session() -> None:
    assert energy.hours(None, 1000, (1800, 9000)) == {0: 250, 3600: 500, 7200: 250}


def test_energy_of_a_session_without_duration_is_in_the_hour_of_its_start() -> None:
    assert energy.hours(None, 1000, (4000, 4000)) == {3600: 1000}


def test_a_corrected_energy_is_taken_from_the_latest_hours() -> None:
    assert energy.hours({"0": 500, "3600": 500}, 300, (0, 7200)) == {0: 300}
