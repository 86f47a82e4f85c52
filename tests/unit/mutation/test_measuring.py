"""Which tests a mutant is run against, and how results of an earlier run are used."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.mutation import measuring
from tests.mutation.__main__ import parser
from tests.mutation.measuring import quickest, run
from tests.mutation.recording import digest

PATH = "tests/unit/mutation/changeable.py"
TEST, OTHER = "tests/unit/a.py::test_a", "tests/unit/a.py::test_b"


class _Recording:
    """Both tests reach every line."""

    def __init__(self, *_: Any) -> None:
        pass

    def tests_by_line(self, _: str) -> dict[int, list[tuple[str, float]]]:
        return {line: [(TEST, 2.0), (OTHER, 1.0)] for line in range(1, 200)}


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[Any]]:
    """Each run's mutants with their tests. The first mutant of a run is noticed by its first test."""
    ran: list[Any] = []

    def run_plan(entries: list[dict[str, Any]], _: int) -> list[dict[str, Any]]:
        ran.append(entries)
        mutants = [measuring.Mutant(**entry["mutant"]) for entry in entries]
        outcomes = [("killed", TEST), *[("survived", "")] * len(entries)]
        return [
            measuring._result(mutant, *outcome) for mutant, outcome in zip(mutants, outcomes, strict=False)
        ]

    monkeypatch.setattr(measuring, "Recording", _Recording)
    monkeypatch.setattr(measuring, "_run_plan", run_plan)
    monkeypatch.setattr(measuring, "FOLDER", tmp_path)
    yield ran


def _options(*arguments: str) -> argparse.Namespace:
    return parser().parse_args([PATH, *arguments])


def _outcomes(results: dict[str, list[dict[str, Any]]]) -> list[str]:
    return [result["outcome"] for result in results[PATH]]


def _kept(folder: Path) -> list[str]:
    stored = json.loads((folder / "results" / f"{PATH}.json").read_text())
    assert stored["digest"] == digest(measuring.ROOT / PATH)
    return [result["outcome"] for result in stored["results"]]


def test_the_quickest_tests_are_chosen_up_to_a_time() -> None:
    assert quickest({"slow": 9.0, "quick": 1.0, "middle": 3.0}, 5.0) == {"quick": 1.0, "middle": 3.0}


def test_at_least_one_test_is_chosen() -> None:
    assert quickest({"slow": 9.0}, 5.0) == {"slow": 9.0}


def test_a_test_that_noticed_the_mutant_before_comes_first() -> None:
    assert list(quickest({"slow": 4.0, "quick": 1.0}, 5.0, first="slow")) == ["slow", "quick"]


def test_a_later_run_tries_first_what_noticed_the_mutant(plans: list[Any]) -> None:
    run([PATH], _options())
    run([PATH], _options())

    first, second = plans
    assert [next(iter(entry["tests"])) for entry in first] == [OTHER] * len(first)
    assert [next(iter(entry["tests"])) for entry in second] == [TEST, *[OTHER] * (len(second) - 1)]


def test_a_run_that_trusts_repeats_only_what_was_not_noticed(plans: list[Any]) -> None:
    before = _outcomes(run([PATH], _options()))
    after = _outcomes(run([PATH], _options("--trust")))

    assert [len(plan) for plan in plans] == [len(before), len(before) - 1]
    assert (before.count("killed"), after.count("killed")) == (1, 2)


def test_results_are_not_trusted_when_the_file_has_changed(plans: list[Any], tmp_path: Path) -> None:
    run([PATH], _options())
    stored = tmp_path / "results" / f"{PATH}.json"
    stored.write_text(json.dumps(json.loads(stored.read_text()) | {"digest": "of another text"}))
    run([PATH], _options("--trust"))

    first, second = plans
    assert len(first) == len(second)


def test_results_are_not_trusted_when_their_test_no_longer_reaches_the_line(
    plans: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run([PATH], _options())
    monkeypatch.setattr(
        _Recording, "tests_by_line", lambda *_: {line: [(OTHER, 1.0)] for line in range(1, 200)}
    )
    run([PATH], _options("--trust"))

    first, second = plans
    assert len(first) == len(second)


def test_repeating_what_was_not_noticed_keeps_the_rest(plans: list[Any], tmp_path: Path) -> None:
    run([PATH], _options())
    assert _kept(tmp_path).count("killed") == 1
    run([PATH], _options("--again"))

    first, second = plans
    assert len(second) == len(first) - 1
    assert len(_kept(tmp_path)) == len(first)
    assert _kept(tmp_path).count("killed") == 2


@pytest.mark.parametrize("narrowed", [("--sample", "50"), ("--only", "return")])
def test_a_part_of_the_mutants_is_not_kept(plans: list[Any], tmp_path: Path, narrowed: tuple[str]) -> None:
    run([PATH], _options(*narrowed))

    assert not (tmp_path / "results").exists()
