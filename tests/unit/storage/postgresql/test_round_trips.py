"""One round trip a batch, and statements that stay prepared (PostgreSQL)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.utils import timezone

from ocpp_server.storage import database, postgresql
from ocpp_server.storage.journal import Journal
from ocpp_server.storage.unit import Unit
from tests.unit.storage.postgresql.pooler import pooler
from tests.unit.storage.test_journal import change, counter, journal, one_batch, stored
from transactions.tables import TRANSACTIONS

__all__ = ["journal"]
pytestmark = pytest.mark.django_db(transaction=True)


def prepared() -> dict[str, int]:
    """The prepared statements of the connection, each with how often its one plan was used."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement, generic_plans FROM pg_prepared_statements WHERE custom_plans = 0")
        return {" ".join(statement.split()[:2]): plans for statement, plans in cursor}


def of_no_station(number: int) -> Unit:
    """A session whose station does not exist: the check is deferred to the COMMIT."""
    unit, now = Unit(), timezone.now()
    times = dict.fromkeys(("started_at", "start_received_at", "last_message_at", "updated_at"), now)
    unit.insert(TRANSACTIONS, id=number, ocpp_id=str(number), charge_point_id=99, **times)
    return unit


async def test_one_plan_serves_batches_of_all_sizes(journal: Journal) -> None:
    for size in (1, 4, 7):
        await one_batch(journal, *[counter(f"{number} of {size}", size) for number in range(size)])
    await journal.commit(change("0 of 1", 7))

    assert await journal.run(prepared) == {"INSERT INTO": 3, 'UPDATE "transactions_counter"': 1}


def untrace() -> None:
    connection.connection.pgconn.untrace()


async def test_a_batch_of_rows_takes_one_round_trip(journal: Journal, tmp_path: Path) -> None:
    path = tmp_path / "trace"
    await journal.commit(counter("first", 1))

    with path.open("w") as file:
        await journal.run(lambda: connection.connection.pgconn.trace(file.fileno()))
        await journal.commit(counter("a", 1))
        await one_batch(journal, counter("b", 2), change("a", 3))
        await journal.run(untrace)

    # The functions around the two batches use the simple protocol, which sends no Sync.
    assert path.read_text().count("\tSync") == 2
    assert stored() == {"first": 1, "a": 3, "b": 2}


async def test_a_row_that_the_commit_refuses_fails_only_its_own_message(journal: Journal) -> None:
    results = await one_batch(journal, counter("before", 1), of_no_station(1000), counter("after", 2))

    assert [type(result) for result in results] == [type(None), IntegrityError, type(None)]
    assert stored() == {"before": 1, "after": 2}
    # The statement of the refused row can be used again.
    with pytest.raises(IntegrityError):
        await journal.commit(of_no_station(1001))
    await journal.commit(counter("last", 3))
    assert set(stored()) == {"before", "after", "last"}


async def test_an_error_between_the_statements_leaves_no_transaction_open() -> None:
    def broken() -> None:
        ((table, row),) = counter("lost", 1).inserts
        with pytest.raises(LookupError), postgresql.transaction_of_rows():
            table.insert([row])
            raise LookupError
        assert not connection.connection.info.transaction_status
        connection.close()

    await asyncio.to_thread(broken)

    assert stored() == {}


def reads_the_whole_table() -> bool:
    """Whether the plan of the prepared update of counters has a scan of all rows."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_prepared_statements WHERE statement LIKE 'UPDATE%'")
        (name,) = cursor.fetchone()
        cursor.execute(f"EXPLAIN EXECUTE {name} ('{{}}', '{{}}')")
        return "Seq Scan" in str(cursor.fetchall())


async def test_a_plan_for_a_small_table_is_replaced_when_the_table_has_grown(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    await journal.commit(counter("a", 1))
    await journal.run(analyze)
    await journal.commit(change("a", 2))
    await one_batch(journal, *[counter(f"c{number}", number) for number in range(20_000)])
    await journal.commit(change("a", 3))
    assert await journal.run(reads_the_whole_table)

    monkeypatch.setattr(postgresql, "PLANS_LAST_S", 0)
    await journal.commit(change("a", 4))

    assert not await journal.run(reads_the_whole_table)


def analyze() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE transactions_counter")


@pytest.mark.parametrize("is_pooled", [False, True])
def test_only_a_direct_connection_keeps_prepared_statements(is_pooled: bool) -> None:
    before: dict[str, Any] = connection.settings_dict
    with pooler(before["HOST"], int(before["PORT"])) as port:
        try:
            connection.close()
            database.leave_pool()
            if is_pooled:
                connection.settings_dict |= {"HOST": "127.0.0.1", "PORT": port}
            postgresql.prepare_statements()
            for name in ("a", "b"):
                ((table, row),) = counter(name, 1).inserts
                with postgresql.transaction_of_rows():
                    table.insert([row])

            assert prepared() == ({} if is_pooled else {"INSERT INTO": 2})
            assert stored() == {"a": 1, "b": 1}
        finally:
            connection.close()
            connection.settings_dict = before
