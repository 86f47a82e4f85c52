"""A wrong station clock makes a session suspect: the same rule for starts of 1.6 and events of 2.x."""

from __future__ import annotations

import pytest

from tests.unit.transactions.transactions.live_station import running
from transactions.services.transactions.suspicion import (
    about_clock,
    clear,
    has,
    is_doubtful,
    suspect,
    words,
)


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


def test_a_sentence_keeps_the_whole_detail() -> None:
    assert words(["events-lost: nothing: more", "meter-jump: 1: 20000 Wh"]) == [
        "The station was asked for the missing messages and has none: nothing: more",
        "The energy rose faster than any charger can deliver: 1: 20,000 Wh",
    ]


def test_a_long_wrong_time_is_cut() -> None:
    assert about_clock("time-unreadable", "x" * 65) == [("clock-implausible", "x" * 64)]


def test_each_reason_is_added_once_and_cut_to_200_characters() -> None:
    transaction = running()

    suspect(transaction, "superseded")
    suspect(transaction, "meter-jump", "a: b" + "x" * 300)
    suspect(transaction, "meter-jump", "other")

    assert transaction.suspect_reasons == ["superseded", ("meter-jump: a: b" + "x" * 300)[:200]]


@pytest.mark.parametrize("reason", ["abandoned", "abandoned: a", "abandoned: a: b"])
def test_a_reason_is_known_by_its_code_and_removed_with_its_detail(reason: str) -> None:
    transaction = running(suspect_reasons=["superseded: c: d", reason])

    assert has(transaction, "abandoned")
    assert not has(transaction, "a")
    clear(transaction, "abandoned")

    assert transaction.suspect_reasons == ["superseded: c: d"]
    assert not has(transaction, "abandoned")


@pytest.mark.parametrize(
    ("reasons", "is_doubtful_"),
    [
        ([], False),
        (["superseded", "abandoned"], False),
        (["superseded", "start-missing"], True),
        (["start-missing: a: b"], True),
        (["connector-available: 1"], True),
    ],
)
def test_a_session_may_have_ended_unnoticed_without_a_start_or_at_a_free_connector(
    reasons: list[str], is_doubtful_: bool
) -> None:
    assert is_doubtful(running(suspect_reasons=reasons)) is is_doubtful_
