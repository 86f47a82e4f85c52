"""Windows, words and causes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerts.services import inhibition, words
from alerts.services.windows import Window
from tests.unit.alerts.conftest import NOON


def test_a_window_counts_what_is_not_too_old() -> None:
    window = Window()
    for at in (0, 10, 20):
        window.add("A", at)
    window.add("B", 20, times=5)

    assert window.counts(since=5) == {"A": 2, "B": 5}
    window.forget(before=20)
    assert window.counts(since=0) == {}


def test_a_full_window_takes_no_new_keys() -> None:
    window = Window(most_keys=1)
    window.add("A", 1)
    window.add("B", 1)
    window.add("A", 2)

    assert window.counts(since=0) == {"A": 2}


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 seconds"), (-61, "1 minute"), (7200, "2 hours"), (86_400, "1 day"), (3599, "59 minutes")],
)
def test_durations(seconds: float, said: str) -> None:
    assert words.duration(seconds) == said


def test_a_time_of_another_day_has_its_date() -> None:
    assert words.since(NOON, NOON + timedelta(hours=3)) == "12:00 UTC"
    assert words.since(NOON, NOON + timedelta(hours=13)) == "2026-05-04 12:00 UTC"


def test_lists_of_stations_are_cut() -> None:
    assert words.listed(["A", "B"]) == "A, B"
    assert words.listed([str(number) for number in range(12)]).endswith("8, 9 and 2 more")


@pytest.mark.parametrize(
    ("number", "said"),
    [(10, "10 bytes"), (3 * 1024**2, "3.0 MiB"), (1.5 * 1024**3, "1.5 GiB"), (1024**4, "1.0 TiB")],
)
def test_sizes(number: float, said: str) -> None:
    assert words.sized(number) == said


def test_the_causes_of_each_code() -> None:
    about = {"station": "CP-7", "site": 3}

    assert inhibition.causes("offline", **about) == ["fleet_offline", "site_offline:3", "flapping:CP-7"]
    assert inhibition.causes("faulted", **about) == ["fleet_offline", "site_offline:3", "offline:CP-7"]
    assert inhibition.causes("site_offline", **about) == ["fleet_offline"]
    assert inhibition.causes("disk", **about) == []
    assert inhibition.causes("firmware_failed", key="firmware_failed:12:CP-7", **about) == [
        "campaign_failed:12"
    ]
    assert inhibition.causes("firmware_failed", **about) == []
    assert inhibition.causes("faulted", station="CP-7", site=None) == ["fleet_offline", "offline:CP-7"]
