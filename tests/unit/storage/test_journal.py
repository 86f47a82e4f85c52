"""The journal against a real database: order, bad rows, merged updates, a database that is away.

The tests run on SQLite here; test_on_postgresql.py runs them once more on PostgreSQL.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, IntegrityError, OperationalError, ProgrammingError, connection

from ocpp_server.observability import measures
from ocpp_server.storage import journal as module
from ocpp_server.storage.bulk import Table
from ocpp_server.storage.journal import Journal, JournalUnavailable
from ocpp_server.storage.unit import Unit
from transactions.models import Counter

# The tables of these apps are emptied after each test; those of all apps take ten times as long.
pytestmark = pytest.mark.django_db(transaction=True, available_apps=["chargepoints", "transactions"])
COUNTERS = Table(Counter)


@pytest.fixture
async def journal() -> AsyncIterator[Journal]:
    journal = Journal()
    journal.start()
    yield journal
    await journal.stop()


def outside() -> Any:
    """A connection of another program to the same database: it sees only committed rows."""
    if connection.vendor == "postgresql":
        return psycopg.connect(**dict(connection.get_connection_params()), autocommit=True)
    return sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None, check_same_thread=False)


def stored() -> dict[str, int]:
    with closing(outside()) as other:
        return dict(other.execute("SELECT name, value FROM transactions_counter").fetchall())


@contextmanager
def locked() -> Iterator[Any]:
    """Another program holds the write lock."""
    with closing(outside()) as other:
        if connection.vendor == "postgresql":
            other.execute("BEGIN")
            other.execute("LOCK TABLE transactions_counter")
        else:
            other.execute("BEGIN IMMEDIATE")
        yield other
        # Closing rolls back what was not committed.


def counter(name: str, value: Any) -> Unit:
    unit = Unit()
    unit.insert(COUNTERS, name=name, value=value)
    return unit


def change(name: str, value: Any) -> Unit:
    unit = Unit()
    unit.update(COUNTERS, name, value=value)
    return unit


def names() -> list[str]:
    return sorted(Counter.objects.values_list("name", flat=True))


class Gate:
    """A function that blocks the writer thread, so that work submitted meanwhile becomes one batch."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.opened = threading.Event()

    def __call__(self) -> None:
        self.reached.set()
        assert self.opened.wait(30)


async def one_batch(journal: Journal, *works: Any) -> list[Any]:
    """Submit units, functions, and pairs (function, item) for `run_batched` in this order, as one batch; the
    result or the error of each.
    """
    gate = Gate()
    held = asyncio.ensure_future(journal.run(gate))
    await asyncio.to_thread(gate.reached.wait, 30)
    before = journal.batches
    submitted = [asyncio.ensure_future(submit(journal, work)) for work in works]
    await asyncio.sleep(0)
    gate.opened.set()
    await held
    results = await asyncio.gather(*submitted, return_exceptions=True)
    assert journal.batches == before + 2 and journal.last_batch == len(works)
    return results


def submit(journal: Journal, work: Any) -> asyncio.Future[Any]:
    if isinstance(work, Unit):
        return journal.commit(work)
    return journal.run_batched(*work) if isinstance(work, tuple) else journal.run(work)


async def test_committed_rows_are_visible_to_other_connections_when_commit_returns(journal: Journal) -> None:
    await journal.commit(counter("a", 1))

    assert stored()["a"] == 1


async def test_messages_that_come_during_a_commit_are_written_together(journal: Journal) -> None:
    await one_batch(journal, *[counter(f"c{n}", n) for n in range(50)])

    assert {f"c{n}" for n in range(50)} <= set(stored())


async def test_a_function_sees_all_work_submitted_before_it_and_none_after(journal: Journal) -> None:
    results = await one_batch(journal, counter("first", 1), names, counter("second", 2), names)

    assert "first" in results[1] and "second" not in results[1]
    assert "second" in results[3]


async def test_updates_of_one_row_are_merged_and_the_last_value_of_a_column_wins(journal: Journal) -> None:
    await journal.commit(counter("merged", 0))

    await one_batch(journal, change("merged", 1), change("merged", 2), change("merged", 3))

    assert stored()["merged"] == 3


async def test_an_update_of_a_row_that_the_same_batch_inserts_is_applied_after_the_insert(
    journal: Journal,
) -> None:
    await one_batch(journal, counter("young", 1), change("young", 2))

    assert stored()["young"] == 2


