"""Runs the mutants of some files against the tests that reach their lines, and keeps the results."""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.mutation.mutants import ROOT, Mutant, mutants_of
from tests.mutation.recording import FOLDER, ByLine, Recording, digest

# Everything that runs in the process of the test; the rest is left out by its marks.
TESTS = ["tests/unit", "tests/api", "tests/admin"]
NOTICED = ("killed", "timeout")
Result = dict[str, Any]


def tests_of(mutant: Mutant, by_line: ByLine) -> dict[str, float]:
    """The tests that run a line of the mutant, with their seconds."""
    if not mutant.function:  # a value of the module may be used anywhere
        return {name: seconds for tests in by_line.values() for name, seconds in tests}
    lines = range(mutant.line, mutant.last_line + 1)
    if not any(line in by_line for line in lines):  # a part of a statement that starts on a line before
        earlier = range(mutant.line - 1, max(mutant.line - 12, mutant.first_line) - 1, -1)
        lines = range(nearest := next((line for line in earlier if line in by_line), 0), nearest + 1)
    return {name: seconds for line in lines for name, seconds in by_line.get(line, ())}


def quickest(times: dict[str, float], most_s: float, first: str = "") -> dict[str, float]:
    """Tests that take `most_s` seconds together, at least one, with their seconds; the quickest come first,
    after the test `first` if it is among them.
    """
    chosen: dict[str, float] = {}
    for name, seconds in sorted(times.items(), key=lambda item: (item[0] != first, item[1])):
        if chosen and sum(chosen.values()) + seconds > most_s:
            break
        chosen[name] = seconds
    return chosen


def chosen_mutants(path: str, options: argparse.Namespace) -> list[Mutant]:
    """The mutants of a file that the options ask for."""
    found = mutants_of(ROOT / path)
    if options.only:
        found = [mutant for mutant in found if options.only in str(mutant)]
    if options.again:
        _, results = _read(path)
        unnoticed = {_key(result["text"]) for result in results if result["outcome"] not in NOTICED}
        found = [mutant for mutant in found if _key(str(mutant)) in unnoticed]
    if options.sample:
        chance = random.Random(f"{options.seed}/{path}")
        found = [mutant for mutant in found if chance.random() * 100 < options.sample]
    return found


def _key(text: str) -> str:
    """A mutant without its line, which moves when something is added above."""
    path, _, rest = text.partition(":")
    return path + rest.partition(":")[2]


def _results_file(path: str) -> Path:
    return FOLDER / "results" / f"{path}.json"


def _read(path: str) -> tuple[str, list[Result]]:
    """The digest of a file when it was measured, and the results."""
    stored = _results_file(path)
    if not stored.is_file():
        return "", []
    found = json.loads(stored.read_text())
    return found["digest"], found["results"]


def _write(path: str, results: list[Result]) -> None:
    stored = _results_file(path)
    stored.parent.mkdir(parents=True, exist_ok=True)
    stored.write_text(json.dumps({"digest": digest(ROOT / path), "results": results}, indent=1))


class Earlier:
    """The results of an earlier run of a file that has not changed since; nothing when it has."""

    def __init__(self, path: str) -> None:
        known, results = _read(path)
        self.results = results if known == digest(ROOT / path) else []
        self._by_text: dict[str, list[Result]] = defaultdict(list)
        for result in self.results:
            self._by_text[result["text"]].append(result)

    def test_of(self, text: str) -> str:
        """The test that noticed this mutant; "" when none did, or not all mutants of this text."""
        found = self._by_text[text]
        noticed = all(result["outcome"] in NOTICED for result in found)
        return found[0]["by"] if found and noticed else ""


def run(paths: list[str], options: argparse.Namespace) -> dict[str, list[Result]]:
    """Run the mutants of some files; the results of each file in the order of their lines.

    The test that noticed a mutant in the last run is tried first. With `options.trust` the mutant is not run
    again, if that test still reaches it.
    """
    results: dict[str, list[Result]] = {}
    entries = []
    chosen = {path: chosen_mutants(path, options) for path in paths}
    earlier = {path: Earlier(path) for path in paths}
    recording = Recording([path for path in paths if chosen[path]], options.tests, options.processes)
    for path, mutants in chosen.items():
        results[path] = []
        by_line = recording.tests_by_line(path) if mutants else {}
        for mutant in mutants:
            reaching = tests_of(mutant, by_line)
            known = earlier[path].test_of(str(mutant))
            tests = quickest(reaching, options.seconds, first=known)
            if not tests:
                results[path].append(_result(mutant, "no test", ""))
            elif options.trust and known in reaching:
                results[path].append(_result(mutant, "killed", known))
            else:
                entries.append({"mutant": asdict(mutant), "tests": tests})
    for result in _run_plan(entries, options.processes) if entries else ():
        results[result["path"]].append(result)
    for path, found in results.items():
        found.sort(key=lambda result: result["line"])
        if options.only or options.sample:
            continue
        if not options.again:
            _write(path, found)
        elif earlier[path].results:
            again = {result["text"] for result in found}
            rest = [result for result in earlier[path].results if result["text"] not in again]
            _write(path, sorted(rest + found, key=lambda result: result["line"]))
    return results


def _run_plan(entries: list[dict[str, Any]], processes: int) -> list[Result]:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        plan, names = Path(folder, "plan.json"), Path(folder, "names")
        plan.write_text(json.dumps({"processes": processes, "mutants": entries}))
        names.write_text("\n".join(sorted({name for entry in entries for name in entry["tests"]})))
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
                *("-p", "tests.mutation.plugin", "--mutation-run", str(plan), f"@{names}"),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        stored = plan.with_suffix(".results")
        lines = stored.read_text().splitlines() if stored.is_file() else []
    if len(lines) != len(entries):
        raise SystemExit(f"The run ended early:\n{done.stdout[-3_000:]}{done.stderr[-3_000:]}")
    left_out = [line for line in done.stderr.splitlines(keepends=True) if line.startswith("Left out")]
    sys.stderr.writelines(left_out)
    results = []
    for line in lines:
        each = json.loads(line)
        mutant = Mutant(**entries[each["number"]]["mutant"])
        results.append(_result(mutant, each["outcome"], each["by"]))
    return results


def _result(mutant: Mutant, outcome: str, by: str) -> Result:
    return {"path": mutant.path, "line": mutant.line, "text": str(mutant), "outcome": outcome, "by": by}
