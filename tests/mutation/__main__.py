"""python -m tests.mutation PATH...: break the code in small ways and list what no test notices."""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.mutation.mutants import ROOT, Mutant, mutants_of
from tests.mutation.recording import FOLDER, ByLine, Recording, digest

# Everything that runs in the process of the test; the rest is left out by its marks.
TESTS = ["tests/unit", "tests/api", "tests/admin"]
NOTICED = ("killed", "timeout")
Result = dict[str, Any]


def tests_of(mutant: Mutant, by_line: ByLine, most_s: float) -> tuple[list[str], float]:
    """The tests that run a line of the mutant, the quickest first, and their seconds together."""
    if not mutant.function:  # a value of the module may be used anywhere
        return _quickest({name: seconds for tests in by_line.values() for name, seconds in tests}, most_s)
    lines = range(mutant.line, mutant.last_line + 1)
    if not any(line in by_line for line in lines):  # a part of a statement that starts on a line before
        earlier = range(mutant.line - 1, max(mutant.line - 12, mutant.first_line) - 1, -1)
        lines = range(nearest := next((line for line in earlier if line in by_line), 0), nearest + 1)
    return _quickest({name: seconds for line in lines for name, seconds in by_line.get(line, ())}, most_s)


def _quickest(times: dict[str, float], most_s: float) -> tuple[list[str], float]:
    chosen: list[str] = []
    together = 0.0
    for name, seconds in sorted(times.items(), key=lambda item: item[1]):
        if chosen and together + seconds > most_s:
            break
        chosen.append(name)
        together += seconds
    return chosen, together


def chosen_mutants(path: str, options: argparse.Namespace) -> list[Mutant]:
    """The mutants of a file that the options ask for."""
    found = mutants_of(ROOT / path)
    if options.only:
        found = [mutant for mutant in found if options.only in str(mutant)]
    if options.again:
        stored = _results_file(path)
        results = json.loads(stored.read_text())["results"] if stored.is_file() else []
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


def run(paths: list[str], options: argparse.Namespace) -> dict[str, list[Result]]:
    """Run the mutants of some files; the results of each file in the order of their lines."""
    results: dict[str, list[Result]] = {}
    entries = []
    chosen = {path: chosen_mutants(path, options) for path in paths}
    recording = Recording([path for path in paths if chosen[path]], options.tests, options.processes)
    for path, mutants in chosen.items():
        results[path] = []
        by_line = recording.tests_by_line(path) if mutants else {}
        for mutant in mutants:
            names, seconds = tests_of(mutant, by_line, options.seconds)
            if names:
                entries.append({"mutant": asdict(mutant), "tests": names, "seconds": seconds})
            else:
                results[path].append(_result(mutant, "no test", ""))
    for result in _run_plan(entries, options.processes) if entries else ():
        results[result["path"]].append(result)
    for path, found in results.items():
        found.sort(key=lambda result: result["line"])
        if not (options.only or options.again or options.sample):
            stored = _results_file(path)
            stored.parent.mkdir(parents=True, exist_ok=True)
            stored.write_text(json.dumps({"digest": digest(ROOT / path), "results": found}, indent=1))
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


def main() -> int:
    parser = argparse.ArgumentParser(prog="run.py test --mutate", description=__doc__)
    parser.add_argument("paths", nargs="+", help="files or folders of the project")
    parser.add_argument("--tests", nargs="*", default=TESTS, help="folders of tests; all without processes")
    parser.add_argument(
        "--seconds", type=float, default=5.0, help="tests of a mutant, the quickest first (5 s)"
    )
    parser.add_argument("--only", default="", help="only mutants whose printed line contains this text")
    parser.add_argument(
        "--again", action="store_true", help="only the mutants that the last whole run did not notice"
    )
    parser.add_argument(
        "--sample", type=float, default=0, help="only this many of 100 mutants, chosen at random"
    )
    parser.add_argument(
        "--seed", type=int, default=1, help="the seed of --sample: the same seed, the same mutants"
    )
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    files = [
        str(file.relative_to(ROOT))
        for name in options.paths
        for file in ([ROOT / name] if (ROOT / name).is_file() else sorted((ROOT / name).rglob("*.py")))
    ]
    began = time.monotonic()
    total: Counter[str] = Counter()
    for path, results in run(files, options).items():
        counted = Counter(result["outcome"] for result in results)
        total += counted
        for result in results:
            if result["outcome"] not in NOTICED:
                print(f"{result['outcome']}: {result['text']}")
        if results:
            print(f"== {path}: {_score(counted)}", flush=True)
    print(f"== {_score(total)} in {time.monotonic() - began:.0f} s")
    return 0


def _score(counted: Counter[str]) -> str:
    noticed, number = counted["killed"] + counted["timeout"], sum(counted.values())
    rest = ", ".join(f"{count} {name}" for name, count in counted.items() if name not in NOTICED)
    share = 100 * noticed / max(number, 1)
    return f"{noticed} of {number} mutants noticed ({share:.1f} %)" + (f", {rest}" if rest else "")


if __name__ == "__main__":
    raise SystemExit(main())
