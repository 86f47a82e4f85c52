"""Every choice of a test comes from a seed that it prints; the same seed makes the same plan."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from tests import seeds
from tests.chaos import plan

ROOT = Path(__file__).resolve().parents[3]
FOLDERS = ("tests", "bench", "simulator")
# It draws the seed itself.
DRAWS = ("tests/seeds.py",)


def unseeded(text: str) -> Iterator[int]:
    """The lines that choose without a seed: `random.choice(...)`, `Random()`, `SystemRandom()`."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.module == "random":
            yield node.lineno
        elif isinstance(node, ast.Call) and _is_of_random(node.func):
            assert isinstance(node.func, ast.Attribute)
            if node.func.attr != "Random" or not node.args:
                yield node.lineno


def _is_of_random(function: ast.expr) -> bool:
    return (
        isinstance(function, ast.Attribute)
        and isinstance(function.value, ast.Name)
        and function.value.id == "random"
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("random.choice([1, 2])", [1]),
        ("chance = random.Random()", [1]),
        ("from random import choice", [1]),
        ("chance = random.SystemRandom()", [1]),
        ("chance = random.Random(7)\nchance.choice([1, 2])\nself.random.random()", []),
    ],
)
def test_a_choice_without_a_seed_is_found(text: str, found: list[int]) -> None:
    assert list(unseeded(text)) == found


def test_no_test_and_no_simulated_station_chooses_without_a_seed() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for folder in FOLDERS
        for path in sorted((ROOT / folder).rglob("*.py"))
        if str(path.relative_to(ROOT)) not in DRAWS
        for line in unseeded(path.read_text("utf-8"))
    ]

    assert found == []


def test_the_same_seed_gives_the_same_kills_and_another_seed_others() -> None:
    first, again, other = (list(islice(plan.kills(seed), 250)) for seed in (7, 7, 8))

    assert first == again
    assert first != other
    assert {kill.moment for kill in first} == set(plan.Moment)


def test_the_same_seed_gives_each_process_its_own_restarts_again() -> None:
    first, again, other_process, other_seed = (
        list(islice(plan.restarts(seed, process, answers=(40, 300)), 50))
        for seed, process in ((7, 0), (7, 0), (7, 1), (8, 0))
    )

    assert first == again
    assert first not in (other_process, other_seed)
    assert all(40 <= kill.answers <= 300 for kill in first)


def test_the_seed_is_the_one_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    monkeypatch.setattr(seeds, "_chosen", {})
    monkeypatch.setenv(seeds.VARIABLE, "4711")

    assert seeds.chosen_seed("kills") == 4711

    command = f"CHAOS_SEED=4711 python -m pytest -m '' '{request.node.nodeid}'"
    assert capsys.readouterr().out == f"Seed of the kills: 4711. Replay: {command}\n"
    assert seeds.replay(request.node.nodeid) == command


def test_all_parts_of_a_test_have_one_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seeds, "_chosen", {})
    monkeypatch.delenv(seeds.VARIABLE, raising=False)

    assert seeds.chosen_seed("kills") == seeds.chosen_seed("stations")


def test_a_failed_test_shows_the_command_that_replays_it(tmp_path: Path) -> None:
    failing = tmp_path / "test_fails.py"
    failing.write_text(
        "from tests.seeds import chosen_seed\ndef test_fails():\n    assert chosen_seed('kills') < 0\n"
    )

    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "conftest", "-p", "no:cacheprovider", str(failing)],
        cwd=ROOT,
        env={**os.environ, seeds.VARIABLE: "4711"},
        capture_output=True,
        text=True,
        check=False,
    )

    _, _, shown = run.stdout.partition(" Replay ---")
    assert "CHAOS_SEED=4711 python -m pytest -m ''" in shown, run.stdout
    assert "test_fails.py::test_fails'" in shown
