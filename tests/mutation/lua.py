"""Mutates the Lua scripts and checks with a real Redis that a test notices each mutant.

`tests/mutation/lua_plugin.py` runs the tests. All scripts take a few minutes.

    python -m tests.mutation.lua PATH...     # prints the surviving mutants and the scores

The mark `-- equivalent: REASON` at the end of a line excludes the mutants of this line, and
`-- equivalent (CODE): REASON` only those that change this piece of code: a number, an operator, a condition.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tests.mutation.lua_grammar import Place, Span, places

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDERS = ("ocpp_server/transport/queue/scripts", "ocpp_server/live/redis/scripts")
# Without the random runs, which are not the same for each mutant.
TESTS = (
    "tests/unit/transport/queue",
    "tests/unit/live/redis",
    "--ignore=tests/unit/transport/queue/test_interleavings.py",
)

# Numbers from here on are durations and factors: one more or less makes no difference to anyone.
LARGE = 1000

# The variables of the environment that hand the scripts and the file of results to the plugin.
PATHS, RESULTS = "MUTATED_SCRIPTS", "MUTATIONRESULTS"
_EQUIVALENT = re.compile(r"-- equivalent(?: \((.+?)\))?:(.*)$")
_OPPOSITE = {"==": "~=", "~=": "==", "<": "<=", "<=": "<", ">": ">=", ">=": ">"}


class LuaMutant(NamedTuple):
    """One change of a script: its line, the change in a sentence, and the whole text. `equivalent` is the
    reason why no test can notice it.
    """

    line: int
    change: str
    text: str
    equivalent: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """A mutant and its outcome: killed, timeout (a kill too), survived or equivalent. `by` is the test that
    noticed it, or the reason why none can.
    """

    path: str
    line: int
    change: str
    outcome: str
    by: str = ""


# -- mutants -------------------------------------------------------------------------------------------


def mutants(text: str) -> list[LuaMutant]:
    """All mutants of a script. Raises ValueError for a mark of equivalence without a reason."""
    marks = dict(_marks(text))
    found: dict[str, LuaMutant] = {}
    for place in places(text):
        line = text.count("\n", 0, place.span.start) + 1
        code, reason = marks.get(line, ("", ""))
        if code and code != _code(text, place):
            reason = ""
        for change, span, put in _changes(text, place):
            mutated = text[: span.start] + put + text[span.end :]
            if mutated != text:
                found.setdefault(mutated, LuaMutant(line, change, mutated, reason))
    return list(found.values())


def _code(text: str, place: Place) -> str:
    """The operator of logic, the whole text of any other place."""
    if place.kind == "logic":
        return text[place.left.end : place.right.start].strip()
    return text[place.span.start : place.span.end]


def _marks(text: str) -> Iterator[tuple[int, tuple[str, str]]]:
    """The marks of equivalence by line: the code (empty for the whole line) and the reason."""
    for number, line in enumerate(text.splitlines(), 1):
        match = _EQUIVALENT.search(line)
        if match is not None:
            reason = match[2].strip()
            if not reason:
                raise ValueError(f"line {number}: the mark of equivalence has no reason")
            yield number, (match[1] or "", reason)


def _changes(text: str, place: Place) -> Iterator[tuple[str, Span, str]]:
    """The changes at a place: a sentence, the part that is replaced, the new text."""
    span, old = place.span, text[place.span.start : place.span.end]
    shown = _shortened(old)
    if place.kind == "condition":
        for value in ("true", "false"):
            yield f"The condition `{shown}` is always {value}.", span, value
    elif place.kind == "logic":
        for kept in (place.left, place.right):
            put = text[kept.start : kept.end]
            yield f"Of `{shown}` only `{_shortened(put)}` is left.", span, put
    elif place.kind == "comparison":
        yield f"`{old}` is `{_OPPOSITE[old]}`.", span, _OPPOSITE[old]
    elif place.kind == "statement":
        # The lines keep their numbers.
        yield f"The statement `{shown}` is skipped.", span, "\n" * old.count("\n")
    else:
        number = float(old) if "." in old else int(old)
        others = (number * 2, number // 2) if number >= LARGE else (number + 1, number - 1)
        for other in others:
            # In brackets: `2 --1` would be a comment.
            yield f"{old} is {other}.", span, str(other) if other >= 0 else f"({other})"


def _shortened(code: str) -> str:
    line = " ".join(code.split())
    return line if len(line) <= 70 else f"{line[:67]}..."


# -- the command -----------------------------------------------------------------------------------------


def run(*paths: Path, tests: Iterable[str] = TESTS) -> list[Result]:
    """Run the tests against all mutants of these scripts.

    Raises ValueError when the tests fail without a mutant.
    """
    with tempfile.TemporaryDirectory(prefix="ocpp-mutation-") as folder:
        results = Path(folder, "results")
        results.touch()
        environment = os.environ | {
            "RUN_IN_PLACE": "1",
            "ENV_FILE": os.devnull,
            "DJANGO_SETTINGS_MODULE": "ocpp_server.settings",
            "DATA_DIR": folder,
            PATHS: json.dumps([str(path.resolve()) for path in paths]),
            RESULTS: str(results),
        }
        plugins = ["-p", "tests.mutation.lua_plugin", "-p", "no:cacheprovider"]
        # A mutant may leave something open: its warning must not fail a test of the next mutant.
        plugins += ["-p", "no:unraisableexception", "-p", "no:threadexception"]
        command = [sys.executable, "-m", "pytest", "-q", *plugins, *tests]
        done = subprocess.run(command, check=False, cwd=ROOT, env=environment, capture_output=True, text=True)
        found = [Result(**json.loads(line)) for line in results.read_text("utf-8").splitlines()]
    if done.returncode:
        raise ValueError(f"pytest failed: {done.stdout[-3000:]}{done.stderr[-3000:]}")
    return found


def scripts() -> list[Path]:
    """All Lua scripts of the server."""
    return sorted(path for folder in FOLDERS for path in (ROOT / folder).glob("*.lua"))


def table(results: Sequence[Result]) -> str:
    """A line for each script: its mutants, how many are killed, equivalent and surviving, and the score."""
    lines = [f"{'script':<58}{'mutants':>8}{'killed':>8}{'equivalent':>12}{'survived':>10}{'score':>8}"]
    names = list(dict.fromkeys(result.path for result in results))
    for name in [*names, "all"]:
        outcomes = [result.outcome for result in results if name in (result.path, "all")]
        equivalent, survived = outcomes.count("equivalent"), outcomes.count("survived")
        tried = len(outcomes) - equivalent
        score = 100 * (tried - survived) / tried if tried else 100.0
        counts = f"{len(outcomes):>8}{tried - survived:>8}{equivalent:>12}{survived:>10}"
        lines.append(f"{name:<58}{counts}{score:>6.1f} %")
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    paths = [Path(argument) for argument in arguments] or scripts()
    results = run(*paths)
    for result in results:
        if result.outcome == "survived":
            print(f"{result.path}:{result.line}: {result.change}")
    print(table(results))
    return int(any(result.outcome == "survived" for result in results))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
