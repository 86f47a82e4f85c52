"""Quiet hours and digests in the zone of a recipient, over daylight saving."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from alerts.services.notices import digests
from alerts.services.notices.quiet_hours import from_lines, lines, parse, quiet_until
from ocpp_server.domain import Invalid

VIENNA = ZoneInfo("Europe/Vienna")
NIGHTS = [{"days": "mon-fri", "from": "22:00", "to": "06:30"}]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def until(windows: list[dict[str, str]], at: str, zone: ZoneInfo = VIENNA) -> str | None:
    found = quiet_until(parse(windows), zone, utc(at))
    return None if found is None else found.strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("at", "end"),
    [
        ("2026-11-30 20:59", None),  # Monday 21:59
        ("2026-11-30 21:00", "2026-12-01 05:30"),
        ("2026-12-01 05:29", "2026-12-01 05:30"),
        ("2026-12-01 05:30", None),
        ("2026-12-05 03:00", "2026-12-05 05:30"),  # Saturday: the night of Friday
        ("2026-12-05 22:00", None),  # Saturday night is not quiet
        ("2026-12-07 03:00", None),  # nor is the early Monday
        ("2026-07-01 20:00", "2026-07-02 04:30"),  # in summer the zone is two hours ahead
    ],
)
def test_quiet_hours_are_those_of_the_recipients_clock(at: str, end: str | None) -> None:
    assert until(NIGHTS, at) == end


def test_a_night_on_which_the_clock_changes_ends_by_the_clock() -> None:
    every = [{"from": "22:00", "to": "06:00"}]

    assert until(every, "2026-03-28 22:00") == "2026-03-29 04:00"  # spring: an hour shorter
    assert until(every, "2026-10-24 22:00") == "2026-10-25 05:00"  # autumn: an hour longer


def test_the_hour_that_is_left_out_in_spring_is_not_quiet() -> None:
    hour = [{"from": "02:00", "to": "03:00"}]

    assert until(hour, "2026-03-28 01:30") == "2026-03-28 02:00"
    assert until(hour, "2026-03-29 00:30") is None  # 01:30
    assert until(hour, "2026-03-29 01:00") is None  # 03:00


def test_the_hour_that_is_repeated_in_autumn_is_quiet_both_times() -> None:
    hour = [{"from": "02:00", "to": "03:00"}]

    assert until(hour, "2026-10-25 00:00") == "2026-10-25 02:00"
    assert until(hour, "2026-10-25 01:30") == "2026-10-25 02:00"
    assert until([{"from": "01:00", "to": "02:30"}], "2026-10-25 00:10") == "2026-10-25 01:30"


def test_times_that_touch_are_one_time_and_a_week_without_a_gap_ends() -> None:
    halves = [{"from": "00:00", "to": "12:00"}, {"from": "12:00", "to": "00:00"}]

    assert until([{"days": "sat", "from": "20:00", "to": "00:00"}, *halves[:1]], "2026-12-05 20:00") == (
        "2026-12-06 11:00"
    )
    assert until(halves, "2026-12-01 12:00") == "2026-12-08 23:00"


def test_days_may_be_lists_and_pass_over_the_end_of_the_week() -> None:
    (window,) = parse([{"days": "Fri-Mon, wed", "from": "22:00", "to": "06:30"}])

    assert window.days == {4, 5, 6, 0, 2}


@pytest.mark.parametrize(
    "value",
    [
        "22:00-06:00",
        [None],
        [{"from": "22:00"}],
        [{"from": "22:00", "to": "24:00"}],
        [{"from": "22:00", "to": "22:00"}],
        [{"from": 22, "to": 6}],
        [{"from": "22:00", "to": "06:00", "zone": "UTC"}],
        [{"days": "monday", "from": "22:00", "to": "06:00"}],
        [{"days": ["mon"], "from": "22:00", "to": "06:00"}],
        [{"from": "22:00", "to": "06:00"}] * 21,
    ],
)
def test_other_quiet_hours_are_refused(value: Any) -> None:
    with pytest.raises(Invalid) as caught:
        parse(value)

    assert "quietHours" in str(caught.value.errors)


def test_a_digest_comes_at_the_full_hour_and_at_seven_of_the_recipients_clock() -> None:
    kolkata = ZoneInfo("Asia/Kolkata")  # half an hour off

    assert digests.next_hour(VIENNA, utc("2026-11-30 20:10")) == utc("2026-11-30 21:00")
    assert digests.next_hour(kolkata, utc("2026-11-30 20:10")) == utc("2026-11-30 20:30")
    assert digests.next_hour(VIENNA, utc("2026-10-25 00:30")) == utc("2026-10-25 01:00")  # 02:30, twice
    assert digests.next_morning(VIENNA, utc("2026-11-30 05:59")) == utc("2026-11-30 06:00")
    assert digests.next_morning(VIENNA, utc("2026-11-30 06:00")) == utc("2026-12-01 06:00")
    assert digests.next_morning(VIENNA, utc("2026-03-28 10:00")) == utc("2026-03-29 05:00")


def test_quiet_hours_are_lines_in_a_form() -> None:
    stored = from_lines("mon-fri 22:00-06:30\n\n sat, sun 20:00-09:00 \n23:00-01:00")

    assert stored == [
        {"days": "mon-fri", "from": "22:00", "to": "06:30"},
        {"days": "sat,sun", "from": "20:00", "to": "09:00"},
        {"days": "mon-sun", "from": "23:00", "to": "01:00"},
    ]
    assert from_lines(lines(stored)) == stored
    assert lines([{"from": "1:00", "to": "2:00"}]) == "mon-sun 1:00-2:00"
    with pytest.raises(Invalid):
        from_lines("at night")
