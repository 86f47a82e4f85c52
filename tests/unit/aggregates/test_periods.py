"""Periods in the time zone of a site."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregates.services.periods import DAY, HOUR, MONTH, Known, between, count
from tests.direct.properties import searched

VIENNA, KOLKATA = ZoneInfo("Europe/Vienna"), ZoneInfo("Asia/Kolkata")
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)])
def test_a_day_has_the_hours_of_its_zone(day: str, hours: int) -> None:
    at = date.fromisoformat(day)

    (period,) = between(at, at, DAY, VIENNA)

    assert period.end - period.begin == timedelta(hours=hours)
    assert period.begin.astimezone(VIENNA).date() == at
    assert len(between(at, at, HOUR, VIENNA)) == hours


@pytest.mark.parametrize("unit", [HOUR, DAY, MONTH])
@pytest.mark.parametrize("zone", [VIENNA, KOLKATA, ZoneInfo("UTC")])
def test_periods_have_no_gap(unit: str, zone: ZoneInfo) -> None:
    first, last = date(2026, 9, 30), date(2026, 11, 2)

    found = between(first, last, unit, zone)

    assert all(one.end == two.begin for one, two in zip(found, found[1:], strict=False))
    assert len({one.key for one in found}) == len(found) <= count(first, last, unit)


def test_months_are_whole() -> None:
    found = between(date(2026, 2, 10), date(2026, 3, 1), MONTH, VIENNA)

    assert [(one.key, (one.end - one.begin) / timedelta(hours=1)) for one in found] == [
        (date(2026, 2, 1), 28 * 24), (date(2026, 3, 1), 31 * 24 - 1)
    ]  # fmt: skip


def test_an_hour_belongs_to_the_day_in_which_it_begins() -> None:
    found = between(date(2026, 6, 1), date(2026, 6, 1), HOUR, KOLKATA)

    # Midnight is 18:30 UTC.
    assert (found[0].begin.hour, len(found)) == (19, 24)


@searched(100)
@given(
    st.lists(st.integers(-100, 100), max_size=5),
    st.integers(-100, 100),
    st.integers(0, 100),
    st.integers(-90, 200),
)
def test_known_seconds_are_those_of_each_connector(
    since: list[int], begin: int, length: int, now: int
) -> None:
    def at(second: int) -> datetime:
        return NOON + timedelta(seconds=second)

    found = Known(map(at, since)).seconds(at(begin), at(begin + length), at(now))

    assert found == sum(max(0, min(begin + length, now) - max(begin, one)) for one in since)
