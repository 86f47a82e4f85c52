"""Fails the n-th call of the journal to its database, or the n-th call of a handler to a service.

`failing.py` fails a line of a handler. Here the thing that the line calls fails: a statement, a commit, a
service; the database may have carried the call out all the same.
"""

from __future__ import annotations

import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from django.db.backends.sqlite3.base import DatabaseWrapper

from tests.unit.live.unit_of_work.failing import ROOT, StepFailed

COUNTED = ("SELECT", "INSERT", "UPDATE", "DELETE")
WRITES = COUNTED[1:]
APPS = (
    "accounts",
    "chargepoints",
    "transactions",
    "configuration",
    "smart_charging",
    "tariffs",
    "certificates",
    "events",
    "aggregates",
    "alerts",
    "sandbox",
    "operations",
)


class Failure(Enum):
    """The fault of the selected call."""

    # It and all calls after it fail, until the injector is disarmed.
    AWAY = "away"
    # It fails alone: the database is back for the journal's next attempt.
    ONCE = "once"
    # It is a commit, which the database carries out; the connection breaks before the answer.
    LOST = "lost"
    # As LOST, but the database is back for the next attempt.
    LOST_ONCE = "lost once"
    # It is a write, which a constraint refuses, as often as it is repeated.
    REFUSED = "refused"
    # It is a write, which a constraint refuses because of another writer that has just ended.
    REFUSED_ONCE = "refused once"


class Database:
    """Stands between a thread and the driver of SQLite, and counts the calls."""

    def __init__(self, thread: str = "journal") -> None:
        """Count the calls of this thread, or of all threads."""
        self.place = ""
        self.thread = thread
        # Runs in that thread before the selected call fails: what other tasks do meanwhile.
        self.meanwhile: Callable[[], None] = lambda: None
        self._left = 0
        self._failure: Failure | None = None
        self._is_counting = False

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Use it for all connections that are opened from now on; before the journal starts."""
        connect = DatabaseWrapper.get_new_connection

        def counted(wrapper: DatabaseWrapper, parameters: dict[str, Any]) -> Any:
            return _Driver(connect(wrapper, parameters), self)

        monkeypatch.setattr(DatabaseWrapper, "get_new_connection", counted)

    @contextmanager
    def failing(self, number: int, failure: Failure) -> Iterator[None]:
        """Fail the n-th call that the failure may concern. `place` names it; empty: there was none."""
        self.place, self._left, self._failure, self._is_counting = "", number, failure, True
        try:
            yield
        finally:
            self._is_counting = False

    def statement(self, sql: str) -> None:
        """Called before a statement is executed."""
        failure = self._failure
        word = sql.lstrip().split(None, 1)[0].upper()
        if not self._counts() or word not in COUNTED:
            return
        if failure in (Failure.REFUSED, Failure.REFUSED_ONCE):
            if word in WRITES and self._is_selected(sql, again=failure is Failure.REFUSED):
                raise sqlite3.IntegrityError("refused by the test")
            return
        is_gone = self.place and failure in (Failure.AWAY, Failure.LOST)
        if is_gone or (failure in (Failure.AWAY, Failure.ONCE) and self._is_selected(sql)):
            raise _away()

    def commit(self, driver: sqlite3.Connection) -> None:
        """Commit, or fail before or after it."""
        failure = self._failure
        if not self._counts() or failure in (Failure.REFUSED, Failure.REFUSED_ONCE):
            driver.commit()
        elif self.place and failure in (Failure.AWAY, Failure.LOST):
            raise _away()
        elif not self._is_selected("COMMIT"):
            driver.commit()
        else:
            if failure in (Failure.LOST, Failure.LOST_ONCE):
                driver.commit()
            raise _away()

    def _counts(self) -> bool:
        return self._is_counting and self.thread in ("", threading.current_thread().name)

    def _is_selected(self, sql: str, *, again: bool = False) -> bool:
        if self.place:
            return again and sql == self.place
        self._left -= 1
        if self._left:
            return False
        self.place = sql
        self.meanwhile()
        return True


class _Driver:
    """A connection of the driver whose statements and commits are counted."""

    _driver: sqlite3.Connection
    _calls: Database

    def __init__(self, driver: sqlite3.Connection, calls: Database) -> None:
        object.__setattr__(self, "_driver", driver)
        object.__setattr__(self, "_calls", calls)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._driver, name, value)

    def commit(self) -> None:
        self._calls.commit(self._driver)

    def cursor(self, factory: type[sqlite3.Cursor] = sqlite3.Cursor) -> sqlite3.Cursor:
        calls = self._calls

        class Counting(factory):  # type: ignore[misc,valid-type]
            def execute(self, sql: str, *parameters: Any) -> Any:
                calls.statement(sql)
                return super().execute(sql, *parameters)

            def executemany(self, sql: str, *parameters: Any) -> Any:
                calls.statement(sql)
                return super().executemany(sql, *parameters)

        return self._driver.cursor(Counting)


def _away() -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("disk I/O error made by the test")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR  # type: ignore[misc]
    return error


# -- services -------------------------------------------------------------------------------------------


@contextmanager
def failing_service(number: int) -> Iterator[list[str]]:
    """Raise at the n-th call into a `services` package, @after handlers included; yield the place."""
    places: list[str] = []
    left = number
    # The interpreter reports a coroutine that goes on as a call, too.
    begun: set[FrameType] = set()

    def profile(frame: FrameType, kind: str, argument: object) -> None:
        nonlocal left
        code = frame.f_code
        if kind != "call" or places or code.co_name.startswith("<") or not _is_service(code.co_filename):
            return
        if frame in begun:
            return
        begun.add(frame)
        left -= 1
        if not left:
            places.append(f"{Path(frame.f_code.co_filename).relative_to(ROOT)}:{frame.f_code.co_name}")
            raise StepFailed(places[0])

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        yield places
    finally:
        sys.setprofile(before)


def _is_service(name: str) -> bool:
    return any(name.startswith(f"{ROOT}/{app}/services/") for app in APPS)
