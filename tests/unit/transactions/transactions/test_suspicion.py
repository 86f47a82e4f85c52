"""Whether a station's clock makes a session suspect: the same rule for starts of 1.6 and events of 2.x."""

from __future__ import annotations

import pytest

from transactions.services.transactions.suspicion import about_clock


@pytest.mark.parametrize("problem", ["time-missing", "time-unreadable", "time-implausible"])
def test_a_time_that_the_time_of_receipt_replaced_makes_the_session_suspect(problem: str) -> None:
    assert about_clock(problem, "1970-01-01T00:00:00Z") == [("clock-implausible", "1970-01-01T00:00:00Z")]


@pytest.mark.parametrize("problem", ["", "time-without-zone"])
def test_a_time_that_is_used_does_not(problem: str) -> None:
    assert about_clock(problem, "2026-01-01T00:00:00") == []
