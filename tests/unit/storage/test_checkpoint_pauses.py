"""The thread that copies the log: when it does after a commit and after an error, and how it ends."""

from __future__ import annotations

import queue
import sqlite3
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from ocpp_server.storage import checkpoints
from ocpp_server.storage.checkpoints import Checkpoints
from tests.logged import captured_logs


class Log:
    """A connection to a database whose log is copied, or can't be."""

    def __init__(self) -> None:
        self.path = ""
        self.isolation_level: str | None = "unset"
        self.errors: list[bool] = []
        self.done: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.is_closed = False

    def connect(self, path: str, *, isolation_level: str | None) -> Log:
        self.path, self.isolation_level = path, isolation_level
        return self

    def execute(self, sql: str) -> Log:
        failing = self.errors.pop(0) if self.errors else False
        self.done.put(sql)
        if failing:
            raise sqlite3.OperationalError("disk I/O error")
        return self

    def fetchone(self) -> None:
        """Nothing: the result is not used."""

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    made = Log()
    monkeypatch.setattr(checkpoints, "sqlite3", SimpleNamespace(connect=made.connect, Error=sqlite3.Error))
    return made


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses of the thread, which end at once."""
    found: list[float] = []

    class Passing(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            if timeout is None:
                return super().wait(30)
            found.append(timeout)
            return self.is_set()

    monkeypatch.setattr(checkpoints, "threading", SimpleNamespace(Event=Passing, Thread=threading.Thread))
    return found


@pytest.fixture
def thread(log: Log, pauses: list[float]) -> Iterator[Checkpoints]:
    made = Checkpoints("/data/ocpp.sqlite3")
    yield made
    made.stop()


def test_the_log_is_copied_a_moment_after_each_commit(
    thread: Checkpoints, log: Log, pauses: list[float]
) -> None:
    for _ in range(2):
        thread.written()
        # Passive: neither readers nor the writer wait for it.
        assert log.done.get(timeout=30) == "PRAGMA wal_checkpoint(PASSIVE)"

    assert pauses == [0.3, 0.3]
    assert (log.path, log.isolation_level) == ("/data/ocpp.sqlite3", None)


def test_after_an_error_the_next_copy_waits_for_five_seconds(
    thread: Checkpoints, log: Log, pauses: list[float]
) -> None:
    log.errors = [True, False, False]

    with captured_logs() as lines:
        for _ in range(3):
            thread.written()
            log.done.get(timeout=30)
        thread.stop()

    assert pauses[:3] == [0.3, 5.0, 0.3]
    assert [(line["event"], line["error"]) for line in lines] == [("checkpoint.failed", "disk I/O error")]


def test_a_stopped_thread_copies_no_more_and_closes_its_connection(log: Log, pauses: list[float]) -> None:
    made = Checkpoints("/data/ocpp.sqlite3")

    made.stop()
    made.written()

    assert log.is_closed
    assert log.done.empty()


def test_the_thread_does_not_keep_the_process_alive(thread: Checkpoints) -> None:
    # A thread of an earlier test may still run.
    running = [each for each in threading.enumerate() if each.name == "checkpoints"]

    assert running and all(each.daemon for each in running)


def test_the_writer_copies_the_log_itself_at_32_mib() -> None:
    page = 8192

    assert checkpoints.FALLBACK_PAGES * page == 32 * 1024 * 1024
