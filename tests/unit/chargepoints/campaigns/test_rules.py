"""The rules of a campaign's course: steps, failure limit, window."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepoints.services.campaigns import rules
from chargepoints.services.campaigns.rules import Counts, Step

NIGHT, DAY = (time(22), time(5)), (time(9), time(17))


@pytest.mark.parametrize(
    ("step", "eligible", "most"),
    [
        (Step.CANARY, 0, 0),
        (Step.CANARY, 1, 1),
        (Step.CANARY, 1000, 1),
        (Step.TENTH, 5, 1),
        (Step.TENTH, 101, 11),
        (Step.ALL, 101, 101),
    ],
)
def test_one_station_then_ten_percent_then_all_may_begin(step: int, eligible: int, most: int) -> None:
    assert rules.most_begun(step, eligible) == most


@pytest.mark.parametrize(
    ("step", "counts", "following"),
    [
        (Step.CANARY, Counts(unbegun=99, under_way=1), Step.CANARY),
        (Step.CANARY, Counts(unbegun=99, done=1), Step.TENTH),
        (Step.CANARY, Counts(unbegun=100, left_out=3), Step.CANARY),
        (Step.TENTH, Counts(unbegun=90, done=9, under_way=1), Step.TENTH),
        (Step.TENTH, Counts(unbegun=90, done=9, failed=1), Step.ALL),
        # 10 % of a few stations are the canary.
        (Step.CANARY, Counts(unbegun=4, done=1), Step.ALL),
        (Step.CANARY, Counts(left_out=4), Step.ALL),
        (Step.ALL, Counts(unbegun=4), Step.ALL),
    ],
)
def test_a_step_follows_when_the_stations_of_the_one_before_have_their_results(
    step: int, counts: Counts, following: int
) -> None:
    assert rules.next_step(step, counts) == following


@pytest.mark.parametrize(
    ("step", "counts", "limit", "forgiven", "fails"),
    [
        (Step.CANARY, Counts(unbegun=99, failed=1), 20, 0, True),
        (Step.CANARY, Counts(unbegun=99, failed=1), 20, 1, False),
        (Step.CANARY, Counts(unbegun=99, failed=1), 100, 0, False),
        (Step.TENTH, Counts(unbegun=90, done=8, failed=2), 20, 0, False),
        (Step.TENTH, Counts(unbegun=90, done=1, failed=3), 20, 0, True),
        (Step.ALL, Counts(unbegun=979, failed=1, under_way=20), 20, 0, False),
        (Step.ALL, Counts(unbegun=99, failed=1), 0, 0, True),
        (Step.ALL, Counts(), 0, 0, False),
    ],
)
def test_a_campaign_fails_by_the_share_of_the_stations_of_its_step(
    step: int, counts: Counts, limit: int, forgiven: int, fails: bool
) -> None:
    assert rules.fails(step, counts, limit_percent=limit, forgiven=forgiven) is fails


@pytest.mark.parametrize(
    ("zone", "hour", "window", "is_open"),
    [
        ("UTC", 8, None, True),
        ("UTC", 9, DAY, True),
        ("UTC", 17, DAY, False),
        ("UTC", 23, NIGHT, True),
        ("UTC", 4, NIGHT, True),
        ("UTC", 5, NIGHT, False),
        ("Europe/Vienna", 8, DAY, True),  # 09:00 there
        ("Asia/Tokyo", 13, NIGHT, True),
        ("UTC", 8, (time(9), time(9)), True),  # the whole day
    ],
)
def test_a_window_is_in_the_local_time_of_the_station(
    zone: str, hour: int, window: tuple[time, time] | None, is_open: bool
) -> None:
    assert rules.is_open(zone, datetime(2026, 1, 15, hour, tzinfo=UTC), window) is is_open


numbers = st.integers(0, 50)


@given(st.sampled_from(Step.values), st.builds(Counts, numbers, numbers, numbers, numbers, numbers))
def test_a_step_never_goes_back_and_never_allows_more_than_there_are(step: int, counts: Counts) -> None:
    following = rules.next_step(step, counts)

    assert step <= following <= Step.ALL
    assert rules.most_begun(step, counts.eligible) <= rules.most_begun(Step.ALL, counts.eligible)
