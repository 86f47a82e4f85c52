"""Errors of the database and their meaning for waiting messages; connections outside the pool."""

from __future__ import annotations

import sqlite3
from typing import Any

from django.db import Error, InterfaceError, InternalError, OperationalError, connection, connections

# The errors under which both databases say that they can't write at all; `is_away` looks closer.
AWAY = (OperationalError, InterfaceError, InternalError)

# PostgreSQL's SQLSTATE classes for a database that no client can write now: connection, resources (disk full,
# too many connections), intervention (shutdown, cancelled), system.
_AWAY_CLASSES = ("08", "53", "57", "58")
_READ_ONLY = "25006"  # a standby, or default_transaction_read_only
# Serialization failure, deadlock, lock not available: another writer was first, and a retry may succeed.
_CONFLICTS = frozenset({"40001", "40P01", "55P03"})
# How long a migration waits for a lock; `manage.py migrate` tries again.
MIGRATION_LOCK_WAIT_MS = 1000


def is_away(error: BaseException) -> bool:
    """Whether nothing can be written now, or only this statement is wrong.

    SQLite reports both as OperationalError: locked, full, read-only; but also a statement it can't run.
    PostgreSQL's limits (a row too long for its index, 54000) are OperationalErrors too, and the row's fault.
    """
    if not isinstance(error, AWAY):
        return False
    if isinstance(error.__cause__, sqlite3.Error):
        return error.__cause__.sqlite_errorcode != sqlite3.SQLITE_ERROR
    state = _sqlstate(error)
    if not state:
        # No answer at all: refused, reset, timed out.
        return not isinstance(error, InternalError)
    return state.startswith(_AWAY_CLASSES) or state == _READ_ONLY or state in _CONFLICTS


def is_conflict(error: BaseException) -> bool:
    """Whether the database works and two writers were in each other's way (F30)."""
    return _sqlstate(error) in _CONFLICTS


def _sqlstate(error: BaseException) -> str:
    cause = error.__cause__ if isinstance(error, Error) else error
    return getattr(cause, "sqlstate", None) or ""


def leave_pool(*, lock_wait_ms: int = 0) -> None:
    """Give this thread a connection of its own at the next connect (PostgreSQL).

    Slow reports in the admin can use up the pool; what stations say must not wait for it (F32), nor have the
    time limit of their queries. `lock_wait_ms`: how long a statement waits for a lock, 0 without limit.
    """
    if connection.vendor != "postgresql":
        return
    options = dict(
        connection.settings_dict["OPTIONS"], options=f"-c statement_timeout=0 -c lock_timeout={lock_wait_ms}"
    )
    options.pop("pool", None)
    connection.settings_dict = {**connection.settings_dict, "OPTIONS": options}


def lift_limits(**_: Any) -> None:
    """Before migrations: what they do to a table of millions takes longer than a query of the API may.

    For a table that is in use they wait briefly: every later query of the table waits behind them.
    """
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        connection.close()
        leave_pool(lock_wait_ms=MIGRATION_LOCK_WAIT_MS)


def set_limits(**_: Any) -> None:
    """After them: back to the pool."""
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        connection.close()
        connection.settings_dict = connections.settings[connection.alias]


def ask() -> None:
    """Raises a database error when it does not answer, or answers and can't be written (a standby)."""
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            cursor.execute("SELECT 1")
            return
        cursor.execute("SELECT current_setting('transaction_read_only')")
        if cursor.fetchone() == ("on",):
            raise OperationalError("it is read-only")
