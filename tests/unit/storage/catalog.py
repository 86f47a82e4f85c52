"""A connection to a PostgreSQL that has nothing but partitioned tables, in memory.

It carries out the statements that make and drop partitions, so that tests can ask which rows are where. The
same code runs on a real PostgreSQL in tests/unit/storage/postgresql.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from django.db import OperationalError

Reading = dict[str, Any]


class Catalog:
    """The tables with their rows, the partitions of each table, and the statements that came."""

    def __init__(self) -> None:
        self.vendor = "postgresql"
        self.ops = SimpleNamespace(quote_name=lambda name: f'"{name}"')
        self.rows: dict[str, list[Reading]] = {}
        self.partitions: dict[str, dict[str, tuple[str, str]]] = {}
        self.locked: set[str] = set()
        # Called at each lock: what another process does just before this one gets it.
        self.before_lock: Callable[[], None] = lambda: None
        self.error: Exception | None = None
        self.statements: list[str] = []
        self.lock_timeout = ""
        self.depth = 0
        self.locked_by_us = ""
        self.closed = 0
        self._answer: list[tuple[Any, ...]] = []

    def divided(self, table: str, *months: str) -> None:
        """Add a table with partitions for these months, such as 2026_05, and one for the rest."""
        self.partitions[table] = {f"{table}_{month}": ("", "") for month in months}
        for name in (*self.partitions[table], f"{table}_rest"):
            self.rows[name] = []

    def months(self, table: str) -> list[str]:
        return sorted(name.removeprefix(f"{table}_") for name in self.partitions[table])

    # -- as Django's connection ------------------------------------------------------------------------------

    @contextmanager
    def atomic(self) -> Iterator[None]:
        self.depth += 1
        yield
        self.depth -= 1
        self.lock_timeout = ""

    def close(self) -> None:
        self.closed += 1

    @contextmanager
    def cursor(self) -> Iterator[Catalog]:
        yield self

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self._answer

    def fetchone(self) -> tuple[Any, ...]:
        return self._answer[0]

    def execute(self, sql: str, values: list[Any] | None = None) -> None:
        self.statements.append(sql)
        if self.error is not None:
            raise self.error
        for pattern, run in self._known():
            if match := re.fullmatch(pattern, sql):
                self._answer = run(*match.groups(), *(values or ())) or []
                return
        raise AssertionError(f"a statement that is not known: {sql}")

    # -- the statements --------------------------------------------------------------------------------------

    def _known(self) -> list[tuple[str, Callable[..., Any]]]:
        return [
            (r"SELECT child\.relname FROM pg_inherits .* ORDER BY child\.relname", self._children),
            (r"SELECT relkind = 'p' FROM pg_class WHERE oid = %s::regclass", self._is_divided),
            (r"SET LOCAL lock_timeout = '(\w+)'", self._limit),
            (r'LOCK TABLE "(\w+)" IN ACCESS EXCLUSIVE MODE', self._lock),
            (r'CREATE TABLE "(\w+)" \(LIKE "(\w+)" INCLUDING ALL\)', self._create),
            (
                r'WITH moved AS \(DELETE FROM "(\w+)" WHERE "(\w+)" >= \'(\S+)\' AND "(\w+)" < \'(\S+)\''
                r' RETURNING \*\) INSERT INTO "(\w+)" SELECT \* FROM moved',
                self._move,
            ),
            (
                r'ALTER TABLE "(\w+)" ATTACH PARTITION "(\w+)"'
                r" FOR VALUES FROM \('(\S+)'\) TO \('(\S+)'\)",
                self._attach,
            ),
            (r'DROP TABLE "(\w+)"', self._drop),
            (r'DELETE FROM "(\w+)" WHERE "(\w+)" < %s', self._delete),
        ]

    def _children(self, table: str) -> list[tuple[str]]:
        table = table.strip('"')
        return [(name,) for name in sorted([*self.partitions.get(table, {}), f"{table}_rest"])]

    def _is_divided(self, table: str) -> list[tuple[bool]]:
        return [(table.strip('"') in self.partitions,)]

    def _limit(self, seconds: str) -> None:
        assert self.depth, "SET LOCAL has no effect outside of a transaction"
        self.lock_timeout = seconds

    def _lock(self, table: str) -> None:
        assert self.lock_timeout, "a lock without a limit holds up the stations"
        self.before_lock()
        if table in self.locked:
            error = OperationalError("canceling statement due to lock timeout")
            error.__cause__ = Exception()
            error.__cause__.sqlstate = "55P03"  # type: ignore[attr-defined]
            raise error
        self.locked_by_us = table

    def _create(self, name: str, like: str) -> None:
        assert name not in self.rows, f"{name} is there already"
        self.rows[name] = []

    def _move(self, *parts: str) -> None:
        source, column, begin, same, end, target = parts
        assert column == same and self.locked_by_us == source
        first, last = datetime.fromisoformat(begin), datetime.fromisoformat(end)
        moved = [row for row in self.rows[source] if first <= row[column] < last]
        self.rows[source] = [row for row in self.rows[source] if row not in moved]
        self.rows[target] += moved

    def _attach(self, table: str, name: str, begin: str, end: str) -> None:
        self.partitions[table][name] = (begin, end)

    def _drop(self, name: str) -> None:
        assert self.lock_timeout, "a lock without a limit holds up the stations"
        del self.rows[name]
        for partitions in self.partitions.values():
            partitions.pop(name, None)

    def _delete(self, table: str, column: str, moment: datetime) -> None:
        self.rows[table] = [row for row in self.rows[table] if row[column] >= moment]
