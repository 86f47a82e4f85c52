"""SQL that writes many rows at once, derived from the models.

`bulk_create` costs 40 to 60 microseconds a row and `bulk_update` 250. Here SQLite gets many rows with one
statement, at 3 to 10 microseconds a row. PostgreSQL gets one array for each column and unpacks them with
`unnest`, at 14 to 27 with the server's share, where one row at a time cost 60 to 80. Only the journal uses
this module, and only for tables that change with every message.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain
from typing import Any

import orjson
import psycopg
from django.db import connection, models
from django.db.models import NOT_PROVIDED

from ocpp_server.storage.fields import CompressedTextField, packed_all

Row = Sequence[Any]
# The values of a column, as the driver takes them. Compressed columns are made here, in the writer thread.
Adapter = Callable[[list[Any]], Iterable[Any]]

# How many rows one INSERT or UPDATE takes on SQLite. The driver releases the interpreter lock with every
# execution; with one row at a time, the writer waits for the lock at each row. Few sizes, so that the
# statements stay prepared.
_ROWS_AT_ONCE = (64, 16, 4, 1)
# SQLite has UPDATE ... FROM since 3.33; with earlier versions, rows are updated one by one.
_NEEDED = (3, 33)  # equivalent: the tests have one version of SQLite
_UPDATES_AT_ONCE = _ROWS_AT_ONCE if sqlite3.sqlite_version_info >= _NEEDED else (1,)  # equivalent: as above


@lru_cache(maxsize=4096)
def _moment_text(value: Any) -> Any:
    """A time as naive UTC text: Django's own format on SQLite, so that the ORM can read it."""
    if not isinstance(value, datetime):
        return value
    if value.tzinfo is not UTC or value.year < 1970:  # equivalent: the other way is only quicker
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ")
    # `isoformat` costs two microseconds for each time of every message. The text of the second is cached,
    # because most times are in a second that was formatted shortly before.
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
        # orjson takes a tenth of the time of `json`, and every meter reading has such a column.
        return orjson.dumps(value).decode()
    except TypeError:  # an integer beyond 64 bits
        return json.dumps(value)


def _moment_texts(values: list[Any]) -> Iterable[Any]:
    return map(_moment_text, values)


def _json_texts(values: list[Any]) -> Iterable[Any]:
    return map(_json_text, values)


class Table:
    """The columns of a model as the journal writes them.

    `once=True`: a row that would break a unique constraint is a repetition of a stored row and is skipped.
    `order` names all columns in the order of the rows that callers pass to `Unit.append`, except `empty`: the
    text columns of the release before, which are empty in every new row. `stamp` is a column with the time of
    the last change of any column but those of `unstamped`.
    """

    def __init__(
        self,
        model: type[models.Model],
        *,
        once: bool = False,
        order: tuple[str, ...] = (),
        empty: tuple[str, ...] = (),
        stamp: str = "",
        unstamped: frozenset[str] = frozenset(),
    ) -> None:
        self.model = model
        self.stamp = stamp
        self.unstamped = unstamped
        self.once = once
        self.empty = empty
        fields = [
            field
            for field in model._meta.concrete_fields
            if not isinstance(field, models.AutoField) and field.attname not in empty
        ]
        if order:
            places = {name: place for place, name in enumerate(order)}
            fields.sort(key=lambda f: places.get(f.attname, 0))  # equivalent: one that is missing is refused
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
        """A row from values by attribute name; a field that is not named gets its default."""
        row = self._template | values  # type: ignore[operator]
        if len(row) != len(self._template):
            unknown = values.keys() - self._template.keys()
            raise TypeError(f"{self.model.__name__} has no column {', '.join(sorted(unknown))}")
        return list(row.values())

    def stamped(self, values: Mapping[str, Any], at: datetime) -> Mapping[str, Any]:
        """The columns of an update, with the time of the change if it has one."""
        return {**values, self.stamp: at} if values.keys() - self.unstamped else values

    def insert(self, rows: Sequence[Row]) -> None:
        """Insert rows. The rows are not modified."""
        self._statement("insert", self.names).execute(rows, _ROWS_AT_ONCE)

    def update(self, names: tuple[str, ...], rows: Sequence[Row]) -> None:
        """Update rows. Each has the values of `names`, then the primary key; no two have the same key."""
        self._statement("update", names).execute(rows, _UPDATES_AT_ONCE)

    def _statement(self, kind: str, names: Sequence[str]) -> _Statement:
        key = (connection.vendor, kind, names if kind == "update" else None)
        statement = self._statements.get(key)  # equivalent: only quicker
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
            sql = (
                f"INSERT INTO {table} ({columns}{self._empty_columns}) "  # noqa: S608 - names come from the model
                f"SELECT *{self._empty_values} FROM unnest({_casts(forms)}){tail}"
            )
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
                adapters.append((position, _json_texts))
            elif isinstance(field, models.DateTimeField):
                adapters.append((position, _moment_texts))
            elif isinstance(field, CompressedTextField):
                adapters.append((position, packed_all))
        return adapters

    @property
    def _empty_columns(self) -> str:
        return "".join(f", {_column(self._fields[name])}" for name in self.empty)

    @property
    def _empty_values(self) -> str:
        return ", ''" * len(self.empty)

    def _insert_sql(self, names: Sequence[str], rows: int) -> str:
        quote = connection.ops.quote_name
        columns = ", ".join(_column(self._fields[name]) for name in names)
        tail = " ON CONFLICT DO NOTHING" if self.once else ""
        return (
            f"INSERT INTO {quote(self.model._meta.db_table)} ({columns}{self._empty_columns}) "  # noqa: S608 - names come from the model
            f"VALUES {_placeholders(len(names), rows, self._empty_values)}{tail}"
        )

    def _update_sql(self, names: Sequence[str], rows: int) -> str:
        quote = connection.ops.quote_name
        table, pk = quote(self.model._meta.db_table), self.model._meta.pk
        assert pk is not None
        columns = [_column(self._fields[name]) for name in names]
        if rows == 1:
            sets = ", ".join(f"{column} = ?" for column in columns)
            return f"UPDATE {table} SET {sets} WHERE {_column(pk)} = ?"  # noqa: S608 - names come from the model
        # SQLite names the columns of VALUES column1, column2 and so on.
        sets = ", ".join(f"{column} = new.column{place}" for place, column in enumerate(columns, 1))
        return (
            f"UPDATE {table} SET {sets} FROM (VALUES {_placeholders(len(names) + 1, rows)}) AS new "  # noqa: S608 - names come from the model
            f"WHERE {table}.{_column(pk)} = new.column{len(names) + 1}"
        )


