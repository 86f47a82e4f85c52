"""SQL for many rows at once, derived from the models.

`bulk_create` costs 40 to 60 microseconds a row and `bulk_update` 250; `executemany` with the values in
the database's own form costs 3 to 10. Only the journal uses this, and only for what changes with every
message.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any

from django.db import connection, models
from django.db.models import NOT_PROVIDED

Row = list[Any]
Adapter = Callable[[Any], Any]

# How many rows one INSERT takes on SQLite. Its driver lets other threads run between two executions; with a
# row at a time the writer waits for the interpreter lock at each. Few sizes: statements stay prepared.
_ROWS_AT_ONCE = (64, 16, 4, 1)


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
    """

    def __init__(self, model: type[models.Model], *, once: bool = False) -> None:
        self.model = model
        self.once = once
        fields = [f for f in model._meta.concrete_fields if not isinstance(f, models.AutoField)]
        self.names = [f.attname for f in fields]
        self._template = {f.attname: self._default(f) for f in fields}
        self._fields = {f.attname: f for f in model._meta.concrete_fields}
        self._statements: dict[Any, _Statement] = {}
        self._orders: dict[tuple[str, ...], itemgetter[int]] = {}

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

    def row_like(self, names: tuple[str, ...], **shared: Any) -> Callable[..., Row]:
        """For rows that differ only in `names`: a function that takes those values and makes a row."""
        begin = self.row(shared)
        order = self._orders.get(names)
        if order is None:
            width = len(self.names)
            places = [width + names.index(name) if name in names else i for i, name in enumerate(self.names)]
            self.row(dict.fromkeys(names))  # raises for a name that is no column
            order = self._orders[names] = itemgetter(*places)
        pick = order

        def make(*values: Any) -> Row:
            return list(pick([*begin, *values]))

        return make

    def insert(self, rows: Sequence[Row]) -> None:
        """Append rows; they are left as they are."""
        statement = self._statement("insert", self.names)
        with _cursor() as cursor:
            if connection.vendor != "sqlite":
                cursor.executemany(statement.sql, statement.adapted(rows))
                return
            done = 0
            for size in _ROWS_AT_ONCE:
                while len(rows) - done >= size:
                    cursor.execute(statement.repeated(size), statement.flat(rows[done : done + size]))
                    done += size

    def update(self, names: tuple[str, ...], rows: Sequence[Row]) -> None:
        """Each row: the values of `names`, then the primary key."""
        statement = self._statement("update", names)
        with _cursor() as cursor:
            cursor.executemany(statement.sql, statement.adapted(rows))

    def _statement(self, kind: str, names: Sequence[str]) -> _Statement:
        key = (connection.vendor, kind, names if kind == "update" else None)
        statement = self._statements.get(key)
        if statement is None:
            sql = self._insert_sql(names) if kind == "insert" else self._update_sql(names)
            tail = " ON CONFLICT DO NOTHING" if kind == "insert" and self.once else ""
            statement = self._statements[key] = _Statement(sql, tail, self._adapters(names), len(names))
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

    def _insert_sql(self, names: Sequence[str]) -> str:
        quote = connection.ops.quote_name
        columns = ", ".join(quote(self._fields[name].column) for name in names)
        marks = ", ".join([_mark()] * len(names))
        return f"INSERT INTO {quote(self.model._meta.db_table)} ({columns}) VALUES ({marks})"  # noqa: S608 - names come from the model

    def _update_sql(self, names: Sequence[str]) -> str:
        quote = connection.ops.quote_name
        sets = ", ".join(f"{quote(self._fields[name].column)} = {_mark()}" for name in names)
        pk = self.model._meta.pk
        assert pk is not None
        return f"UPDATE {quote(self.model._meta.db_table)} SET {sets} WHERE {quote(pk.column)} = {_mark()}"  # noqa: S608 - names come from the model


class _Statement:
    """SQL for one row, and what makes of our values what the driver takes."""

    def __init__(self, sql: str, tail: str, adapters: list[tuple[int, Adapter]], width: int) -> None:
        self.sql = sql + tail
        self._head, self._tail = sql, tail
        self._adapters = adapters
        self._width = width
        self._repeated = {1: self.sql}

    def repeated(self, size: int) -> str:
        """The INSERT of so many rows at once."""
        sql = self._repeated.get(size)
        if sql is None:
            marks = self._head[self._head.rindex("(") :]
            sql = self._repeated[size] = self._head + f", {marks}" * (size - 1) + self._tail
        return sql

    def flat(self, rows: Sequence[Row]) -> Row:
        """The values of all rows, one after the other."""
        values = list(chain.from_iterable(rows))
        for position, adapt in self._adapters:
            values[position :: self._width] = map(adapt, values[position :: self._width])
        return values

    def adapted(self, rows: Sequence[Row]) -> list[Row]:
        """Copies of the rows."""
        copies = [row.copy() for row in rows]
        for position, adapt in self._adapters:
            for row in copies:
                row[position] = adapt(row[position])
        return copies


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


def _mark() -> str:
    return "?" if connection.vendor == "sqlite" else "%s"
