"""SQL for many rows at once, derived from the models.

`bulk_create` costs 40 to 60 microseconds a row and `bulk_update` 250. Here SQLite gets many rows by one
statement and costs 3 to 10; PostgreSQL gets an array for each column and takes them apart (`unnest`): 14
to 27 with the server's share, where a row at a time cost 60 to 80. Only the journal uses this, and only for
what changes with every message.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain
from typing import Any

import orjson
import psycopg
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
    if not isinstance(value, datetime):
        return value
    if value.tzinfo is not UTC or value.year < 1970:
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ")
    # `isoformat` formats seven numbers, two microseconds for each time of every message; the second is mostly
    # one that we had a moment ago.
    second, micros = _second_text(int(value.timestamp())), value.microsecond
    return f"{second}.{micros:06d}" if micros else second


@lru_cache(maxsize=1024)
def _second_text(timestamp: int) -> str:
    return datetime.fromtimestamp(timestamp, UTC).replace(tzinfo=None).isoformat(" ")


def _json_text(value: Any) -> Any:
    if value == []:
        return "[]"
    if value is None:
        return None
    try:
        # A tenth of the time of `json`, for what is written with every reading.
        return orjson.dumps(value).decode()
    except TypeError:  # an integer beyond 64 bits
        return json.dumps(value)


class Table:
    """The columns of a model as the journal writes them.

    `once=True`: a row that would break a unique constraint is the same row sent again, and is left out.
    `order`: all its columns as those give them who make rows by position (`Unit.append`).
    """

    def __init__(self, model: type[models.Model], *, once: bool = False, order: tuple[str, ...] = ()) -> None:
        self.model = model
        self.once = once
        fields = [f for f in model._meta.concrete_fields if not isinstance(f, models.AutoField)]
        if order:
            fields.sort(key=lambda f: order.index(f.attname) if f.attname in order else -1)
        self.names = [f.attname for f in fields]
        if order and self.names != list(order):
            raise TypeError(f"{model.__name__} has other columns than {', '.join(order)}")
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

    def insert(self, rows: Sequence[Row]) -> None:
        """Append rows; they are left as they are."""
        self._statement("insert", self.names).execute(rows, _ROWS_AT_ONCE)

    def update(self, names: tuple[str, ...], rows: Sequence[Row]) -> None:
        """Each row: the values of `names`, then the primary key, which no two of them share."""
        self._statement("update", names).execute(rows, _UPDATES_AT_ONCE)

    def _statement(self, kind: str, names: Sequence[str]) -> _Statement:
        key = (connection.vendor, kind, names if kind == "update" else None)
        statement = self._statements.get(key)
        if statement is None:
            made = (
                self._arrays(kind, names) if connection.vendor == "postgresql" else self._values(kind, names)
            )
            statement = self._statements[key] = made
        return statement

    def _values(self, kind: str, names: Sequence[str]) -> _Values:
        render = self._insert_sql if kind == "insert" else self._update_sql
        return _Values(
            lambda rows: render(names, rows), self._adapters(names), len(names) + (kind == "update")
        )

    def _arrays(self, kind: str, names: Sequence[str]) -> _Arrays:
        quote = connection.ops.quote_name
        table, pk = quote(self.model._meta.db_table), self.model._meta.pk
        assert pk is not None
        fields = [self._fields[name] for name in names]
        columns = ", ".join(_column(field) for field in fields)
        if kind == "insert":
            tail = " ON CONFLICT DO NOTHING" if self.once else ""
            forms = [_array_form(field) for field in fields]
            sql = f"INSERT INTO {table} ({columns}) SELECT * FROM unnest({_casts(forms)}){tail}"  # noqa: S608 - names come from the model
        else:
            forms = [_array_form(field) for field in (*fields, pk)]
            sets = ", ".join(f"{_column(field)} = new.{_column(field)}" for field in fields)
            sql = (
                f"UPDATE {table} SET {sets} FROM unnest({_casts(forms)}) AS new({columns}, key) "  # noqa: S608 - names come from the model
                f"WHERE {table}.{_column(pk)} = new.key"
            )
        return _Arrays(sql, [adapt for _, adapt in forms])

    def _adapters(self, names: Sequence[str]) -> list[tuple[int, Adapter]]:
        adapters: list[tuple[int, Adapter]] = []
        for position, name in enumerate(names):
            field = self._fields[name]
            if isinstance(field, models.JSONField):
                adapters.append((position, _json_text))
            elif isinstance(field, models.DateTimeField):
                adapters.append((position, _moment_text))
        return adapters

    def _insert_sql(self, names: Sequence[str], rows: int) -> str:
        quote = connection.ops.quote_name
        columns = ", ".join(_column(self._fields[name]) for name in names)
        tail = " ON CONFLICT DO NOTHING" if self.once else ""
        return (
            f"INSERT INTO {quote(self.model._meta.db_table)} ({columns}) "  # noqa: S608 - names come from the model
            f"VALUES {_marks(len(names), rows)}{tail}"
        )

    def _update_sql(self, names: Sequence[str], rows: int) -> str:
        quote = connection.ops.quote_name
        table, pk = quote(self.model._meta.db_table), self.model._meta.pk
        assert pk is not None
        columns = [_column(self._fields[name]) for name in names]
        if rows == 1:
            sets = ", ".join(f"{column} = ?" for column in columns)
            return f"UPDATE {table} SET {sets} WHERE {_column(pk)} = ?"  # noqa: S608 - names come from the model
        # SQLite calls the columns of VALUES so.
        sets = ", ".join(f"{column} = new.column{place}" for place, column in enumerate(columns, 1))
        return (
            f"UPDATE {table} SET {sets} FROM (VALUES {_marks(len(names) + 1, rows)}) AS new "  # noqa: S608 - names come from the model
            f"WHERE {table}.{_column(pk)} = new.column{len(names) + 1}"
        )


class _Values:
    """SQLite: SQL for one row or more, and what makes of our values what the driver takes."""

    def __init__(self, render: Callable[[int], str], adapters: list[tuple[int, Adapter]], width: int) -> None:
        self._render = render
        self._adapters = adapters
        self._width = width
        self._texts: dict[int, str] = {}

    def execute(self, rows: Sequence[Row], sizes: Sequence[int]) -> None:
        with _cursor() as cursor:
            done = 0
            for size in sizes:
                while len(rows) - done >= size:
                    cursor.execute(self._sql(size), self._flat(rows[done : done + size]))
                    done += size

    def _sql(self, rows: int) -> str:
        """The statement for so many rows at once."""
        text = self._texts.get(rows)
        if text is None:
            text = self._texts[rows] = self._render(rows)
        return text

    def _flat(self, rows: Sequence[Row]) -> list[Any]:
        """The values of all rows, one after the other."""
        values: list[Any] = list(chain.from_iterable(rows))
        for position, adapt in self._adapters:
            values[position :: self._width] = map(adapt, values[position :: self._width])
        return values


class _Arrays:
    """PostgreSQL: one statement for any number of rows, whose parameters are the columns as array literals.

    The driver's own arrays are made value by value in Python and cost three times as much.
    """

    def __init__(self, sql: str, adapters: list[Callable[[Sequence[Any]], str]]) -> None:
        self._sql = sql
        self._adapters = adapters

    def execute(self, rows: Sequence[Row], sizes: Sequence[int]) -> None:
        columns = [
            adapt(column) for adapt, column in zip(self._adapters, zip(*rows, strict=True), strict=True)
        ]
        with _cursor() as cursor:
            # Prepared: this is the whole traffic of the connection, and it belongs to the writer alone.
            cursor.execute(self._sql, columns, prepare=True)


_Statement = _Values | _Arrays


def _column(field: models.Field[Any, Any]) -> str:
    assert field.column is not None
    return connection.ops.quote_name(field.column)


@contextmanager
def together() -> Iterator[None]:
    """The statements inside go to PostgreSQL without waiting for one another (pipeline mode)."""
    if connection.vendor != "postgresql":
        yield
        return
    connection.ensure_connection()
    with connection.wrap_database_errors, connection.connection.pipeline():
        yield


@contextmanager
def _cursor() -> Iterator[Any]:
    """The driver's own cursor: Django's would rewrite the placeholders at every call."""
    connection.ensure_connection()
    with connection.wrap_database_errors:
        raw = connection.connection
        cursor = psycopg.Cursor(raw) if connection.vendor == "postgresql" else raw.cursor()
        try:
            yield cursor
        finally:
            cursor.close()


# -- columns as PostgreSQL's array literals ---------------------------------------------------------------

ArrayForm = tuple[str, Callable[[Sequence[Any]], str]]
# Stands between two texts while the quotes in them are escaped all at once.
_BETWEEN = "\x1f"


def _texts(values: Sequence[Any]) -> str:
    if None not in values:
        joined = _BETWEEN.join(map(str, values))
        if joined.count(_BETWEEN) == len(values) - 1:
            return '{"' + _escaped(joined).replace(_BETWEEN, '","') + '"}'
    quoted = ["NULL" if value is None else f'"{_escaped(str(value))}"' for value in values]
    return "{" + ",".join(quoted) + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _plain(values: Sequence[Any]) -> str:
    """Numbers and truth values, whose text never needs quotes."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def _moments(values: Sequence[datetime | None]) -> str:
    return "{" + ",".join(["NULL" if value is None else value.isoformat() for value in values]) + "}"


def _documents(values: Sequence[Any]) -> str:
    return _texts([_json_text(value) for value in values])


def _array_form(field: models.Field[Any, Any]) -> ArrayForm:
    """The type of a column's array, and what makes its literal. Raises TypeError for a kind without one."""
    kind = (field.db_type(connection) or "").split("(")[0]
    match kind:
        case "varchar" | "text":
            return "text", _texts
        case "jsonb":
            return kind, _documents
        case "timestamp with time zone":
            return kind, _moments
        case "bigint" | "integer" | "smallint" | "double precision" | "boolean":
            return kind, _plain
        case _:
            raise TypeError(f"{field} is {kind}, and no array of it is known here")


def _casts(forms: Sequence[ArrayForm]) -> str:
    return ", ".join(f"%s::{kind}[]" for kind, _ in forms)


# -- rows as SQLite's VALUES ------------------------------------------------------------------------------


def _marks(columns: int, rows: int) -> str:
    row = f"({', '.join('?' * columns)})"
    return ", ".join([row] * rows)
