"""A test that fails without any mutant notices nothing."""

from __future__ import annotations

from collections import deque
from pathlib import Path

import pytest

from tests.mutation.mutants import mutants_of
from tests.mutation.running import Child, Ended, Runner

MUTANT = mutants_of(Path(__file__).with_name("changeable.py"))[0]
TEST, OTHER = "tests/a.py::test_a", "tests/a.py::test_b"


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    plan = tmp_path / "plan.json"
    plan.write_text('{"processes": 1, "mutants": []}')
    return Runner(str(plan))


def _killed(number: int, by: str = TEST) -> Ended:
    return Ended(Child(MUTANT, {TEST: 1.0, OTHER: 2.0}, number), "killed", by)


def _without_mutant(report: str) -> Ended:
    return Ended(Child(None, {TEST: 1.0}), "survived", report)


def test_what_a_test_notices_counts_once_it_has_passed_without_a_mutant(runner: Runner) -> None:
    waiting: deque[Child] = deque()

    assert runner._results(_killed(1), waiting) == []
    assert runner._results(_killed(2), waiting) == []
    assert [(child.mutant, child.tests) for child in waiting] == [(None, {TEST: 1.0})]
    certain = runner._results(_without_mutant("[]"), waiting)
    assert [ended.child.number for ended in certain] == [1, 2]


def test_a_test_that_has_passed_once_is_not_asked_again(runner: Runner) -> None:
    runner._results(_killed(1), deque())
    runner._results(_without_mutant("[]"), deque())

    waiting: deque[Child] = deque()
    later = _killed(3)
    assert runner._results(later, waiting) == [later]
    assert not waiting


def test_mutants_of_a_test_that_fails_anyway_are_run_again(runner: Runner) -> None:
    waiting: deque[Child] = deque()
    runner._results(_killed(1), waiting)
    waiting.clear()

    assert runner._results(_without_mutant(f'["{TEST}"]'), waiting) == []
    assert [child.number for child in waiting] == [1]
    assert runner._verdicts.failing == {TEST}


@pytest.mark.parametrize(
    "outcome", [("survived", ""), ("timeout", ""), ("killed", "SyntaxError()"), ("not reached", "closure")]
)
def test_an_outcome_without_a_failed_test_is_certain_at_once(
    runner: Runner, outcome: tuple[str, str]
) -> None:
    ended = Ended(Child(MUTANT, {TEST: 1.0}, 1), *outcome)
    assert runner._results(ended, deque()) == [ended]
