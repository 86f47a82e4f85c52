"""Energy by the hour of its consumption. Each test has a day of its own: the last hour is remembered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transactions.services.metering import hours
from transactions.services.metering.hours import key, spread


@pytest.fixture(autouse=True)
def zone(settings: Any) -> None:
    settings.TIME_ZONE = "UTC"


def on(day: int) -> Any:
    def at(hour: float, minute: float = 0) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day, hours=hour, minutes=minute)

    return at


# -- within one hour -----------------------------------------------------------------------------------------


def test_the_key_of_an_hour_is_its_start_in_seconds() -> None:
    for minute in (0, 14, 15, 59.99):
        assert key(datetime(1970, 1, 1, 2, tzinfo=UTC) + timedelta(minutes=minute)) == "7200"


def test_energy_within_an_hour_is_added_to_it_the_first_time_and_later() -> None:
    at = on(1)
    first = spread({}, at(10, 5), at(10, 10), 7)
    second = spread(first, at(10, 10), at(10, 20), 5)

    assert (first, second) == ({key(at(10)): 7}, {key(at(10)): 12})
    assert spread({}, at(10, 20), at(10, 30), 3) == {key(at(10)): 3}
    assert spread({}, at(12, 5), at(12, 15), 3) == {key(at(12)): 3}


def test_another_hour_than_the_last_one_is_added_to_what_it_has() -> None:
    at = on(2)
    known = {key(at(10)): 7, key(at(12)): 1}

    assert spread(known, at(10, 5), at(10, 10), 2) == {key(at(10)): 9, key(at(12)): 1}
    assert spread(known, at(12, 5), at(12, 10), 2) == {key(at(10)): 7, key(at(12)): 3}


@pytest.mark.parametrize("is_remembered", [False, True])
def test_energy_up_to_the_full_hour_belongs_to_the_hour_before(is_remembered: bool) -> None:
    at = on(3 + is_remembered)
    if is_remembered:
        spread({}, at(10, 5), at(10, 10), 1)

    assert spread({}, at(10, 30), at(11), 7) == {key(at(10)): 7}
    assert spread({}, at(10), at(11), 7) == {key(at(10)): 7}


@pytest.mark.parametrize("is_remembered", [False, True])
def test_energy_of_one_moment_belongs_to_the_hour_that_begins_then(is_remembered: bool) -> None:
    at = on(5 + is_remembered)
    if is_remembered:
        spread({}, at(10, 5), at(10, 10), 1)

    assert spread({}, at(11), at(11), 7) == {key(at(11)): 7}


def test_the_remembered_hour_is_that_of_its_time_zone(settings: Any) -> None:
    at = on(7)
    assert spread({}, at(10, 5), at(10, 10), 7) == {key(at(10)): 7}
    settings.TIME_ZONE = "Asia/Kolkata"  # 5 h 30 min ahead: its hours begin at half past

    assert spread({}, at(10, 5), at(10, 10), 7) == {str(int(at(9, 30).timestamp())): 7}


# -- over several hours --------------------------------------------------------------------------------------


def test_energy_is_spread_by_the_minutes_of_each_hour() -> None:
    at = on(8)
    known = {key(at(10)): 1, key(at(11)): 2, key(at(12)): 3}

    changed = spread(known, at(10, 37), at(12, 7), 90)

    assert changed == {key(at(10)): 24, key(at(11)): 62, key(at(12)): 10}
    assert spread({}, at(14, 50), at(16, 10), 80) == {key(at(14)): 10, key(at(15)): 60, key(at(16)): 10}


def test_the_running_sum_of_shares_is_rounded_and_the_last_hour_has_the_rest() -> None:
    at = on(9)

    assert spread({}, at(10, 40), at(11, 40), 1000) == {key(at(10)): 333, key(at(11)): 667}
    # Of 0.8, 1.6 and 1.6 thousandths, each rounded by itself, there would be five.
    assert spread({}, at(10, 30), at(13), 4) == {key(at(10)): 1, key(at(11)): 1, key(at(12)): 2}


@given(
    st.integers(1, 10**18),
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 1, 20)),
    st.timedeltas(timedelta(microseconds=1), timedelta(days=9)),
)
def test_the_shares_of_any_energy_and_time_add_up_to_it_and_none_is_negative(
    mwh: int, since: datetime, duration: timedelta
) -> None:
    begun = since.replace(tzinfo=UTC)
    shares = spread({}, begun, begun + duration, mwh)

    assert sum(shares.values()) == mwh
    assert min(shares.values()) >= 0
    even = mwh * 3600 / duration.total_seconds()
    assert max(shares.values()) <= min(even, mwh) * (1 + 1e-9) + 1


def test_a_pause_of_31_days_is_spread_and_a_longer_one_is_not() -> None:
    at = on(40)
    month, tick = timedelta(days=31), timedelta(seconds=1)

    assert len(spread({}, at(10, 30) - month, at(10, 30), 745)) == 31 * 24 + 1
    assert spread({}, at(12, 30) - month - tick, at(12, 30), 745) == {key(at(12)): 745}


def test_a_clock_that_was_set_back_books_the_energy_into_the_hour_of_the_reading() -> None:
    at = on(10)

    assert spread({}, at(12, 10), at(10, 50), 7) == {key(at(10)): 7}


def test_a_clock_change_of_half_an_hour_makes_an_hour_of_half_an_hour(settings: Any) -> None:
    settings.TIME_ZONE = "Australia/Lord_Howe"
    # At 15:00 UTC the clocks there go back from 2:00 to 1:30.
    changed = spread(
        {}, datetime(2026, 4, 4, 14, 10, tzinfo=UTC), datetime(2026, 4, 4, 15, 40, tzinfo=UTC), 90
    )

    begins = [datetime(2026, 4, 4, *hour, tzinfo=UTC) for hour in ((14, 0), (14, 30), (15, 30))]
    assert changed == {
        str(int(begin.timestamp())): wh for begin, wh in zip(begins, (50, 30, 10), strict=True)
    }


# -- no energy, and less -------------------------------------------------------------------------------------


def test_no_energy_leaves_the_hours_as_they_are() -> None:
    at = on(11)
    known = {key(at(10)): 1}

    assert spread(known, at(11, 5), at(11, 10), 0) is known


def test_added_energy_leaves_the_earlier_hours_unchanged_for_others() -> None:
    at = on(12)
    known = {key(at(10)): 1}

    spread(known, at(10, 5), at(10, 10), 5)

    assert known == {key(at(10)): 1}


@pytest.mark.parametrize(
    ("mwh", "left"), [(-10, (40, 0)), (-5, (40, 5)), (-15, (35, 0)), (-50, (0, 0)), (-90, (0, 0))]
)
def test_less_energy_is_taken_from_the_latest_hours_and_no_further(mwh: int, left: tuple[int, int]) -> None:
    # As texts, 9 would be later than 10.
    assert spread({"9": 40, "10": 10}, on(13)(1), on(13)(2), mwh) == {"9": left[0], "10": left[1]}


# -- very long sessions --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("known", "kept"), [(799, 800), (800, 800), (801, 800)])
def test_a_session_keeps_the_detail_of_800_hours_and_all_its_energy(known: int, kept: int) -> None:
    at = on(60)
    begun = at(0) - timedelta(hours=known)
    old = {key(begun + timedelta(hours=number)): 1 for number in range(known)}
    # The latest known hour, and the one that begins at 0:00.
    changed = spread(old, at(0) - timedelta(minutes=30), at(0, 30), 2)

    names = sorted(changed, key=int)
    assert len(names) == kept
    assert sum(changed.values()) == known + 2
    assert names[-2:] == [key(at(-1)), key(at(0))]
    assert changed[names[0]] == known + 1 - kept + 1
    assert changed[names[1]] == 1


def test_the_oldest_hour_is_the_oldest_by_time() -> None:
    """As texts, the hours before and after September 2001 are in another order."""
    begun = datetime(2001, 9, 9, 1, 46, tzinfo=UTC) - timedelta(hours=400)
    old = {key(begun + timedelta(hours=number)): 1 for number in range(800)}
    last = begun + timedelta(hours=800)

    changed = spread(old, last - timedelta(hours=1), last, 60)

    assert len(changed) == hours.MOST_HOURS
    assert changed[key(begun + timedelta(hours=1))] == 2
    assert key(begun) not in changed


# -- the column ----------------------------------------------------------------------------------------------


@given(st.dictionaries(st.integers(0, 10**6).map(str), st.integers(0, 10**9), max_size=50))
def test_hours_are_stored_in_wh_and_loaded_as_they_were(known: dict[str, int]) -> None:
    stored = hours.column(known)

    assert stored == {name: mwh / 1000 for name, mwh in known.items()}
    assert hours.loaded(stored) == known


def test_hours_of_the_release_before_add_up_to_their_energy() -> None:
    assert hours.loaded({"1": 0.333333, "2": 0.333333, "3": 0.333334}) == {"1": 333, "2": 334, "3": 333}


def test_unknown_hours_stay_unknown() -> None:
    assert (hours.column(None), hours.loaded(None)) == (None, None)


# -- another sum ---------------------------------------------------------------------------------------------


@given(
    st.dictionaries(st.integers(0, 10**6).map(str), st.integers(0, 10**9), min_size=1, max_size=50),
    st.integers(0, 10**10),
)
def test_scaled_hours_have_the_wanted_sum_in_the_same_proportions(
    known: dict[str, int], wanted_mwh: int
) -> None:
    known["7"] = known.get("7", 0) + 1
    sum_mwh = sum(known.values())

    changed = hours.scaled(known, wanted_mwh)

    assert sum(changed.values()) == wanted_mwh
    for name, mwh in known.items():
        assert abs(changed[name] * sum_mwh - mwh * wanted_mwh) <= sum_mwh
        assert changed[name] >= 0
