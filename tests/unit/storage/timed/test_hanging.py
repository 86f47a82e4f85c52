"""A writer thread that hangs in the database."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError

from ocpp_server.observability import measures
from ocpp_server.storage.journal import Journal, JournalUnavailable
from tests.unit.storage.test_journal import Gate, counter, stored, until
from tests.unit.storage.timed.clock import START, Clock, Failing, Held

# The tables of these apps are emptied after each test; those of all apps take ten times as long.
pytestmark = pytest.mark.django_db(transaction=True, available_apps=["chargepoints", "transactions"])


async def test_jobs_are_failed_a_second_after_their_budget_when_the_writer_hangs(
    journal: Journal, clock: Clock, measured: measures.JournalMeasures, settings: Any
) -> None:
    settings.OCPP_JOURNAL_BUDGET = 10
    async with Held(journal) as held:
        second = journal.commit(counter("second", 1))
        clock.now += 1
        third = journal.commit(counter("third", 1))
        await asyncio.sleep(0)

        clock.now = START + 10.99
        clock.check()
        assert (held.waiting.done(), second.done(), journal.down_since) == (False, False, None)

        clock.now = START + 11
        clock.check()
        with pytest.raises(JournalUnavailable):
            await held.waiting
        with pytest.raises(JournalUnavailable):
            await second
        assert not third.done()
        assert (journal.down_since, measured.given_up, journal.depth) == (START, 2, 1)

        # Failed once, they are not counted a second time.
        clock.check()
        assert (measured.given_up, third.done()) == (2, False)

        clock.now = START + 12
        clock.check()
        with pytest.raises(JournalUnavailable):
            await third
        assert (journal.down_since, measured.given_up, journal.depth) == (START, 3, 0)

    # What the writer had not received yet is not written later.
    await journal.commit(counter("after", 1))
    assert not {"second", "third"} & set(stored())


async def test_the_time_of_an_outage_is_that_of_its_first_failure_also_when_the_writer_hangs_later(
    journal: Journal, clock: Clock, settings: Any
) -> None:
    settings.OCPP_JOURNAL_BUDGET = 60
    await journal.run(Failing(1))
    clock.now += 5
    async with Held(journal):
        clock.now += 100
        clock.check()

        assert journal.down_since == START


async def test_a_journal_that_writes_nothing_is_checked_and_fails_nothing(
    journal: Journal, clock: Clock
) -> None:
    clock.check()
    await journal.commit(counter("a", 1))
    await until(lambda: not journal._writing)
    clock.now += 1_000

    clock.check()

    assert journal.down_since is None and len(clock.checks) == 1


async def test_a_job_that_was_failed_while_the_writer_hung_may_still_be_stored(
    journal: Journal, clock: Clock, settings: Any
) -> None:
    settings.OCPP_JOURNAL_BUDGET = 10
    gate = Gate()
    async with Held(journal):
        hanging = journal.run(gate)
        work = journal.commit(counter("late", 1))
    await asyncio.to_thread(gate.reached.wait, 30)
    clock.now += 100
    clock.check()
    gate.opened.set()

    results = await asyncio.gather(hanging, work, return_exceptions=True)

    assert all(isinstance(result, JournalUnavailable) for result in results)
    await journal.commit(counter("next", 1))
    assert stored()["late"] == 1


# A journal of a process that ends: nothing waits for the loop that is closed.
def test_a_loop_that_closes_during_an_outage_ends_the_thread_when_the_database_works_again(
    settings: Any,
) -> None:
    settings.OCPP_JOURNAL_BUDGET = 0
    journal = Journal()
    gate = Gate()

    def away() -> None:
        gate()
        raise OperationalError("the database is away")

    async def begin() -> SimpleNamespace:
        journal.start()
        journal.run(away)
        await asyncio.to_thread(gate.reached.wait, 30)
        return SimpleNamespace(thread=journal._thread)

    thread = asyncio.run(begin()).thread
    gate.opened.set()
    thread.join(30)

    assert not thread.is_alive()
