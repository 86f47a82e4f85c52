"""A plugin of pytest that runs the collected tests against each mutant of Lua scripts, with a real Redis.

For each script the process forks a child, which runs the tests of this script against one mutant after the
other, each time until a test fails. The tests of a script are those during which it runs.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from hashlib import sha1
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from tests.distributed import engines
from tests.mutation.lua import PATHS, RESULTS, ROOT, LuaMutant, Result, mutants

# A mutant whose tests take this much longer than those of the original counts as an endless loop.
EXTRA_S = 5.0
# The channel on which scripts publish their numbers, to show that they run. A full Redis does not refuse it.
_RAN = "scripts-that-run"


Write = Callable[[str], int]


class MutationRun:
    """Runs the collected tests against each mutant instead of once."""

    def __init__(self, paths: Sequence[Path], results: Path) -> None:
        self._paths = paths
        self._texts = [path.read_text("utf-8") for path in paths]
        self._results = results
        self._has_failed = False
        self._scripts: list[tuple[Any, str]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._has_failed = self._has_failed or report.failed

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        # The live state needs Django, which pytest sets up after it has loaded its plugins.
        from ocpp_server.live.redis.keys import Script

        if session.testsfailed:
            raise session.Interrupted("the tests could not be collected")
        self._kind, self._load = Script, Script.__init__
        gc.unfreeze()  # `get_objects` leaves out what the test run has frozen
        self._scripts = [(found, found.text) for found in gc.get_objects() if isinstance(found, Script)]
        self._redis = engines.Redis()
        engines.REDIS_URL = f"redis://{self._redis.address}"
        # The collector of a child would copy all memory of this process.
        gc.freeze()
        # The terminal would show the tests of all children.
        session.config.pluginmanager.unregister(name="terminalreporter")
        try:
            with self._results.open("w", encoding="utf-8") as file:
                tests = self._tests(session.items)
                for path, text, items in zip(self._paths, self._texts, tests, strict=True):
                    for result in self._mutated(str(path.relative_to(ROOT)), text, items):
                        print(json.dumps(asdict(result)), file=file, flush=True)
        finally:
            self._redis.close()
        return True

    def _mutated(self, name: str, original: str, items: Sequence[pytest.Item]) -> Iterator[Result]:
        waiting = []
        for mutant in mutants(original):
            if mutant.equivalent:
                yield Result(name, mutant.line, mutant.change, "equivalent", mutant.equivalent)
            else:
                waiting.append(mutant)
        within = EXTRA_S + 3 * sum(self._seconds[item] for item in items)
        while waiting:
            reports = self._fork(lambda write, some=waiting: self._try(some, original, items, write))
            for failed in self._read(reports, within):
                mutant = waiting.pop(0)
                yield Result(name, mutant.line, mutant.change, "killed" if failed else "survived", failed)
            if waiting:
                # The first one that is left blocks Redis or has ended it.
                mutant = waiting.pop(0)
                yield Result(name, mutant.line, mutant.change, "timeout")
                self._redis.stop()
                self._redis.start()

    def _tests(self, items: Sequence[pytest.Item]) -> list[list[pytest.Item]]:
        """The tests during which each script runs. All must pass."""
        reports = list(self._read(self._fork(lambda write: self._mark(items, write)), 600.0))
        if len(reports) != len(items):
            raise pytest.UsageError(f"A test fails without a mutant: {items[len(reports)].nodeid}")
        parts = [report.split() for report in reports]
        self._seconds = {item: float(part[0]) for item, part in zip(items, parts, strict=True)}
        return [
            [item for item, part in zip(items, parts, strict=True) if str(number) in part[1:]]
            for number in range(len(self._texts))
        ]

    # -- children -----------------------------------------------------------------------------------

    @staticmethod
    def _fork(work: Callable[[Write], None]) -> tuple[int, int]:
        """Start a child. Returns its id and the pipe with the lines that it writes."""
        reading, writing = os.pipe()
        child = os.fork()
        if child:
            os.close(writing)
            return child, reading
        try:
            os.close(reading)
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 1)
            os.dup2(nowhere, 2)
            work(lambda line: os.write(writing, f"{line}\n".encode()))
        finally:
            os._exit(0)

    @staticmethod
    def _read(reports: tuple[int, int], within: float) -> Iterator[str]:
        """The lines of a child, until it ends or until `within` seconds pass without a line."""
        child, reading = reports
        with os.fdopen(reading, "rb", buffering=0) as pipe:
            text = b""
            while select.select([pipe], [], [], within)[0]:
                part = pipe.read(65536)
                if not part:
                    break
                *lines, text = (text + part).split(b"\n")
                yield from (line.decode() for line in lines)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)

    def _mark(self, items: Sequence[pytest.Item], write: Write) -> None:
        """Run all tests until one fails, and write the seconds and the scripts of each."""
        self._replace(
            {text: f"redis.call('PUBLISH', '{_RAN}', {n}) {text}" for n, text in enumerate(self._texts)}
        )
        with self._redis.client.pubsub() as pubsub:
            pubsub.subscribe(_RAN)
            pubsub.get_message(timeout=5)
            for item in items:
                began = time.monotonic()
                if not self._passes(item):
                    break
                numbers = set()
                # A test that closes all connections loses its marks; then the client subscribes again.
                while (message := pubsub.get_message()) is not None:
                    if message["type"] == "message":
                        numbers.add(message["data"])
                write(f"{time.monotonic() - began:.3f} {' '.join(numbers)}")

    def _try(
        self,
        some: Sequence[LuaMutant],
        text: str,
        items: Sequence[pytest.Item],
        write: Write,
    ) -> None:
        """Run the tests against each mutant until one fails, and write its name, or an empty line."""
        for mutant in some:
            self._replace({text: mutant.text})
            noticed = next((item for item in items if not self._passes(item)), None)
            self._redis.client.ping()
            write(noticed.nodeid if noticed else "")
            # A test that noticed one mutant often notices the next one too.
            items = sorted(items, key=lambda item: item is not noticed)

    def _passes(self, item: pytest.Item) -> bool:
        self._has_failed = False
        item._initrequest()  # type: ignore[attr-defined]
        runtestprotocol(item, nextitem=None)
        return not self._has_failed

    def _replace(self, changed: dict[str, str]) -> None:
        """Put other texts in the place of scripts, in the loaded scripts and in those that a test loads."""

        def mutate(script: Any, whole: str) -> None:
            script.text = whole
            for old, new in changed.items():
                script.text = script.text.replace(old, new)
            script.sha = sha1(script.text.encode(), usedforsecurity=False).hexdigest()

        def load(script: Any, *names: str, **named: Any) -> None:
            self._load(script, *names, **named)
            mutate(script, script.text)

        for script, whole in self._scripts:
            mutate(script, whole)
        self._kind.__init__ = load


def pytest_configure(config: pytest.Config) -> None:
    """Take over the run: `tests.mutation.lua.run` has started the process for it."""
    paths = [Path(path) for path in json.loads(os.environ[PATHS])]
    config.pluginmanager.register(MutationRun(paths, Path(os.environ[RESULTS])))
