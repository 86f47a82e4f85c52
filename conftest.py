"""Fixtures for all tests, the watcher that kills left-over processes, and the list of the slowest files."""

from __future__ import annotations

import fcntl
import gc
import os
import shutil
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from django.db import connection
from hypothesis import settings

from tests import flushing, seeds, transports
from tests.distributed.engines import make_migrated
from tests.processes import cleaning, must, starting
from tests.servers import CREDENTIALS, WITH_CREDENTIALS, LiveServer

# A failed test prints the @reproduce_failure that replays its example, beside the example itself.
settings.register_profile("replayed", print_blob=True)
settings.load_profile("replayed")

SLOWEST = 10
_seconds: Counter[str] = Counter()
# The sizes that tests measure with `record_property("size", [name, number])`.
_sizes: Counter[str] = Counter()


@pytest.fixture(scope="session")
def migrated_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty migrated SQLite database to copy: a migration takes seconds, a copy almost no time.

    Beside it lies one with the operator and the API key of the servers of tests, which would otherwise hash
    the password at each start.
    """

    def migrate(folder: Path) -> None:
        environment = {**os.environ, "DATA_DIR": str(folder), "ENV_FILE": os.devnull}
        must("manage", "migrate", "--verbosity", "0", environment=environment)
        (first := folder / "first").mkdir()
        shutil.copy(folder / "db.sqlite3", first)
        must("manage", "bootstrap", environment=environment | CREDENTIALS | {"DATA_DIR": str(first)})
        (first / "db.sqlite3").rename(folder / WITH_CREDENTIALS)

    return _made_once(tmp_path_factory, "migrated", migrate) / "db.sqlite3"


@pytest.fixture(scope="session")
def migrated_postgres(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of a stopped PostgreSQL with the database MIGRATED, to copy. The workers of a run share it."""
    return _made_once(tmp_path_factory, "migrated-postgres", make_migrated) / "data"


def _made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """The folder of this name that all workers of a run share; the first one makes it."""
    shared = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    made = shared / name
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            part = shared / f"{name}.part"
            shutil.rmtree(part, ignore_errors=True)  # of a worker that failed
            part.mkdir()
            make(part)
            part.rename(made)
    return made


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """The test database begins as a copy of the migrated one, where processes may be started."""
    return connection.vendor == "sqlite" and starting.may_start()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    request: pytest.FixtureRequest, django_db_modify_db_settings_parallel_suffix: None, django_db_keepdb: bool
) -> Iterator[None]:
    name = str(connection.settings_dict["TEST"]["NAME"])
    if connection.vendor == "sqlite":
        # No test of this process survives a power cut. The servers of tests keep the setting.
        options = connection.settings_dict["OPTIONS"]
        options["init_command"] = options["init_command"].replace("synchronous=FULL", "synchronous=OFF")
    if django_db_keepdb:
        shutil.copyfile(request.getfixturevalue("migrated_database"), name)
    yield
    if django_db_keepdb:
        connection.close()
        for suffix in ("", "-wal", "-shm"):
            Path(name + suffix).unlink(missing_ok=True)


@pytest.fixture(scope="module")
def running_server(tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> Iterator[LiveServer]:
    """A server that the tests of one module share. The name `live_server` belongs to pytest-django."""
    server = LiveServer(tmp_path_factory.mktemp("live"), template=migrated_database).start()
    yield server
    server.stop()


# -- the run -------------------------------------------------------------------------------------------


def pytest_configure(config: pytest.Config) -> None:
    flushing.install()
    transports.watch()
    if not hasattr(config, "workerinput"):  # a worker of xdist inherits the mark of the main process
        cleaning.watch()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect without the garbage collector: each worker makes 25,000 tests, and all of them stay."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()  # the collector need not walk over them during the tests either
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    starts: dict[int, bool] = {}  # by what the cases of a test share
    for item in items:
        key = id(getattr(item, "_fixtureinfo", item))
        if key not in starts:
            starts[key] = starting.starts_process(item)
        if starts[key]:
            item.add_marker(pytest.mark.process)
    items.sort(key=lambda item: "early" not in item.keywords)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show with a failed test the command that replays it with its seed."""
    report = yield
    command = seeds.replay(item.nodeid)
    if report.failed and command is not None:
        report.sections.append(("Replay", command))
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    """Fail a test that leaves a connection open, once its event loop is closed.

    A teardown that fails has its own report, but the next test must not find the connections.
    """
    try:
        yield
    finally:
        left = transports.left_open()
    if left:
        pytest.fail(f"The test left connections open: {', '.join(left)}", pytrace=False)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add up the durations. With xdist, the main process receives the reports of all workers."""
    _seconds[report.nodeid.partition("::")[0]] += report.duration
    if report.when == "teardown":
        for key, value in report.user_properties:
            if key == "size":
                name, size = value
                _sizes[name] += size


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.section(f"slowest {SLOWEST} files")
    for name, seconds in _seconds.most_common(SLOWEST):
        terminalreporter.write_line(f"{seconds:7.1f}s {name}")
    for name, size in sorted(_sizes.items()):
        terminalreporter.write_line(f"{size:8,} {name}")
