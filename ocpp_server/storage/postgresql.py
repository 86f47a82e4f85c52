"""Transactions of the journal on PostgreSQL: one round trip a batch, and statements that stay prepared.

On SQLite there is no way to the server that could be spared.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection, transaction

# Any number lets psycopg prepare what asks for it; None forbids it, as Django's connections do.
_PREPARE_AFTER = 5
# How old a plan may become. A plan that was made for a small table reads all of it, and is not replaced while
# the table grows, until autovacuum looks at it: a minute later, or when a tenth of the rows has changed.
PLANS_LAST_S = 5.0
_plans = threading.local()


@contextmanager
def pipelined() -> Iterator[None]:
    """Send the statements inside to PostgreSQL without waiting for each result (pipeline mode)."""
    if connection.vendor != "postgresql":
        yield
        return
    connection.ensure_connection()
    raw = connection.connection
    if raw.pgconn.pipeline_status:
        # The end of an inner pipeline would wait for the results so far.
        yield
        return
    with connection.wrap_database_errors, raw.pipeline():
        yield


@contextmanager
def transaction_of_rows() -> Iterator[None]:
    """A transaction that only inserts and updates rows with `Table`.

    PostgreSQL gets BEGIN, the statements and COMMIT at once. The errors of all statements, and those of
    deferred constraints, are raised when the block ends.
    """
    if connection.vendor != "postgresql":
        with transaction.atomic():
            yield
        return
    connection.ensure_connection()
    raw = connection.connection
    with connection.wrap_database_errors:
        try:
            with raw.pipeline(), psycopg.Cursor(raw) as cursor:
                cursor.execute("BEGIN", prepare=False)
                _replan(cursor)
                yield
                cursor.execute("COMMIT", prepare=False)
        except BaseException:
            # A failed statement skips all that follow it, COMMIT too. Without a connection nothing is open.
            with contextlib.suppress(psycopg.Error):
                raw.rollback()
            raise


def _replan(cursor: psycopg.Cursor[Any]) -> None:
    """Forget plans that are too old. A new one takes a tenth of a millisecond."""
    now = time.monotonic()
    if now - getattr(_plans, "made_at", now) > PLANS_LAST_S:
        cursor.execute("DISCARD PLANS", prepare=False)
        _plans.made_at = now


def prepare_statements() -> None:
    """Let the statements of `Table` stay prepared on this connection, if it leads to PostgreSQL directly.

    A pooler such as pgbouncer may give every transaction another connection, where the name of a prepared
    statement is unknown or is another statement. It shows itself by the process number of the server, which
    it makes up for its clients.
    """
    if connection.vendor != "postgresql":
        return
    connection.ensure_connection()
    raw = connection.connection
    with connection.wrap_database_errors, psycopg.Cursor(raw) as cursor:
        row = cursor.execute("SELECT pg_backend_pid()").fetchone()
        if row is None or row[0] != raw.info.backend_pid:
            return
        raw.prepare_threshold = _PREPARE_AFTER
        # One plan for batches of all sizes. The rows that messages change are in memory: reading some of
        # them by an index costs no seek.
        cursor.execute("SET plan_cache_mode = force_generic_plan", prepare=False)
        cursor.execute("SET random_page_cost = 1", prepare=False)
        _plans.made_at = time.monotonic()
