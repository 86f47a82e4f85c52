"""SQL for many rows at once, derived from the models.

`bulk_create` costs 40 to 60 microseconds a row and `bulk_update` 250; `executemany` with the values in
the database's own form costs 3 to 10. Only the journal uses this, and only for what changes with every
message.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from itertools import chain
from typing import Any

from django.db import connection, models
from django.db.models import NOT_PROVIDED

Row = Sequence[Any]
Adapter = Callable[[Any], Any]

# How many rows one INSERT or UPDATE takes on SQLite. Its driver lets other threads run between two
# executions; with a row at a time the writer waits for the interpreter lock at each. Few sizes: statements
# stay prepared.
_ROWS_AT_ONCE = (64, 16, 4, 1)
# UPDATE ... FROM came with SQLite 3.33; before, rows are updated one by one.
_UPDATES_AT_ONCE = _ROWS_AT_ONCE if sqlite3.sqlite_version_info >= (3, 33) else (1,)


@lru_cache(maxsize=4096)
def _moment_text(value: Any) -> Any:
    """SQLite keeps times as naive UTC text (Django's own form, so that the ORM reads it back)."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(" ")
    return value


def _json_text(value: Any) -> Any:
    if value == []:
        return "[]"
    return None if value is None else json.dumps(value)


class Table:
    """The columns of a model as the journal writes them.

    `once=True`: a row that would break a unique constraint is the same row sent again, and is left out.
    `own`: the columns in which the rows of one message differ, see `row_like`.
    """

    def __init__(self, model: type[models.Model], *, once: bool = False, own: tuple[str, ...] = ()) -> None:
        self.model = model
        self.once = once
        fields = [f for f in model._meta.concrete_fields if not isinstance(f, models.AutoField)]
        # What differs comes last, in the order asked for: a row is what is shared, and then its own values.
        fields.sort(key=lambda f: own.index(f.attname) if f.attname in own else -1)
        self.names = [f.attname for f in fields]
        self._shared = len(fields) - len(own)
        if self.names[self._shared :] != list(own):
            raise TypeError(f"{model.__name__} does not have all of the columns {', '.join(own)}")
        self._template = {f.attname: self._default(f) for f in fields}
        self._fields = {f.attname: f for f in model._meta.concrete_fields}
        self._statements: dict[Any, _Statement] = {}

    @staticmethod
    def _default(field: models.Field[Any, Any]) -> Any:
        if field.default is NOT_PROVIDED:
            return None
        return field.get_default()

    def row(self, values: Mapping[str, Any]) -> Row:
        """A row from values by attribute name; what is not named takes the field's default."""
        row = self._template | values  # type: ignore[operator]
        if len(row) != len(self._template):
            unknown = values.keys() - self._template.keys()
            raise TypeError(f"{self.model.__name__} has no column {', '.join(sorted(unknown))}")
        return list(row.values())

    def row_like(self, **shared: Any) -> tuple[Any, ...]:
        """The begin of rows that differ only in the columns `own`: add those values, all of them in order."""
        return tuple(self.row(shared)[: self._shared])

    def insert(self, rows: Sequence[Row]) -> None:
        """Append rows; they are left as they are."""
        _execute(self._statement("insert", self.names), rows, _ROWS_AT_ONCE)

    def update(self, names: tuple[str, ...], rows: Sequence[Row]) -> None:
        """Each row: the values of `names`, then the primary key, which no two of them share."""
        _execute(self._statement("update", names), rows, _UPDATES_AT_ONCE)

    def _statement(self, kind: str, names: Sequence[str]) -> _Statement:
        key = (connection.vendor, kind, names if kind == "update" else None)
        statement = self._statements.get(key)
        if statement is None:
            render = self._insert_sql if kind == "insert" else self._update_sql
            statement = self._statements[key] = _Statement(
                lambda rows: render(names, rows), self._adapters(names), len(names) + (kind == "update")
            )
        return statement

    def _adapters(self, names: Sequence[str]) -> list[tuple[int, Adapter]]:
        adapters: list[tuple[int, Adapter]] = []
        for position, name in enumerate(names):
            field = self._fields[name]
            if isinstance(field, models.JSONField):
                adapters.append((position, _json_text))
            elif isinstance(field, models.DateTimeField) and connection.vendor == "sqlite":
                adapters.append((position, _moment_text))
        return adapters

    def _insert_sql(self, names: Sequence[str], rows: int) -> str:
        quote = connection.ops.quote_name
        columns = ", ".join(quote(self._fields[name].column) for name in names)
        tail = " ON CONFLICT DO NOTHING" if self.once else ""
        return (
            f"INSERT INTO {quote(self.model._meta.db_table)} ({columns}) "  # noqa: S608 - names come from the model
            f"VALUES {_marks(len(names), rows)}{tail}"
        )

    def _update_sql(self, names: Sequence[str], rows: int) -> str:
        quote = connection.ops.quote_name
        table, pk = quote(self.model._meta.db_table), self.model._meta.pk
        assert pk is not None
        columns = [quote(self._fields[name].column) for name in names]
        if rows == 1:
            sets = ", ".join(f"{column} = {_mark()}" for column in columns)
            return f"UPDATE {table} SET {sets} WHERE {quote(pk.column)} = {_mark()}"  # noqa: S608 - names come from the model
        # SQLite calls the columns of VALUES so.
        sets = ", ".join(f"{column} = new.column{place}" for place, column in enumerate(columns, 1))
        return (
            f"UPDATE {table} SET {sets} FROM (VALUES {_marks(len(names) + 1, rows)}) AS new "  # noqa: S608 - names come from the model
            f"WHERE {table}.{quote(pk.column)} = new.column{len(names) + 1}"
        )


class _Statement:
    """SQL for one row or more, and what makes of our values what the driver takes."""

    def __init__(self, render: Callable[[int], str], adapters: list[tuple[int, Adapter]], width: int) -> None:
        self._render = render
        self._adapters = adapters
        self._width = width
        self._texts: dict[int, str] = {}

    def sql(self, rows: int) -> str:
        """The statement for so many rows at once."""
        text = self._texts.get(rows)
        if text is None:
            text = self._texts[rows] = self._render(rows)
        return text

    def flat(self, rows: Sequence[Row]) -> list[Any]:
        """The values of all rows, one after the other."""
        values: list[Any] = list(chain.from_iterable(rows))
        for position, adapt in self._adapters:
            values[position :: self._width] = map(adapt, values[position :: self._width])
        return values

    def adapted(self, rows: Sequence[Row]) -> list[list[Any]]:
        """Copies of the rows."""
        copies = [list(row) for row in rows]
        for position, adapt in self._adapters:
            for row in copies:
                row[position] = adapt(row[position])
        return copies


def _execute(statement: _Statement, rows: Sequence[Row], sizes: Sequence[int]) -> None:
    with _cursor() as cursor:
        if connection.vendor != "sqlite":
            cursor.executemany(statement.sql(1), statement.adapted(rows))
            return
        done = 0
        for size in sizes:
            while len(rows) - done >= size:
                cursor.execute(statement.sql(size), statement.flat(rows[done : done + size]))
                done += size


@contextmanager
def _cursor() -> Iterator[Any]:
    """The driver's own cursor: Django's would rewrite the placeholders at every call."""
    connection.ensure_connection()
    with connection.wrap_database_errors:
        cursor = connection.connection.cursor()
        try:
            yield cursor
        finally:
            cursor.close()


def _marks(columns: int, rows: int) -> str:
    row = f"({', '.join([_mark()] * columns)})"
    return ", ".join([row] * rows)


def _mark() -> str:
    return "?" if connection.vendor == "sqlite" else "%s"
