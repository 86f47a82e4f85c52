"""SQL for many rows at once, derived from the models.

`bulk_create` costs 40 to 60 microseconds a row and `bulk_update` 250; `executemany` with the values in
the database's own form costs 3 to 10. Only the journal uses this, and only for what changes with every
message.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import connection, models
from django.db.models import NOT_PROVIDED

Row = list[Any]


def _moment_text(value: Any) -> Any:
    """SQLite keeps times as naive UTC text (Django's own form, so that the ORM reads it back)."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(" ")
    return value


def _json_text(value: Any) -> Any:
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
        self._statements: dict[Any, tuple[str, list[tuple[int, Callable[[Any], Any]]]]] = {}

    @staticmethod
    def _default(field: models.Field[Any, Any]) -> Any:
        if field.default is NOT_PROVIDED:
            return None
        return field.get_default()

    def row(self, values: Mapping[str, Any]) -> Row:
        """A row from values by attribute name; what is not named takes the field's default."""
        unknown = values.keys() - self._template.keys()
        if unknown:
            raise TypeError(f"{self.model.__name__} has no column {', '.join(sorted(unknown))}")
        return list((self._template | values).values())  # type: ignore[operator]

    def insert(self, rows: list[Row]) -> None:
        sql, adapters = self._statement(("insert",), self.names, self._insert_sql)
        self._execute(sql, adapters, rows)

    def update(self, names: tuple[str, ...], rows: list[Row]) -> None:
        """Each row: the values of `names`, then the primary key."""
        sql, adapters = self._statement(("update", names), list(names), self._update_sql)
        self._execute(sql, adapters, rows)

    def _statement(
        self, key: Any, names: list[str], make: Callable[[list[str]], str]
    ) -> tuple[str, list[tuple[int, Callable[[Any], Any]]]]:
        key = (connection.vendor, *key)
        if key not in self._statements:
            self._statements[key] = (make(names), self._adapters(names))
        return self._statements[key]

    def _adapters(self, names: list[str]) -> list[tuple[int, Callable[[Any], Any]]]:
        adapters: list[tuple[int, Callable[[Any], Any]]] = []
        for position, name in enumerate(names):
            field = self._fields[name]
            if isinstance(field, models.JSONField):
                adapters.append((position, _json_text))
            elif isinstance(field, models.DateTimeField) and connection.vendor == "sqlite":
                adapters.append((position, _moment_text))
        return adapters

    def _insert_sql(self, names: list[str]) -> str:
        quote = connection.ops.quote_name
        columns = ", ".join(quote(self._fields[name].column) for name in names)
        marks = ", ".join([_mark()] * len(names))
        tail = " ON CONFLICT DO NOTHING" if self.once else ""
        return f"INSERT INTO {quote(self.model._meta.db_table)} ({columns}) VALUES ({marks}){tail}"  # noqa: S608 - names come from the model

    def _update_sql(self, names: list[str]) -> str:
        quote = connection.ops.quote_name
        sets = ", ".join(f"{quote(self._fields[name].column)} = {_mark()}" for name in names)
        pk = self.model._meta.pk
        assert pk is not None
        return f"UPDATE {quote(self.model._meta.db_table)} SET {sets} WHERE {quote(pk.column)} = {_mark()}"  # noqa: S608 - names come from the model

    @staticmethod
    def _execute(sql: str, adapters: list[tuple[int, Callable[[Any], Any]]], rows: Iterable[Row]) -> None:
        for position, adapt in adapters:
            for row in rows:
                row[position] = adapt(row[position])
        connection.ensure_connection()
        with connection.wrap_database_errors:
            # The driver's own cursor: Django's would rewrite the placeholders at every call.
            cursor = connection.connection.cursor()
            try:
                cursor.executemany(sql, rows)
            finally:
                cursor.close()


def _mark() -> str:
    return "?" if connection.vendor == "sqlite" else "%s"