class _Values:
    """SQLite: the SQL for one or more rows, and the adapters that convert values for the driver."""

    def __init__(self, render: Callable[[int], str], adapters: list[tuple[int, Adapter]], width: int) -> None:
        self._render = render
        self._adapters = adapters
        self._width = width
        self._texts: dict[int, str] = {}

    def execute(self, rows: Sequence[Row], sizes: Sequence[int]) -> None:
        values, width = self._flat(rows), self._width
        with _cursor() as cursor:
            done = 0
            for size in sizes:
                while len(rows) - done >= size:
                    cursor.execute(self._sql(size), values[done * width : (done + size) * width])
                    done += size

    def _sql(self, rows: int) -> str:
        """The statement for this number of rows."""
        text = self._texts.get(rows)  # equivalent: only quicker
        if text is None:
            text = self._texts[rows] = self._render(rows)
        return text

    def _flat(self, rows: Sequence[Row]) -> list[Any]:
        """The values of all rows, one after the other."""
        values: list[Any] = list(chain.from_iterable(rows))
        for position, adapt in self._adapters:
            values[position :: self._width] = adapt(values[position :: self._width])
        return values


class _Arrays:
    """PostgreSQL: one statement for any number of rows. Its parameters are the columns as array literals.

    psycopg would convert a list value by value in Python, which costs three times as much.
    """

    def __init__(self, sql: str, adapters: list[Callable[[Sequence[Any]], str]]) -> None:
        self._sql = sql
        self._adapters = adapters

    def execute(self, rows: Sequence[Row], sizes: Sequence[int]) -> None:
        columns = [
            adapt(column) for adapt, column in zip(self._adapters, zip(*rows, strict=True), strict=True)
        ]
        with _cursor() as cursor:
            # Prepared where the connection allows it, see `postgresql.prepare_statements`.
            cursor.execute(self._sql, columns, prepare=True)


_Statement = _Values | _Arrays


def _column(field: models.Field[Any, Any]) -> str:
    assert field.column is not None
    return connection.ops.quote_name(field.column)


@contextmanager
def _cursor() -> Iterator[Any]:
    """A cursor of the driver: Django's cursor would rewrite the placeholders at every call."""
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
# Separates the texts while the quotes in all of them are escaped with one call.
_SEPARATOR = "\x1f"


def _texts(values: Sequence[Any]) -> str:
    if None not in values:
        joined = _SEPARATOR.join(map(str, values))
        if joined.count(_SEPARATOR) < len(values):
            return '{"' + _escaped(joined).replace(_SEPARATOR, '","') + '"}'
    quoted = ["NULL" if value is None else f'"{_escaped(str(value))}"' for value in values]
    return "{" + ",".join(quoted) + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _plain(values: Sequence[Any]) -> str:
    """The array literal of numbers or booleans, whose text never needs quotes."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def _moments(values: Sequence[datetime | None]) -> str:
    return "{" + ",".join(["NULL" if value is None else value.isoformat() for value in values]) + "}"


def _documents(values: Sequence[Any]) -> str:
    return _texts([_json_text(value) for value in values])


def _binaries(values: Sequence[str | None]) -> str:
    """The array literal of compressed texts, in hexadecimal."""
    items = ["NULL" if value is None else f'"\\\\x{value.hex()}"' for value in packed_all(values)]
    return "{" + ",".join(items) + "}"


def _array_form(field: models.Field[Any, Any]) -> ArrayForm:
    """The array type of a column, and the function that builds its literal. Raises TypeError without one."""
    if isinstance(field, CompressedTextField):
        return "bytea", _binaries
    kind = (field.db_type(connection) or "").split("(")[0]
    match kind:
        case "varchar" | "text":
            return "text", _texts
        case "jsonb":
            return kind, _documents
        case "timestamp with time zone":
            return kind, _moments
        case "bigint" | "integer" | "smallint" | "double precision" | "boolean" | "numeric":
            return kind, _plain
        case _:
            raise TypeError(f"{field} is {kind}, and no array of it is known here")


def _casts(forms: Sequence[ArrayForm]) -> str:
    return ", ".join(f"%s::{kind}[]" for kind, _ in forms)


# -- rows as SQLite's VALUES ------------------------------------------------------------------------------


def _placeholders(columns: int, rows: int, constants: str = "") -> str:
    row = f"({', '.join('?' * columns)}{constants})"
    return ", ".join([row] * rows)
