"""Writes of a message whose answer depends on what they find: a dry run gives the answer, and the unit of
work of the message writes.

A function that a message runs in the journal before its own commit must not write: its rows would stay when
the message is rolled back.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any, ParamSpec, TypeVar

from django.db import connection, models, transaction

from ocpp_server.storage.journal import journal
from ocpp_server.storage.unit import Unit

P = ParamSpec("P")
T = TypeVar("T")


class ResultChanged(Exception):
    """The rows have changed since the dry run: the message is handled once more."""


async def with_result(unit: Unit, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function that writes in the transaction of the unit, and return its result before that.

    Another result at the commit refuses the commit: the message may be answered with the first one only. So
    results must be comparable, and a function that finds its own rows must return the same as before: it runs
    once more on them when the connection was lost at the commit and the rows were stored.
    """
    write = partial(function, *args, **kwargs)
    result: T = await journal.run(dry_run, write)
    unit.run(_confirmed(function, result, write))
    return result


def dry_run(function: Callable[[], T]) -> T:
    """The result of a function that writes, without its writes and its hooks after the commit."""
    with transaction.atomic():
        result = function()
        transaction.set_rollback(True)
    return result


def _confirmed(named: Callable[..., Any], expected: Any, function: Callable[[], Any]) -> Callable[[], None]:
    """A function that writes and refuses another result. Its name, which the health of the journal uses, is
    that of the first one.
    """

    @wraps(named)
    def confirm() -> None:
        if function() != expected:
            raise ResultChanged("The rows have changed while the message was handled.")

    return confirm


def take_key(model: type[models.Model]) -> int:
    """The next number of a table's automatic primary key, for a row that is named before it is stored.

    A number that is not used leaves a gap, as a failed insert does.
    """
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            assert model._meta.pk is not None
            cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, %s))", [table, model._meta.pk.column])
            return int(cursor.fetchone()[0])
        # Without RETURNING, which SQLite has since 3.35 only.
        cursor.execute("UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = %s", [table])
        if not cursor.rowcount:
            cursor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, 1)", [table])
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        return int(cursor.fetchone()[0])
