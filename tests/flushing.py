"""Empties the test database after a test with transactions of its own.

Django deletes from every table and sends `post_migrate`, which creates all permissions again: that costs more
than most of these tests. Here only the tables with rows are emptied, and what `post_migrate` creates stays.
"""

from __future__ import annotations

from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, transaction
from django.test import TransactionTestCase

Rows = list[tuple[Any, ...]]

_flush = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]
# The tables that are never empty, with their rows, and the names of all others. Filled by the first flush.
_kept: dict[str, Rows] = {}
_emptied: list[str] = []


def install() -> None:
    """Let the tests with transactions of this process end this way."""
    TransactionTestCase._fixture_teardown = _teardown  # type: ignore[attr-defined]


def _teardown(case: TransactionTestCase) -> None:
    names = case._databases_names(include_mirrors=False)  # type: ignore[attr-defined]
    if case.available_apps is not None or list(names) != [DEFAULT_DB_ALIAS]:
        _flush(case)
    elif not _kept or _changed():
        _flush(case)
        _remember()
    else:
        _empty()


def _changed() -> bool:
    """Whether a test has changed what `post_migrate` creates."""
    return any(_rows(table) != rows for table, rows in _kept.items())


def _remember() -> None:
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    filled = _with_rows(tables)
    _kept.clear()
    _kept.update((table, _rows(table)) for table in filled)
    _emptied[:] = [table for table in tables if table not in filled]


def _empty() -> None:
    """Delete all rows in one transaction: its end checks the foreign keys, so the order does not matter."""
    filled = _with_rows(_emptied)
    if filled:
        with transaction.atomic(), connection.cursor() as cursor:
            for table in filled:
                cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")  # noqa: S608 - of Django


def _with_rows(tables: list[str]) -> list[str]:
    name = connection.ops.quote_name
    parts = [f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {name(table)})" for table in tables]  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts))
        return [table for (table,) in cursor.fetchall()]


def _rows(table: str) -> Rows:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)} ORDER BY 1")  # noqa: S608 - of Django
        return cursor.fetchall()
