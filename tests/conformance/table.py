"""The tables of the cases in docs/conformance.md: from cases.py, the names of the tests and results.json.

Run `python -m tests.conformance.table`; a test compares the page with its sources.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final

from tests.conformance.cases import CASES, CASES_2X, Case, named_tests
from tests.conformance.recording import BOTH, Results, recorded

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = ROOT / "docs" / "conformance.md"
BEGIN: Final = "<!-- begin: written by python -m tests.conformance.table -->"
BEGIN_2X: Final = "<!-- begin 2.x: written by python -m tests.conformance.table -->"
END: Final = "<!-- end -->"


def result(tests: list[str], results: Results) -> str:
    """One word for a case: it has passed when all its tests have, and one of them asserts both places."""
    rows = [results.get(test) for test in tests]
    if not rows:
        return "no test"
    if any(row is None for row in rows):
        return "not recorded"
    if any(row["outcome"] != "passed" for row in rows if row):
        return "failed"
    if not any(BOTH.issubset(row["asserts"]) for row in rows if row):
        return "one place only"
    return "passed"


def block() -> str:
    """The table of 1.6 in Markdown, with its markers."""
    tests, results = named_tests(), recorded()
    lines = [BEGIN, "", "| case | block | title | tests | result |", "|---|---|---|---|---|"]
    for case in CASES:
        links, shown = _cells(case, tests.get(case.id, []), results)
        lines.append(f"| {case.id} | {case.block} | {case.title} | {links} | {shown} |")
    return "\n".join([*lines, "", END])


def block_2x() -> str:
    """The tables of 2.0.1 and 2.1 in Markdown, with their markers: the counts, and the cases."""
    tests, results = named_tests(), recorded()
    rows, counts = [], dict[str, Counter[str]]()
    for case in CASES_2X:
        links, shown = _cells(case, tests.get(case.id, []), results)
        rows.append(
            f"| {case.id} | {case.block} | {case.title} | {case.asked} | {case.since} | {links} | {shown} |"
        )
        for profile in case.asked.split(", "):
            counts.setdefault(profile.removesuffix(" (if)"), Counter())[shown] += 1
    return "\n".join(
        [
            BEGIN_2X,
            "",
            "| profile | passed | one place only | no test | waits for a later issue |",
            "|---|---|---|---|---|",
            *(_counted(profile, count) for profile, count in counts.items() if profile != "-"),
            "",
            "| case | block | title | asked by | since | tests | result |",
            "|---|---|---|---|---|---|---|",
            *rows,
            "",
            END,
        ]
    )


def _counted(profile: str, count: Counter[str]) -> str:
    later = sum(number for word, number in count.items() if word.startswith("later"))
    named = [count["passed"], count["one place only"], count["no test"], later]
    return f"| {profile} | {' | '.join(map(str, named))} |"


def _cells(case: Case, tests: list[str], results: Results) -> tuple[str, str]:
    """The links to the tests of a case, and its result or the issue that it waits for."""
    shown = f"later: {case.later}" if case.later else result(tests, results)
    return "<br>".join(_link(test) for test in tests), shown


def _link(test: str) -> str:
    path, _, name = test.partition("::")
    return f"[{name}](../{path})"


def written(page: str) -> str:
    """The page with the current blocks. Raises ValueError for a page without the markers."""
    return _replaced(_replaced(page, BEGIN, block()), BEGIN_2X, block_2x())


def _replaced(page: str, marker: str, text: str) -> str:
    before, begin, rest = page.partition(marker)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE.name} has no block between {marker} and {END}")
    return before + text + after


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
