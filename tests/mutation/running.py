"""Runs the tests of each mutant in a process of its own, forked from one that has imported everything.

A pytest plugin. pytest collects the tests and sets up the database once; each child puts its mutant in place,
works on a copy of the database, and ends at the first test that fails.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import shutil
import signal
import sys
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.test.utils import setup_databases, teardown_databases
from pytest_django.plugin import blocking_manager_key

from tests.mutation.mutants import Exchange, Mutant, NotReachedError
from tests.processes import launching

KILLED, SURVIVED, NOT_REACHED = 1, 0, 3
OUTCOMES = {KILLED: "killed", SURVIVED: "survived", NOT_REACHED: "not reached"}
# A test may take this many times its recorded duration on the processor, and these seconds more; the first
# one of a child also makes the fixtures of the session. Twice as long may pass by the clock, for a test that
# waits.
PATIENCE, GRACE_S, FIRST_GRACE_S = 4, 3, 10
CLOCK = 2
# Ends of a child by these limits.
LATE = (-signal.SIGKILL, -signal.SIGPROF, -signal.SIGALRM)


@dataclass
class Child:
    mutant: Mutant | None  # None runs the tests with the code as it is
    tests: dict[str, float]  # with their recorded seconds
    number: int = 0
    pid: int = 0
    deadline: float = 0.0
    report: int = 0  # the end of a pipe from which the name of the failing test is read


@dataclass
class Ended:
    child: Child
    outcome: str
    report: str


class Verdicts:
    """Holds back what a test noticed until the same test has passed without any mutant.

    A test that fails in a forked process anyway would seem to notice every mutant.
    """

    def __init__(self) -> None:
        self.failing: set[str] = set()
        self._sound: set[str] = set()
        self._held: dict[str, list[Ended]] = {}

    def is_doubtful(self, test: str) -> bool:
        return test not in self._sound

    def hold(self, test: str, ended: Ended) -> bool:
        """Hold a result back. Returns whether the test must be run without a mutant now."""
        is_first = test not in self._held
        self._held.setdefault(test, []).append(ended)
        return is_first

    def judged(self, test: str, *, passed: bool) -> list[Ended]:
        """The results that were held back because of a test, which has now run without a mutant."""
        (self._sound if passed else self.failing).add(test)
        return self._held.pop(test)


class Runner:
    """Takes the place of pytest's own loop. The plan has the mutants, and the tests of each."""

    def __init__(self, plan: str) -> None:
        self._plan: dict[str, Any] = json.loads(Path(plan).read_text())
        self._out = Path(plan).with_suffix(".results")
        self._verdicts = Verdicts()

    @pytest.fixture(scope="session")
    @classmethod
    def django_db_setup(cls) -> None:
        """The database is there before the first child: each would need seconds to make its own."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        for path in {entry["mutant"]["path"] for entry in self._plan["mutants"]}:
            importlib.import_module(_module_name(Path(path)))
        with session.config.stash[blocking_manager_key].unblock():
            made = setup_databases(verbosity=0, interactive=False)
            connections.close_all()
        exchange = Exchange()
        launching.start()  # once, and not in every child that needs a Redis
        # A collection would copy the pages of everything that was imported into each child.
        gc.disable()
        gc.freeze()
        waiting = deque(
            Child(Mutant(**entry["mutant"]), entry["tests"], number)
            for number, entry in enumerate(self._plan["mutants"])
        )
        items = {item.nodeid: item for item in session.items}
        running: dict[int, Child] = {}
        with self._out.open("w") as out:
            while waiting or running:
                while waiting and len(running) < self._plan["processes"]:
                    child = waiting.popleft()
                    self._start(session, items, child, exchange)
                    running[child.pid] = child
                for ended in self._results(self._wait(running), waiting):
                    result = {
                        "number": ended.child.number,
                        "outcome": ended.outcome,
                        "by": ended.report,
                    }
                    out.write(json.dumps(result) + "\n")
                    out.flush()
        if failing := self._verdicts.failing:
            sys.stderr.write(f"Left out, as they fail in a forked process: {', '.join(sorted(failing))}\n")
        with session.config.stash[blocking_manager_key].unblock():
            teardown_databases(made, verbosity=0)
        return True

    def _results(self, ended: Ended, waiting: deque[Child]) -> list[Ended]:
        """The results that are certain now. What is not is put in front of the children that wait."""
        if ended.child.mutant is None:
            (test,) = ended.child.tests
            passed = ended.report == "[]"
            held = self._verdicts.judged(test, passed=passed)
            if passed:
                return held
            waiting.extendleft(each.child for each in held)
            return []
        test = ended.report
        if ended.outcome != "killed" or test not in ended.child.tests or not self._verdicts.is_doubtful(test):
            return [ended]
        if self._verdicts.hold(test, ended):
            waiting.appendleft(Child(None, {test: ended.child.tests[test]}))
        return []

    def _start(
        self, session: pytest.Session, items: dict[str, pytest.Item], child: Child, exchange: Exchange
    ) -> None:
        tests = [items[name] for name in child.tests if name in items and name not in self._verdicts.failing]
        reading, writing = os.pipe()
        # The limits of the single tests end a child before, unless it ignores their signals.
        child.deadline = time.monotonic() + 60 + 3 * CLOCK * PATIENCE * sum(child.tests.values())
        child.pid = os.fork()
        if child.pid == 0:
            os.close(reading)
            _run(session, exchange, child, tests, writing)
        os.close(writing)
        child.report = reading

    def _wait(self, running: dict[int, Child]) -> Ended:
        """Wait until one child has ended, and end those that take too long."""
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid in running:
                child = running.pop(pid)
                with os.fdopen(child.report) as pipe:
                    report = pipe.read()
                code = os.waitstatus_to_exitcode(status)
                outcome = OUTCOMES.get(code, "timeout" if code in LATE else "killed")
                return Ended(child, outcome, report)
            now = time.monotonic()
            for late, child in running.items():
                if child.deadline < now:
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(late, signal.SIGKILL)
            time.sleep(0.005)  # poll: `waitpid` has no time limit, and a child may hang


def _module_name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _run(
    session: pytest.Session, exchange: Exchange, child: Child, tests: list[pytest.Item], report: int
) -> None:
    """In the child: run the tests with the mutant in place, and end this process."""
    code, text = KILLED, ""
    copy: Path | None = None
    try:
        os.setpgid(0, 0)
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        copy = _own_database()
        if child.mutant is None:
            text = json.dumps(_failures(session, tests, child.tests, at_most=len(tests)))
        else:
            exchange.put(child.mutant)
            failed = _failures(session, tests, child.tests, at_most=1)
            code, text = (KILLED, failed[0]) if failed else (SURVIVED, "")
        # Ends what the fixtures of the session have started, such as a Redis.
        session._setupstate.teardown_exact(None)
    except NotReachedError as error:
        code, text = NOT_REACHED, str(error)
    except BaseException as error:  # the change broke the run itself: a test would have noticed
        text = repr(error)
    finally:
        os.write(report, text.encode())
        if copy is not None:
            for name in copy.parent.glob(f"{copy.name}*"):
                name.unlink(missing_ok=True)
        os._exit(code)


def _failures(
    session: pytest.Session, tests: list[pytest.Item], seconds: dict[str, float], *, at_most: int
) -> list[str]:
    failures: list[str] = []

    class Reports:
        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            if report.failed:
                failures.append(report.nodeid)

    session.config.pluginmanager.register(Reports())
    grace = FIRST_GRACE_S
    for test, following in zip(tests, [*tests[1:], None], strict=False):
        _limit(grace + PATIENCE * seconds[test.nodeid])
        test.ihook.pytest_runtest_protocol(item=test, nextitem=following)
        if len(failures) >= at_most:
            break
        grace = GRACE_S
    _limit(FIRST_GRACE_S)  # for the end of the session
    return failures


def _limit(seconds: float) -> None:
    """End this process when it has used these seconds of the processor, or waits for something that never
    comes.
    """
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, CLOCK * seconds + 10)


def _own_database() -> Path | None:
    """Copy the test database for this child; None when it is no file."""
    connection = connections["default"]
    name = str(connection.settings_dict["NAME"])
    if not Path(name).is_file():
        return None
    copy = Path("/dev/shm" if os.path.isdir("/dev/shm") else "/tmp", f"mutant-{os.getpid()}.sqlite3")
    shutil.copy(name, copy)
    connection.connection = None  # of the parent: closing it here would drop its locks
    for known in (connection.settings_dict, connections.settings["default"]):
        known["NAME"] = str(copy)
    return copy
