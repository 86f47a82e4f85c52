"""Writes whose result is in the answer: tried first, and stored with the message.

The tests run on SQLite here; test_on_postgresql.py runs them once more on PostgreSQL.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from django.db import connection, transaction

from chargepoints.models import ChargePoint, Site
from ocpp_server.storage import writes
from ocpp_server.storage.journal import Journal
from ocpp_server.storage.journal import journal as the_journal
from ocpp_server.storage.unit import Unit
from ocpp_server.storage.writes import ResultChanged
from transactions.models import Counter

pytestmark = pytest.mark.django_db(transaction=True, available_apps=["chargepoints", "transactions"])


@pytest.fixture
async def journal() -> AsyncIterator[Journal]:
    the_journal.start()
    yield the_journal
    await the_journal.stop()


def test_a_unit_of_functions_alone_is_work_until_it_is_taken_or_cleared() -> None:
    unit = Unit()
    unit.run(list)

    assert unit
    taken = unit.take()
    assert (bool(taken), len(taken.functions), bool(unit)) == (True, 1, False)
    taken.clear()
    assert not taken


def count(name: str) -> int:
    """A new row, or one more in the one that is there."""
    row, is_new = Counter.objects.get_or_create(name=name, defaults={"value": 1})
    if not is_new:
        row.value += 1
        row.save()
    return row.value


def values() -> dict[str, int]:
    return dict(Counter.objects.values_list("name", "value"))


async def test_the_result_is_there_before_the_commit_and_the_rows_with_it(journal: Journal) -> None:
    unit = Unit()

    assert await writes.with_result(unit, count, "a") == 1
    assert await journal.run(values) == {}
    await journal.commit(unit)

    assert await journal.run(values) == {"a": 1}


async def test_another_result_at_the_commit_refuses_it(journal: Journal) -> None:
    unit = Unit()

    assert await writes.with_result(unit, count, "a") == 1
    await journal.run(count, "a")
    with pytest.raises(ResultChanged):
        await journal.commit(unit)

    assert await journal.run(values) == {"a": 1}


async def test_a_dry_run_leaves_neither_rows_nor_hooks_and_its_errors_rise(journal: Journal) -> None:
    hooks: list[str] = []

    def announced() -> int:
        transaction.on_commit(lambda: hooks.append("announced"))
        return count("a")

    def wrong() -> None:
        count("a")
        raise LookupError("nothing of this name")

    assert await journal.run(writes.dry_run, announced) == 1
    with pytest.raises(LookupError, match="nothing of this name"):
        await writes.with_result(unit := Unit(), wrong)

    assert (hooks, bool(unit)) == ([], False)
    assert await journal.run(values) == {}


async def test_a_taken_key_belongs_to_no_other_row(journal: Journal) -> None:
    def add(name: str, pk: int | None = None) -> int:
        return ChargePoint.objects.create(identity=name, pk=pk).pk

    def keys() -> list[int]:
        return [writes.take_key(ChargePoint), add("ONE"), writes.take_key(ChargePoint), add("TWO")]

    first = await journal.run(keys)
    taken = await journal.run(add, "THREE", first[2])
    last = await journal.run(add, "FOUR")

    assert first == list(range(first[0], first[0] + 4))
    assert (taken, last) == (first[2], first[3] + 1)


async def test_the_first_row_of_a_table_may_have_a_taken_key(journal: Journal) -> None:
    def both() -> tuple[int, int]:
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s", [Site._meta.db_table])
        key = writes.take_key(Site)
        return key, Site.objects.create(pk=key, name="Depot").pk

    key, pk = await journal.run(both)

    assert key == pk > 0
