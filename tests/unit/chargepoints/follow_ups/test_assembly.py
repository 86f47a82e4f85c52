"""The rule of reports in parts: any order, doubles, gaps, deadlines and request IDs that are used again."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from chargepoints.services.follow_ups.assembly import DEADLINE, Asked, Assembly, Part, State, assemble

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def part(seq_no: int | None, seconds: float = 0, *, last: bool = False) -> Part:
    return Part(seq_no, last, after(seconds))


def report(count: int, start: float = 0) -> list[Part]:
    """A whole report, one part a second."""
    return [part(number, start + number, last=number == count - 1) for number in range(count)]


def only(parts: list[Part], *asked: Asked) -> Assembly:
    (found,) = assemble(parts, asked)
    return found


@pytest.mark.parametrize("count", [1, 2, 300])
def test_all_parts_in_order_are_a_complete_report(count: int) -> None:
    found = only(report(count))

    assert (found.parts, found.missing, found.doubles) == (count, 0, 0)
    assert found.state(LATER) == State.COMPLETE


# Constant seeds: five known orders, each with its own name in the report.
@pytest.mark.parametrize("seed", range(5))
def test_parts_in_any_order_are_the_same_report(seed: int) -> None:
    numbers = list(range(300))
    random.Random(seed).shuffle(numbers)

    found = only([part(number, place / 10, last=number == 299) for place, number in enumerate(numbers)])

    assert found.state(NOW) == State.COMPLETE
    assert found.parts == 300


def test_a_gap_is_counted_and_keeps_the_report_open_until_the_deadline() -> None:
    found = only([part(0), part(3, 1, last=True)])

    assert found.missing == 2
    assert found.state(after(1) + DEADLINE) == State.COLLECTING
    assert found.state(after(2) + DEADLINE) == State.INCOMPLETE


def test_a_report_without_a_last_part_is_incomplete_after_the_deadline() -> None:
    found = only([part(0), part(1, 1), part(2, 2)])

    assert (found.missing, found.has_last) == (0, False)
    assert found.state(after(2)) == State.COLLECTING
    assert found.state(LATER) == State.INCOMPLETE


def test_another_part_with_the_same_number_is_a_double_and_harmless() -> None:
    found = only([part(0), part(0, 1), part(1, 2, last=True), part(1, 3, last=True)])

    assert (found.parts, found.doubles) == (4, 2)
    assert found.state(NOW) == State.COMPLETE


def test_a_late_part_completes_the_report_in_which_it_is_missing() -> None:
    found = only([part(0), part(2, 1, last=True), part(1, 3600)])

    assert found.state(LATER) == State.COMPLETE


def test_a_report_long_after_a_complete_one_is_another_report() -> None:
    first, second = assemble([*report(2), *report(3, 3600)])

    assert (first.parts, second.parts) == (2, 3)
    assert second.started_at == after(3600)


def test_each_command_with_the_same_request_id_begins_a_report() -> None:
    asked = (Asked("first", after(-1), True), Asked("second", after(10), True))

    first, second = assemble([*report(2), part(0, 11)], asked)

    assert (first.command, first.state(LATER)) == ("first", State.COMPLETE)
    assert (second.command, second.state(LATER)) == ("second", State.INCOMPLETE)


def test_parts_before_the_answer_belong_to_the_command() -> None:
    found = only(report(2), Asked("command", after(-1), False))

    assert (found.command, found.parts) == ("command", 2)


def test_an_accepted_command_without_any_part_is_an_incomplete_report_after_the_deadline() -> None:
    accepted, unanswered = Asked("accepted", NOW, True), Asked("unanswered", NOW, False)

    found = only([], accepted, unanswered)

    assert (found.command, found.parts) == ("accepted", 0)
    assert found.state(after(1)) == State.COLLECTING
    assert found.state(LATER) == State.INCOMPLETE


def test_the_first_part_may_come_long_after_its_command() -> None:
    found = only([part(None, 3000, last=True)], Asked("command", NOW, True))

    assert found.command == "command"
    assert found.state(LATER) == State.COMPLETE


def test_parts_of_an_unknown_request_are_a_report_without_a_command() -> None:
    found = only(report(2))

    assert found.command is None
    assert found.started_at == NOW


def test_parts_without_numbers_are_complete_with_the_last_one() -> None:
    found = only([part(None), part(None, 1), part(None, 2, last=True)])

    assert (found.parts, found.highest_seq_no, found.missing) == (3, None, 0)
    assert found.state(NOW) == State.COMPLETE


def test_parts_without_numbers_long_after_each_other_are_two_reports() -> None:
    first, second = assemble([part(None), part(None, 1000, last=True)])

    assert (first.state(LATER), second.state(LATER)) == (State.INCOMPLETE, State.COMPLETE)


def test_absurd_numbers_cost_nothing() -> None:
    found = only([part(-5), part(2**62, 1, last=True)])

    assert found.missing == 2**62
    assert found.state(LATER) == State.INCOMPLETE


@pytest.mark.parametrize(("seconds", "reports"), [(120, 1), (121, 2)])
def test_a_report_is_continued_within_two_minutes(seconds: int, reports: int) -> None:
    assert len(assemble([part(None), part(None, seconds, last=True)])) == reports


def test_commands_begin_their_reports_in_the_order_of_their_times() -> None:
    asked = (Asked("a", after(10), True), Asked("b", after(-1), True))

    first, second = assemble([*report(2), part(0, 11)], asked)

    assert (first.command, first.parts, second.command, second.parts) == ("b", 2, "a", 1)


@pytest.mark.parametrize(
    ("numbers", "missing"), [([0], 0), ([1], 1), ([0, 1], 0), ([-1], 0), ([-5, 2], 2), ([-5, 0], 0)]
)
def test_numbers_below_zero_are_no_missing_parts(numbers: list[int], missing: int) -> None:
    assert only([part(number, place) for place, number in enumerate(numbers)]).missing == missing


def test_a_part_at_the_moment_of_a_command_belongs_to_it() -> None:
    found = only([part(0, 5, last=True)], Asked("c1", after(5), True))

    assert (found.command, found.parts) == ("c1", 1)
