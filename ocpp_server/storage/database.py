"""Classification of database errors for waiting messages, and connections outside the pool."""

from __future__ import annotations

import sqlite3
from typing import Any

from django.db import Error, InterfaceError, InternalError, OperationalError, connection, connections

# The exceptions that both databases raise when nothing can be written; `is_away` checks the error code.
AWAY = (OperationalError, InterfaceError, InternalError)

# PostgreSQL's SQLSTATE classes for a database that no client can write now: connection, resources (disk full,
# too many connections), intervention (shutdown, cancelled), system.
_AWAY_CLASSES = ("08", "53", "57", "58")
_READ_ONLY = "25006"  # a standby, or default_transaction_read_only
# Serialization failure, deadlock, lock not available: another writer came first, and a retry may succeed.
_CONFLICTS = frozenset({"40001", "40P01", "55P03"})
# How long a migration waits for a lock; `manage.py migrate` tries again.
MIGRATION_LOCK_WAIT_MS = 1000


def is_away(error: BaseException) -> bool:
    """Whether nothing can be written now; False when only this statement is invalid.

    SQLite raises OperationalError for a locked, full or read-only database, but also for an invalid
    statement. PostgreSQL raises it for its limits too (a row too long for its index, 54000), which are the
    row's fault.
    """
    if not isinstance(error, AWAY):
        return False
    if isinstance(error.__cause__, sqlite3.Error):
        return error.__cause__.sqlite_errorcode != sqlite3.SQLITE_ERROR
    state = _sqlstate(error)
    if not state:
        # Without SQLSTATE there was no answer: connection refused, reset or timed out.
        return not isinstance(error, InternalError)
    return state.startswith(_AWAY_CLASSES) or state == _READ_ONLY or state in _CONFLICTS


def is_conflict(error: BaseException) -> bool:
    """Whether the database works and only a concurrent writer made the statement fail (F30)."""
    return _sqlstate(error) in _CONFLICTS


def _sqlstate(error: BaseException) -> str:
    cause = error.__cause__ if isinstance(error, Error) else error
    return getattr(cause, "sqlstate", None) or ""


def leave_pool(*, lock_wait_ms: int = 0, statement_ms: int = 0) -> None:
    """Make the next connection of this thread a connection outside the pool (PostgreSQL).

    Slow reports in the admin can use up the pool. Messages of stations must not wait for it (F32), and the
    statement timeout of those queries must not apply to them. `lock_wait_ms` limits how long a statement
    waits for a lock, `statement_ms` how long it runs; 0 is no limit.
    """
    if connection.vendor != "postgresql":
        return
    limits = f"-c statement_timeout={statement_ms} -c lock_timeout={lock_wait_ms}"
    options = dict(connection.settings_dict["OPTIONS"], options=limits)
    options.pop("pool", None)
    connection.settings_dict = {**connection.settings_dict, "OPTIONS": options}


def lift_limits(**_: Any) -> None:
    """Lift the statement timeout before migrations: changing a table of millions of rows takes longer.

    A migration waits only briefly for a lock on a table, because every later query of the table waits behind
    it.
    """
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        connection.close()
        leave_pool(lock_wait_ms=MIGRATION_LOCK_WAIT_MS)


def set_limits(**_: Any) -> None:
    """Return to the pool and its limits after migrations."""
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        connection.close()
        connection.settings_dict = connections.settings[connection.alias]


def check_writable() -> None:
    """Raise a database error when the database does not answer, or is read-only (a standby)."""
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            cursor.execute("SELECT 1")
            return
        cursor.execute("SELECT current_setting('transaction_read_only')")
        if cursor.fetchone() == ("on",):
            raise OperationalError("it is read-only")