async def test_a_bad_row_fails_only_its_own_message(journal: Journal) -> None:
    await journal.commit(counter("taken", 1))

    results = await one_batch(
        journal, counter("before", 1), counter("taken", 2), counter("after", 3), counter("huge", 2**70), names
    )

    assert results[0] is None and results[2] is None
    assert isinstance(results[1], IntegrityError)
    assert isinstance(results[3], OverflowError | DatabaseError)
    assert {"before", "taken", "after"} <= set(results[4])
    found = stored()
    assert (found["before"], found["taken"], found["after"]) == (1, 1, 3) and "huge" not in found


async def test_a_function_that_fails_is_undone_and_the_others_of_its_batch_are_not(journal: Journal) -> None:
    def half() -> None:
        Counter.objects.create(name="half", value=1)
        raise LookupError("half way")

    results = await one_batch(journal, counter("before", 1), half, counter("after", 2))

    assert isinstance(results[1], LookupError)
    assert {"before", "after"} <= set(stored()) and "half" not in stored()


async def test_functions_of_a_unit_are_stored_with_its_rows_or_not_at_all(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measures, "journal", measured := type(measures.journal)())
    seen: list[list[str]] = []

    def add(name: str, value: int = 1) -> None:
        seen.append(names())
        Counter.objects.create(name=name, value=value)

    good, wrong = counter("row", 1), counter("lost too", 1)
    good.run(add, "one")
    good.run(add, "two", value=2)
    wrong.run(add, "gone")
    wrong.run(add, "row")  # taken by the first unit

    results = await one_batch(journal, counter("before", 1), good, wrong, counter("after", 1))

    assert [type(result) for result in results] == [type(None), type(None), IntegrityError, type(None)]
    assert stored() == {"before": 1, "row": 1, "one": 1, "two": 2, "after": 1}
    # In their order, after the work before them, and before the rows of their own unit. Once: a function that
    # fails does not make the other stations of the batch wait for a second attempt.
    before_wrong = ["before", "one", "row", "two"]
    assert seen == [["before"], ["before", "one"], before_wrong, sorted([*before_wrong, "gone"])]
    assert measured.refused_batches == 0


async def test_a_refused_row_takes_the_functions_of_its_unit_back(journal: Journal) -> None:
    good, bad = counter("row", 1), counter("lost", None)
    good.run(Counter.objects.create, name="one", value=1)
    bad.run(Counter.objects.create, name="gone", value=1)

    results = await one_batch(journal, counter("before", 1), good, bad, counter("after", 1))

    assert [type(result) for result in results] == [type(None), type(None), IntegrityError, type(None)]
    assert stored() == {"before": 1, "row": 1, "one": 1, "after": 1}


async def test_items_for_together_are_handled_in_one_call_after_all_other_work(journal: Journal) -> None:
    asked: list[list[str]] = []

    def values(wanted: list[str]) -> list[int | None]:
        asked.append(wanted)
        found = dict(Counter.objects.filter(name__in=wanted).values_list("name", "value"))
        return [found.get(name) for name in wanted]

    results = await one_batch(journal, (values, "a"), counter("a", 1), (values, "b"), (values, "a"), names)

    assert asked == [["a", "b", "a"]]
    assert results[0] == 1 and results[2] is None and results[3] == 1


async def test_one_bad_item_of_many_fails_only_its_own_caller(journal: Journal) -> None:
    def make(wanted: list[str]) -> list[str]:
        for name in wanted:
            Counter.objects.create(name=name, value=1)
        if "bad" in wanted:
            raise LookupError("no such thing")
        return wanted

    results = await one_batch(journal, (make, "good"), counter("unit", 1), (make, "bad"), (make, "fine"))

    assert results[0] == "good" and results[3] == "fine"
    assert isinstance(results[2], LookupError)
    assert {"good", "fine", "unit"} <= set(stored()) and "bad" not in stored()


