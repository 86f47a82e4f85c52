"""The table of the cases in docs/conformance.md: from cases.py, the names of the tests and results.json.

Run `python -m tests.conformance.table`; a test compares the page with its sources.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.conformance.cases import CASES, named_tests
from tests.conformance.recording import BOTH, Results, recorded

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = ROOT / "docs" / "conformance.md"
BEGIN: Final = "<!-- begin: written by python -m tests.conformance.table -->"
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
    """The table in Markdown, with its markers."""
    tests, results = named_tests(), recorded()
    lines = [BEGIN, "", "| case | block | title | tests | result |", "|---|---|---|---|---|"]
    for case in CASES:
        found = tests.get(case.id, [])
        shown = f"later: {case.later}" if case.later else result(found, results)
        links = "<br>".join(_link(test) for test in found)
        lines.append(f"| {case.id} | {case.block} | {case.title} | {links} | {shown} |")
    return "\n".join([*lines, "", END])


def _link(test: str) -> str:
    path, _, name = test.partition("::")
    return f"[{name}](../{path})"


def written(page: str) -> str:
    """The page with the current block. Raises ValueError for a page without the markers."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE.name} has no block between {BEGIN} and {END}")
    return before + block() + after


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
