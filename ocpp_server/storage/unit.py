"""The rows that one message changes, and the rows of several messages put together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, ParamSpec

from ocpp_server.storage.bulk import Row, Table
from ocpp_server.storage.postgresql import pipelined

P = ParamSpec("P")


class Unit:
    """The rows that one message inserts and updates, and the functions that write what is no plain row.

    The journal calls `when_stored` in the event loop with the future of the commit.
    """

    __slots__ = ("functions", "inserts", "updates", "when_stored")

    def __init__(self) -> None:
        self.when_stored: Callable[[asyncio.Future[Any]], None] | None = None
        self.functions: tuple[Callable[[], Any], ...] = ()
        self.inserts: list[tuple[Table, Row]] = []
        self.updates: list[tuple[Table, Any, dict[str, Any]]] = []

    def insert(self, table: Table, **values: Any) -> None:
        """Append a row."""
        self.inserts.append((table, table.row(values)))

    def append(self, table: Table, row: Row) -> None:
        """Append a row that has the columns in the order of its table."""
        self.inserts.append((table, row))

    def update(self, table: Table, key: Any, **values: Any) -> None:
        """Set columns of the row with this primary key; within a batch the last value of a column wins."""
        self.updates.append((table, key, values))

    def set(self, table: Table, key: Any, values: dict[str, Any]) -> None:
        """`update` with a dictionary, which the caller must not change any more."""
        self.updates.append((table, key, values))

    def run(self, function: Callable[P, Any], *args: P.args, **kwargs: P.kwargs) -> None:
        """Run a synchronous function in the transaction of the rows, before they are written.

        For writes that need a query, which `insert` and `update` cannot do. Any exception of the function
        refuses the commit of this unit, and of no other one. A retry runs the function once more, so its
        arguments must not change.
        """
        self.functions += (partial(function, *args, **kwargs),)

    def run_functions(self) -> None:
        for function in self.functions:
            function()

    def clear(self) -> None:
        self.inserts, self.updates, self.functions = [], [], ()
        self.when_stored = None

    def take(self) -> Unit:
        """Return the gathered rows as a new unit, and empty this one.

        The writer thread reads the returned unit, so no task may change it any more, not even a cancelled
        one.
        """
        taken = Unit()
        taken.inserts, self.inserts = self.inserts, taken.inserts
        taken.updates, self.updates = self.updates, taken.updates
        taken.functions, self.functions = self.functions, ()
        taken.when_stored, self.when_stored = self.when_stored, None
        return taken

    def announced(self, future: asyncio.Future[Any]) -> asyncio.Future[Any]:
        """The future of the commit of this unit, which calls `when_stored`."""
        if self.when_stored is not None:
            future.add_done_callback(self.when_stored)
        return future

    def __bool__(self) -> bool:
        return bool(self.inserts or self.updates or self.functions)


def tables_of(unit: Unit) -> set[Table | str]:
    """The tables of the rows, and for a function, whose tables are unknown, its dotted name."""
    inserted = {table for table, _ in unit.inserts}
    return inserted | {table for table, _, _ in unit.updates} | {_name(one) for one in unit.functions}


def _name(function: Callable[[], Any]) -> str:
    """The dotted name of a function, also inside of a partial."""
    named = getattr(function, "func", function)
    return f"{named.__module__}.{getattr(named, '__qualname__', type(named).__qualname__)}"


class Rows:
    """The rows of several units, gathered by table."""

    def __init__(self) -> None:
        self.inserts: dict[Table, list[Row]] = {}
        self.updates: dict[Table, dict[Any, dict[str, Any]]] = {}

    def add(self, unit: Unit) -> None:
        inserts, updates = self.inserts, self.updates
        for table, row in unit.inserts:
            if table in inserts:
                inserts[table].append(row)
            else:
                inserts[table] = [row]
        for table, key, values in unit.updates:
            merged = updates.setdefault(table, {})
            # Merging makes a new dictionary: a batch may be written a second time, so units must not change.
            merged[key] = merged[key] | values if key in merged else values

    def write(self) -> None:
        if not self.inserts and not self.updates:
            return
        with pipelined():
            for table, rows in self.inserts.items():
                table.insert(rows)
            for table, merged in self.updates.items():
                groups: dict[tuple[str, ...], list[Row]] = {}
                # When they are written: a mirror that has read until then must not miss the change.
                now = datetime.now(UTC) if table.stamp else None
                for key, changed in merged.items():
                    values = changed if now is None else table.stamped(changed, now)
                    groups.setdefault(tuple(values), []).append([*values.values(), key])
                for names, group in groups.items():
                    table.update(names, group)
        self.inserts.clear()
        self.updates.clear()