async def test_a_wrong_statement_fails_alone_and_is_not_retried_within_the_budget(journal: Journal) -> None:
    ran: list[str] = []

    def wrong() -> None:
        ran.append("wrong")
        with connection.cursor() as cursor:
            # SQLite raises OperationalError for this statement, the same as for a lock.
            cursor.execute("SELECT nothing FROM nowhere")

    results = await one_batch(journal, counter("before", 1), wrong, counter("after", 2))

    assert isinstance(results[1], OperationalError | ProgrammingError)
    assert {"before", "after"} <= set(stored())
    # It runs in the batch, and perhaps once more alone. A retry within the budget would run more often.
    assert len(ran) <= 2 and journal.down_since is None


async def test_a_bad_row_and_a_lost_database_repeat_nothing(journal: Journal) -> None:
    await journal.commit(counter("taken", 1))
    ran: list[str] = []
    away = [True]

    def good() -> None:
        ran.append("good")
        Counter.objects.create(name=f"good{len(ran)}", value=1)

    def late() -> None:
        # The batch fails at the bad row. Alone, this function finds the database away once.
        if "good" in ran and len(ran) > 1 and away[0]:
            away[0] = False
            raise OperationalError("the database is away")
        ran.append("late")

    await one_batch(journal, good, counter("taken", 2), late)

    assert len([name for name in stored() if name.startswith("good")]) == 1


async def test_a_commit_waits_for_a_locked_database_within_the_budget(
    journal: Journal, settings: Any
) -> None:
    settings.OCPP_JOURNAL_BUDGET = 60
    with locked() as other:
        waiting = asyncio.ensure_future(journal.commit(counter("waited", 1)))
        await until(lambda: journal.down_since is not None)
        assert not waiting.done()
        other.execute("COMMIT")

        await asyncio.wait_for(waiting, 30)

    assert stored()["waited"] == 1
    assert journal.down_since is None


async def test_after_the_budget_the_journal_is_unavailable_until_the_database_works_again(
    journal: Journal, settings: Any
) -> None:
    settings.OCPP_JOURNAL_BUDGET = 1
    with locked():
        began = time.monotonic()
        results = await asyncio.gather(
            *[journal.commit(counter(f"lost{n}", n)) for n in range(3)], return_exceptions=True
        )
        took = time.monotonic() - began

    assert all(isinstance(result, JournalUnavailable) for result in results)
    assert 1 <= took < 10
    await journal.commit(counter("next", 1))
    assert "next" in stored() and not any(name.startswith("lost") for name in stored())
    assert journal.down_since is None


async def test_every_caller_has_its_own_budget(journal: Journal, settings: Any) -> None:
    settings.OCPP_JOURNAL_BUDGET = 5
    with locked() as other:
        early = asyncio.ensure_future(journal.commit(counter("early", 1)))
        await until(lambda: journal.down_since is not None)
        await asyncio.sleep(4)  # the budget is real time: that of the second commit ends 4 seconds later
        late = asyncio.ensure_future(journal.commit(counter("late", 1)))
        with pytest.raises(JournalUnavailable):
            await early
        assert not late.done()
        other.execute("COMMIT")

        await asyncio.wait_for(late, 30)

    assert "late" in stored()


async def test_a_cancelled_commit_is_still_written_as_a_whole(journal: Journal) -> None:
    gate = Gate()
    held = asyncio.ensure_future(journal.run(gate))
    await asyncio.to_thread(gate.reached.wait, 30)
    unit = counter("whole", 1)
    unit.update(COUNTERS, "whole", value=2)
    cancelled = asyncio.ensure_future(journal.commit(unit))
    await asyncio.sleep(0)

    cancelled.cancel()
    unit.clear()
    gate.opened.set()
    await held
    await journal.run(names)

    assert stored()["whole"] == 2


async def until(condition: Any, seconds: float = 30) -> None:
    """Wait for a condition of the writer thread, which has no event to await."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def test_only_a_batch_of_rows_alone_is_sent_in_one_round_trip(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_rows: list[int] = []
    real = module.transaction_of_rows

    def counted() -> Any:
        of_rows.append(1)
        return real()

    monkeypatch.setattr(module, "transaction_of_rows", counted)

    # A function may read what it has written: its statements wait for their results.
    await one_batch(journal, counter("a", 1), names)
    of_function = counter("f", 1)
    of_function.run(names)
    await one_batch(journal, of_function)
    assert not of_rows
    await one_batch(journal, counter("b", 1), counter("c", 2))
    assert len(of_rows) == 1
    assert stored() == {"a": 1, "b": 1, "c": 2, "f": 1}
