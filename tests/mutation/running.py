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
import resource
import shutil
import signal
import sys
import time
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
# A child may take this many times the recorded duration of its tests, and these seconds more.
PATIENCE, GRACE_S = 4, 10


@dataclass
class _Child:
    mutant: Mutant | None  # None runs all tests with the code as it is
    seconds: float  # it may take
    number: int = 0
    pid: int = 0
    deadline: float = 0.0
    report: int = 0  # the end of a pipe from which the name of the failing test is read


class Runner:
    """Takes the place of pytest's own loop. The plan has the mutants, and the tests of each."""

    def __init__(self, plan: str) -> None:
        self._plan: dict[str, Any] = json.loads(Path(plan).read_text())
        self._out = Path(plan).with_suffix(".results")

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
        # A test that fails without any mutant, in a child, would seem to notice all of them.
        control = self._start(session, list(session.items), _Child(None, 600.0))
        spoiled = set(json.loads(self._wait({control.pid: control})[2] or "[]"))
        items = {item.nodeid: item for item in session.items if item.nodeid not in spoiled}
        running: dict[int, _Child] = {}
        with self._out.open("w") as out:

            def wait() -> None:
                number, outcome, by = self._wait(running)
                out.write(json.dumps({"number": number, "outcome": outcome, "by": by}) + "\n")
                out.flush()

            for number, entry in enumerate(self._plan["mutants"]):
                while len(running) >= self._plan["processes"]:
                    wait()
                tests = [items[name] for name in entry["tests"] if name in items]
                child = _Child(Mutant(**entry["mutant"]), GRACE_S + PATIENCE * entry["seconds"], number)
                child = self._start(session, tests, child, exchange)
                running[child.pid] = child
            while running:
                wait()
        if spoiled:
            sys.stderr.write(f"Left out, as they fail in a forked process: {', '.join(sorted(spoiled))}\n")
        with session.config.stash[blocking_manager_key].unblock():
            teardown_databases(made, verbosity=0)
        return True

    def _start(
        self,
        session: pytest.Session,
        tests: list[pytest.Item],
        child: _Child,
        exchange: Exchange | None = None,
    ) -> _Child:
        reading, writing = os.pipe()
        child.deadline = time.monotonic() + 3 * child.seconds  # more than its time on the processor
        child.pid = os.fork()
        if child.pid == 0:
            os.close(reading)
            _run(session, exchange, child, tests, writing)
        os.close(writing)
        child.report = reading
        return child

    def _wait(self, running: dict[int, _Child]) -> tuple[int, str, str]:
        """Wait until one child has ended, and end those that take too long; number, outcome, report."""
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid in running:
                child = running.pop(pid)
                with os.fdopen(child.report) as pipe:
                    report = pipe.read()
                code = os.waitstatus_to_exitcode(status)
                outcome = OUTCOMES.get(
                    code, "timeout" if code in (-signal.SIGKILL, -signal.SIGXCPU) else "killed"
                )
                return child.number, outcome, report
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
    session: pytest.Session, exchange: Exchange | None, child: _Child, tests: list[pytest.Item], report: int
) -> None:
    """In the child: run the tests with the mutant in place, and end this process."""
    code, text = KILLED, ""
    copy: Path | None = None
    try:
        os.setpgid(0, 0)
        resource.setrlimit(resource.RLIMIT_CPU, (int(child.seconds),) * 2)  # for an endless loop
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        copy = _own_database()
        if exchange is None or child.mutant is None:
            text = json.dumps(_failures(session, tests, at_most=len(tests)))
        else:
            exchange.put(child.mutant)
            failed = _failures(session, tests, at_most=1)
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


def _failures(session: pytest.Session, tests: list[pytest.Item], *, at_most: int) -> list[str]:
    failures: list[str] = []

    class Reports:
        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            if report.failed:
                failures.append(report.nodeid)

    session.config.pluginmanager.register(Reports())
    for test, following in zip(tests, [*tests[1:], None], strict=False):
        test.ihook.pytest_runtest_protocol(item=test, nextitem=following)
        if len(failures) >= at_most:
            break
    return failures


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
