"""Which test runs which line: recorded once for every test file, and again when it or the code has changed.

A pytest plugin, used in a process of its own by `recorded_tests`. Only tests without processes of their own
are recorded: code that runs in another process can't be exchanged here.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from coverage import Coverage

from tests.mutation.mutants import ROOT

FOLDER = ROOT / ".mutation"
# The tests that run a line, with their seconds.
ByLine = dict[int, list[tuple[str, float]]]
PACKAGES = (
    "accounts",
    "aggregates",
    "chargepoints",
    "configuration",
    "events",
    "ocpp_server",
    "smart_charging",
    "tariffs",
    "certificates",
    "alerts",
    "sandbox",
    "transactions",
)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path.is_file() else ""


class Recorder:
    """Writes one file for each test file: the time of every test, and the lines that it runs."""

    def __init__(self) -> None:
        self._coverage = Coverage(
            data_file=None, source=[str(ROOT / name) for name in PACKAGES], config_file=False
        )
        self._coverage.set_option("run:disable_warnings", ["no-data-collected", "module-not-imported"])
        self._seconds: dict[str, float] = defaultdict(float)
        self._failed: set[str] = set()

    @pytest.hookimpl
    def pytest_sessionstart(self) -> None:
        self._coverage.start()

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._coverage.switch_context(item.nodeid)
        yield
        self._coverage.switch_context("")

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._seconds[report.nodeid] += report.duration
        if not report.passed:
            self._failed.add(report.nodeid)

    @pytest.hookimpl
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        self._coverage.stop()
        lines: dict[str, dict[str, dict[int, list[str]]]] = defaultdict(
            lambda: defaultdict(lambda: defaultdict(list))
        )
        data = self._coverage.get_data()
        for name in data.measured_files():
            path = str(Path(name).relative_to(ROOT))
            for line, tests in data.contexts_by_lineno(name).items():
                for test in tests:
                    if test and test not in self._failed:
                        lines[test.partition("::")[0]][path][line].append(test)
        files = {str(item.path.relative_to(ROOT)) for item in session.items} | set(_files_asked(session))
        for name in files:
            tests = [
                test for test in self._seconds if test.partition("::")[0] == name and test not in self._failed
            ]
            number = {test: place for place, test in enumerate(tests)}
            stored = {
                "digest": digest(ROOT / name),
                "tests": [[test, round(self._seconds[test], 3)] for test in tests],
                "files": {
                    path: {
                        "digest": digest(ROOT / path),
                        "lines": {line: [number[test] for test in found] for line, found in by_line.items()},
                    }
                    for path, by_line in lines[name].items()
                },
            }
            place = _place(name)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(json.dumps(stored))


def _files_asked(session: pytest.Session) -> Iterator[str]:
    """The test files of the command line: one whose tests are all left out is recorded as empty."""
    for argument in session.config.args:
        path = ROOT / argument.partition("::")[0]
        if path.is_file():
            yield str(path.relative_to(ROOT))


def _place(name: str) -> Path:
    return FOLDER / "tests" / f"{name}.json"


def test_files(folders: list[str]) -> list[str]:
    found = (path for folder in folders for path in sorted((ROOT / folder).rglob("test_*.py")))
    # Tests of PostgreSQL run in a process of their own, and pytest does not leave out a file that is named.
    return [str(path.relative_to(ROOT)) for path in found if path.parent.name != "postgresql"]


def record(names: list[str], processes: int) -> None:
    """Run test files and write what they run. Tests that fail are left out, and named on the terminal."""
    parts = [names[number::processes] for number in range(processes)]
    running = [
        subprocess.Popen(
            [
                *(
                    sys.executable,
                    "-m",
                    "pytest",
                    "-q",
                    "-p",
                    "no:cacheprovider",
                    "-p",
                    "tests.mutation.plugin",
                ),
                *("--mutation-record", *part),
            ],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for part in parts
        if part
    ]
    for process in running:
        output, _ = process.communicate()
        if process.returncode not in (0, 5):  # 5: all tests of these files are left out
            sys.stderr.write(output[-4_000:])
            if process.returncode != 1:
                raise RuntimeError(f"Recording the tests ended with status {process.returncode}.")


class Recording:
    """The tests that run each line of some files. What is new or has changed is recorded first."""

    def __init__(self, paths: list[str], folders: list[str], processes: int) -> None:
        names = test_files(folders)
        digests = {path: digest(ROOT / path) for path in paths}
        self._stored = {name: stored for name in names if (stored := _read(name, digests)) is not None}
        stale = [name for name in names if name not in self._stored]
        if stale and paths:
            print(
                f"Recording which tests run which line: {len(stale)} of {len(names)} test files ...",
                flush=True,
            )
            record(stale, processes)
            self._stored |= {name: json.loads(_place(name).read_text()) for name in stale}

    def tests_by_line(self, path: str) -> ByLine:
        found: ByLine = defaultdict(list)
        for stored in self._stored.values():
            for line, numbers in stored["files"].get(path, {"lines": {}})["lines"].items():
                found[int(line)] += [tuple(stored["tests"][number]) for number in numbers]
        return found


def _read(name: str, digests: dict[str, str]) -> dict[str, Any] | None:
    """The recording of a test file; None when it, or a file of interest that it runs, has changed."""
    try:
        stored: dict[str, Any] = json.loads(_place(name).read_text())
    except FileNotFoundError:
        return None
    files = stored["files"]
    is_current = stored["digest"] == digest(ROOT / name) and all(
        path not in files or files[path]["digest"] == known for path, known in digests.items()
    )
    return stored if is_current else None
