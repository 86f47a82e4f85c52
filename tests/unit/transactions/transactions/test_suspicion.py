"""A wrong station clock makes a session suspect: the same rule for starts of 1.6 and events of 2.x."""

from __future__ import annotations

import pytest

from transactions.services.transactions.suspicion import about_clock, words


@pytest.mark.parametrize("problem", ["time-missing", "time-unreadable", "time-implausible"])
def test_a_time_that_the_time_of_receipt_replaced_makes_the_session_suspect(problem: str) -> None:
    assert about_clock(problem, "1970-01-01T00:00:00Z") == [("clock-implausible", "1970-01-01T00:00:00Z")]


@pytest.mark.parametrize("problem", ["", "time-without-zone"])
def test_a_time_that_is_used_does_not_make_the_session_suspect(problem: str) -> None:
    assert about_clock(problem, "2026-01-01T00:00:00") == []


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        ("meter-reset: 5000 to 120 Wh", "The meter went backwards while charging: 5,000 to 120 Wh"),
        (
            "meter-jump: 0.1234 to 9003000.5 Wh",
            "The energy rose faster than any charger can deliver: 0.1234 to 9,003,000.5 Wh",
        ),
        ("connector-unknown: 1", "The station never announced connector 1"),
        ("events-missing: 1000, 1001", "Sequence numbers are missing: 1000, 1001"),
        ("start-missing", "The start message is missing"),
        ("of an earlier version", "of an earlier version"),
    ],
)
def test_a_reason_is_shown_as_a_sentence_with_its_detail(reason: str, sentence: str) -> None:
    assert words([reason]) == [sentence]
