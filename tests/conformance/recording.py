"""The results of the conformance tests, kept in results.json for the table in docs/conformance.md.

Record again with `RECORD_CONFORMANCE=1 python -m pytest tests/conformance`, or with a part of the folder: the
results of other tests stay. Then write the table with `python -m tests.conformance.table`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

from tests.conformance.cases import named_tests

STORED: Final = Path(__file__).with_name("results.json")
IS_RECORDING: Final = bool(os.environ.get("RECORD_CONFORMANCE"))
BOTH: Final = frozenset({"wire", "stored"})

Results = dict[str, dict[str, Any]]  # by test: "outcome", and "asserts" with the kinds of evidence.py


def recorded() -> Results:
    results: Results = json.loads(STORED.read_text("utf-8")) if STORED.exists() else {}
    return results


def named(nodeid: str) -> str:
    """The test without its parameters, as in results.json: they have one result."""
    return nodeid.partition("[")[0]


def lost(nodeid: str, asserts: set[str]) -> set[str]:
    """The kinds of evidence that a test no longer asserts, compared with its record."""
    return set(recorded().get(named(nodeid), {}).get("asserts", ())) - asserts


class Recorder:
    """Collects the results of a run, by test."""

    def __init__(self) -> None:
        self._results: Results = {}

    def add(self, nodeid: str, outcome: str, asserts: set[str]) -> None:
        """Add the result of one run of a test. Of several runs only what all of them assert counts."""
        test = named(nodeid)
        before = self._results.get(test, {"outcome": outcome, "asserts": asserts})
        self._results[test] = {
            "outcome": outcome if before["outcome"] == "passed" else before["outcome"],
            "asserts": sorted(asserts.intersection(before["asserts"])),
        }

    def write(self) -> None:
        """Replace what was recorded of these tests, and forget tests that no longer exist."""
        existing = {test for tests in named_tests().values() for test in tests}
        results = {test: row for test, row in (recorded() | self._results).items() if test in existing}
        lines = [f"  {json.dumps(test)}: {json.dumps(results[test])}" for test in sorted(results)]
        STORED.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")
