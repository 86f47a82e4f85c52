"""From when until when the journal counts as down."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection

from ocpp_server.storage.journal import Journal, JournalUnavailable
from ocpp_server.storage.unit import Unit
from tests.unit.storage.test_journal import change, counter, locked
from tests.unit.storage.timed.clock import START, Clock, Failing, conflict, site
from transactions.models import Counter

# The tables of these apps are emptied after each test; those of all apps take ten times as long.
pytestmark = pytest.mark.django_db(transaction=True, available_apps=["chargepoints", "transactions"])


async def test_one_failure_shows_the_journal_as_down_since_then(
    journal: Journal, clock: Clock, settings: Any
) -> None:
    settings.OCPP_JOURNAL_BUDGET = 60
    seen: list[float | None] = []
    failing = Failing(2)

    def watched() -> str:
        seen.append(journal.down_since)
        return failing()

    await journal.run(watched)

    # The pauses between the attempts do not move the time of the first failure.
    assert seen == [None, START, START]


async def test_a_function_alone_does_not_end_the_outage_before_15_quiet_seconds(
    journal: Journal, clock: Clock, settings: Any
) -> None:
    settings.OCPP_JOURNAL_BUDGET = 60
    await journal.run(Failing(1))
    assert journal.down_since == START

    clock.now = START + 15
    await journal.run(lambda: None)
    assert journal.down_since == START

    clock.now = START + 15.01
    await journal.run(lambda: None)
    assert journal.down_since is None


async def test_stored_rows_end_an_outage_in_which_no_rows_were_refused(
    journal: Journal, settings: Any
) -> None:
    settings.OCPP_JOURNAL_BUDGET = 60
    await journal.run(Failing(1))

    await journal.commit(counter("a", 1))

    assert journal.down_since is None


async def test_an_outage_lasts_until_rows_of_every_refused_table_are_stored(
    journal: Journal, settings: Any
) -> None:
    settings.OCPP_JOURNAL_BUDGET = 0
    await journal.run(lambda: None)
    with locked():
        refused = [journal.commit(change("a", 1)), journal.commit(site("One"))]
        results = await asyncio.gather(*refused, return_exceptions=True)
    assert all(isinstance(result, JournalUnavailable) for result in results)
    settings.OCPP_JOURNAL_BUDGET = 60

    await journal.commit(site("Two"))
    assert journal.down_since is not None

    await journal.commit(counter("b", 1))
    assert journal.down_since is None


def _settle(name: str) -> None:
    Counter.objects.create(name=name, value=1)


def _sign(name: str) -> None:
    Counter.objects.create(name=name, value=2)


def of_function(function: Callable[[str], None], name: str) -> Unit:
    unit = Unit()
    unit.run(function, name)
    return unit


async def test_an_outage_lasts_until_every_refused_function_of_a_unit_has_run(
    journal: Journal, settings: Any
) -> None:
    settings.OCPP_JOURNAL_BUDGET = 0
    await journal.run(lambda: None)
    with locked(), pytest.raises(JournalUnavailable):
        await journal.commit(of_function(_settle, "a"))
    settings.OCPP_JOURNAL_BUDGET = 60

    await journal.commit(of_function(_sign, "b"))
    await journal.commit(site("One"))
    assert journal.down_since is not None

    await journal.commit(of_function(_settle, "c"))
    assert journal.down_since is None


async def test_a_function_of_a_unit_that_fails_by_itself_does_not_end_the_outage(
    journal: Journal, settings: Any
) -> None:
    settings.OCPP_JOURNAL_BUDGET = 60
    await journal.commit(of_function(_settle, "taken"))
    await journal.run(Failing(1))

    with pytest.raises(Exception, match="UNIQUE"):
        await journal.commit(of_function(_settle, "taken"))
    assert journal.down_since is not None

    await journal.commit(of_function(_settle, "free"))
    assert journal.down_since is None


async def test_a_row_that_is_refused_for_its_own_fault_does_not_end_the_outage(
    journal: Journal, settings: Any
) -> None:
    settings.OCPP_JOURNAL_BUDGET = 60
    await journal.commit(counter("taken", 1))
    await journal.run(Failing(1))

    with pytest.raises(Exception, match="UNIQUE"):
        await journal.commit(counter("taken", 2))
    assert journal.down_since is not None

    await journal.commit(change("taken", 3))
    assert journal.down_since is None


async def test_after_15_quiet_seconds_tables_that_were_refused_are_forgotten(
    journal: Journal, clock: Clock, settings: Any
) -> None:
    settings.OCPP_JOURNAL_BUDGET = 0
    with locked(), pytest.raises(JournalUnavailable):
        await journal.commit(site("One"))
    settings.OCPP_JOURNAL_BUDGET = 60
    clock.now += 16
    await journal.run(lambda: None)
    assert journal.down_since is None

    await journal.run(Failing(1))
    await journal.commit(counter("a", 1))

    assert journal.down_since is None


async def test_a_restarted_journal_is_not_down(journal: Journal, settings: Any) -> None:
    settings.OCPP_JOURNAL_BUDGET = 60
    await journal.run(Failing(1))
    await journal.stop()

    journal.start()

    assert journal.down_since is None


async def test_the_connection_is_replaced_after_a_failure(journal: Journal, settings: Any) -> None:
    settings.OCPP_JOURNAL_BUDGET = 60
    seen: list[Any] = []
    failing = Failing(1)

    def watched() -> str:
        seen.append(connection.connection)
        return failing()

    await journal.run(watched)
    await journal.run(watched)

    assert seen[0] is not seen[1] and seen[1] is seen[2]


async def test_a_deadlock_is_retried_on_the_same_connection_and_is_no_outage(
    journal: Journal, clock: Clock, settings: Any
) -> None:
    settings.OCPP_JOURNAL_BUDGET = 60
    seen: list[Any] = []
    down: list[float | None] = []

    def deadlocked() -> None:
        seen.append(connection.connection)
        down.append(journal.down_since)
        if len(seen) < 3:
            raise OperationalError("deadlock detected") from conflict()

    await journal.run(deadlocked)

    assert seen[0] is seen[1] is seen[2]
    # One conflict is no outage; the second in a row counts as one.
    assert down == [None, None, START + 0.05]


async def test_the_writer_waits_half_a_second_for_a_lock_and_leaves_the_log_to_the_checkpoints(
    journal: Journal,
) -> None:
    def pragmas() -> list[int]:
        with connection.cursor() as cursor:
            return [
                cursor.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("busy_timeout", "wal_autocheckpoint")
            ]

    assert await journal.run(pragmas) == [500, 4096]


async def test_tables_that_were_refused_one_after_the_other_are_all_waited_for(
    journal: Journal, settings: Any
) -> None:
    settings.OCPP_JOURNAL_BUDGET = 0
    with locked():
        for unit in (change("a", 1), site("One")):
            with pytest.raises(JournalUnavailable):
                await journal.commit(unit)
    settings.OCPP_JOURNAL_BUDGET = 60

    await journal.commit(site("Two"))
    assert journal.down_since is not None
    await journal.commit(counter("b", 1))
    assert journal.down_since is None


async def test_the_connection_is_closed_at_the_stop(journal: Journal) -> None:
    driver: Any = await journal.run(lambda: connection.ensure_connection() or connection.connection)

    await journal.stop()

    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        driver.execute("SELECT 1")
