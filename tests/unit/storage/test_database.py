"""Which errors of a database pass by themselves, and the connections that stand outside the pool."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

import pytest
from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
    ProgrammingError,
)

from ocpp_server.storage import database


class DriverError(Exception):
    """An error of psycopg."""

    def __init__(self, sqlstate: str | None) -> None:
        super().__init__("refused")
        self.sqlstate = sqlstate


def of_driver(kind: type[Exception], sqlstate: str | None) -> Exception:
    error = kind("refused")
    error.__cause__ = DriverError(sqlstate)
    return error


def of_sqlite(kind: type[Exception], code: int) -> Exception:
    cause = sqlite3.OperationalError("refused")
    cause.sqlite_errorcode = code
    error = kind("refused")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "is_away", "is_conflict"),
    [
        (of_sqlite(OperationalError, sqlite3.SQLITE_BUSY), True, False),
        (of_sqlite(OperationalError, sqlite3.SQLITE_FULL), True, False),
        (of_sqlite(OperationalError, sqlite3.SQLITE_READONLY), True, False),
        (of_sqlite(OperationalError, sqlite3.SQLITE_ERROR), False, False),
        (of_sqlite(IntegrityError, sqlite3.SQLITE_CONSTRAINT), False, False),
        (of_driver(OperationalError, "08006"), True, False),
        (of_driver(OperationalError, "53100"), True, False),
        (of_driver(OperationalError, "57P01"), True, False),
        (of_driver(OperationalError, "58030"), True, False),
        (of_driver(InternalError, "25006"), True, False),
        (of_driver(OperationalError, "40001"), True, True),
        (of_driver(OperationalError, "40P01"), True, True),
        (of_driver(OperationalError, "55P03"), True, True),
        (of_driver(OperationalError, "54000"), False, False),
        (of_driver(InternalError, "25P02"), False, False),
        (of_driver(OperationalError, None), True, False),
        (of_driver(InterfaceError, None), True, False),
        (of_driver(InternalError, None), False, False),
        (OperationalError("away"), True, False),
        (InterfaceError("closed"), True, False),
        (InternalError("odd"), False, False),
        (of_driver(DatabaseError, "57P01"), False, False),
        (of_driver(DataError, "53100"), False, False),
        (of_driver(ProgrammingError, "40001"), False, True),
        (DriverError("40P01"), False, True),
        (LookupError("a bug"), False, False),
    ],
    ids=lambda value: f"{type(value).__name__} {value.__cause__!r}" if isinstance(value, Exception) else None,
)
def test_an_error_is_an_outage_a_conflict_or_the_fault_of_its_statement(
    error: Exception, is_away: bool, is_conflict: bool
) -> None:
    assert (database.is_away(error), database.is_conflict(error)) == (is_away, is_conflict)


class Connection:
    """A connection that was never made. Its cursor answers each statement from a table."""

    def __init__(self, vendor: str, answers: dict[str, Any] | None = None) -> None:
        self.vendor = vendor
        self.alias = "default"
        self.settings_dict: dict[str, Any] = {"NAME": "ocpp", "OPTIONS": {"pool": True, "sslmode": "require"}}
        self.in_atomic_block = False
        self.closed = 0
        self.asked: list[str] = []
        self._answers = answers or {}

    def close(self) -> None:
        self.closed += 1

    def cursor(self) -> Connection:
        return self

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def execute(self, sql: str) -> None:
        self.asked.append(sql)

    def fetchone(self) -> Any:
        return self._answers[self.asked[-1]]


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Connection]:
    def make(vendor: str, answers: dict[str, Any] | None = None) -> Connection:
        made = Connection(vendor, answers)
        monkeypatch.setattr(database, "connection", made)
        return made

    return make


@pytest.mark.parametrize(("given", "lock_wait"), [({}, 0), ({"lock_wait_ms": 500}, 500)])
def test_a_connection_outside_the_pool_has_no_limit_but_that_of_its_locks(
    connect: Callable[..., Connection], given: dict[str, int], lock_wait: int
) -> None:
    connection = connect("postgresql")
    shared = connection.settings_dict

    database.leave_pool(**given)

    assert connection.settings_dict == {
        "NAME": "ocpp",
        "OPTIONS": {
            "sslmode": "require",
            "options": f"-c statement_timeout=0 -c lock_timeout={lock_wait}",
        },
    }
    assert shared["OPTIONS"] == {"pool": True, "sslmode": "require"}  # other threads use the pool still


def test_sqlite_has_no_pool_to_leave(connect: Callable[..., Connection]) -> None:
    connection = connect("sqlite")
    before = connection.settings_dict

    database.leave_pool()
    database.lift_limits()
    database.set_limits()

    assert connection.settings_dict is before
    assert connection.closed == 0


def test_migrations_run_outside_the_pool_and_wait_a_second_for_a_lock(
    connect: Callable[..., Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = connect("postgresql")
    usual = connection.settings_dict
    monkeypatch.setattr(database.connections, "settings", {"default": usual})

    database.lift_limits(sender="a migration")
    assert connection.settings_dict["OPTIONS"]["options"] == "-c statement_timeout=0 -c lock_timeout=1000"
    assert connection.closed == 1

    database.set_limits(sender="a migration")
    assert connection.settings_dict is usual
    assert connection.closed == 2


def test_a_transaction_keeps_its_connection(connect: Callable[..., Connection]) -> None:
    connection = connect("postgresql")
    connection.in_atomic_block = True
    before = connection.settings_dict

    database.lift_limits()
    database.set_limits()

    assert (connection.closed, connection.settings_dict) == (0, before)


READ_ONLY = "SELECT current_setting('transaction_read_only')"


def test_a_database_that_answers_and_takes_rows_is_writable(connect: Callable[..., Connection]) -> None:
    postgresql = connect("postgresql", {READ_ONLY: ("off",)})
    database.check_writable()
    assert postgresql.asked == [READ_ONLY]

    sqlite = connect("sqlite")
    database.check_writable()
    assert sqlite.asked == ["SELECT 1"]


def test_a_standby_is_not_writable(connect: Callable[..., Connection]) -> None:
    connect("postgresql", {READ_ONLY: ("on",)})

    with pytest.raises(OperationalError, match="it is read-only"):
        database.check_writable()
