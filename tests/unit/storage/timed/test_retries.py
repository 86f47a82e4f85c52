"""The retries of the journal, and the end of a job that can't be written."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError

from ocpp_server.observability import measures
from ocpp_server.storage import journal as module
from ocpp_server.storage.journal import Journal, JournalUnavailable
from tests.unit.storage.test_journal import counter, stored, until
from tests.unit.storage.timed.clock import Clock, Failing, Held

# The tables of these apps are emptied after each test; those of all apps take ten times as long.
pytestmark = pytest.mark.django_db(transaction=True, available_apps=["chargepoints", "transactions"])


async def test_pauses_between_attempts_grow_to_a_second(
    journal: Journal, clock: Clock, measured: measures.JournalMeasures, settings: Any
) -> None:
    settings.OCPP_JOURNAL_BUDGET = 60
    failing = Failing(7)

    assert await journal.run(failing) == "done"

    assert clock.pauses == [0.05, 0.1, 0.25, 0.5, 1.0, 1.0, 1.0]
    assert (failing.ran, measured.retries, measured.given_up, measured.refused_batches) == (8, 7, 0, 0)


async def test_processes_do_not_retry_at_the_same_moment(
    journal: Journal, clock: Clock, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.OCPP_JOURNAL_BUDGET = 60
    monkeypatch.setattr(module.random, "uniform", lambda least, most: least)

    await journal.run(Failing(2))

    assert clock.pauses == [0.025, 0.05]


@pytest.mark.parametrize(("budget_s", "attempts"), [(0.04, 2), (0.05, 2), (0.06, 3), (0.4, 4), (0.41, 5)])
async def test_a_job_is_given_up_after_its_budget_and_not_before(
    journal: Journal,
    clock: Clock,
    settings: Any,
    budget_s: float,
    attempts: int,
) -> None:
    measured = measures.journal
    clock.now = 0.0
    settings.OCPP_JOURNAL_BUDGET = budget_s
    failing = Failing(100)

    with pytest.raises(JournalUnavailable):
        await journal.run(failing)

    await until(lambda: not journal._writing)
    assert (failing.ran, measured.retries, measured.given_up) == (attempts, attempts, 1)
    assert len(clock.pauses) == attempts - 1
    assert (journal.batches, journal.committed) == (0, 0)


async def test_a_caller_hears_of_the_end_of_its_budget_while_others_still_wait(
    journal: Journal, clock: Clock, measured: measures.JournalMeasures, settings: Any
) -> None:
    settings.OCPP_JOURNAL_BUDGET = 10
    attempts = 0
    told = threading.Event()

    def away_for_long() -> str:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            clock.now += 6
            raise OperationalError("the database is away")
        assert told.wait(30)
        return "done"

    async with Held(journal):
        early = [journal.commit(counter(f"early{n}", n)) for n in range(2)]
        clock.now += 5
        late = [journal.run(away_for_long), journal.run(lambda: "also")]

    with pytest.raises(JournalUnavailable):
        await early[0]
    assert early[1].done() and not any(future.done() for future in late)
    told.set()
    assert await asyncio.gather(*late) == ["done", "also"]
    assert (measured.given_up, measured.retries) == (2, 1)
    # The job of `Held`, and the two that were not given up.
    await until(lambda: not journal._writing)
    assert (journal.committed, journal.last_batch) == (3, 4)
    assert not any(name.startswith("early") for name in stored())


async def test_what_was_stored_before_the_database_went_is_not_written_again(
    journal: Journal, settings: Any
) -> None:
    settings.OCPP_JOURNAL_BUDGET = 60
    await journal.commit(counter("taken", 1))
    ran: list[str] = []
    failing = Failing(2)

    def once() -> int:
        ran.append("once")
        return len(ran)

    async with Held(journal):
        # The row that is refused makes every job be written alone; the second time the database is away.
        work = [journal.commit(counter("taken", 2)), journal.run(once), journal.run(failing)]
        failing.times = 1 + 1

    results = await asyncio.gather(*work, return_exceptions=True)
    assert isinstance(results[0], Exception) and not isinstance(results[0], JournalUnavailable)
    assert results[2] == "done"
    assert results[1] == len(ran)
    assert stored()["taken"] == 1


async def test_a_refused_row_does_not_fail_the_job_when_a_retry_stores_it(
    journal: Journal, settings: Any
) -> None:
    settings.OCPP_JOURNAL_BUDGET = 60
    wrong = [LookupError("no such thing")]

    def wrong_once() -> str:
        if wrong:
            raise wrong.pop()
        return "done"

    async with Held(journal):
        work = [journal.run(wrong_once), journal.run(Failing(1))]

    # The attempt in which the first function failed was not stored, so it counts for nothing.
    assert await asyncio.gather(*work) == ["done", "done"]


async def test_a_batch_is_measured_from_its_first_job_and_from_its_last_attempt(
    journal: Journal, clock: Clock, measured: measures.JournalMeasures
) -> None:
    def slow() -> None:
        clock.now += 3

    async with Held(journal):
        work = [journal.run(slow)]
        clock.now += 2
        work.append(journal.run(lambda: None))
        before = measured.jobs.total, measured.commit_s.total, measured.wait_s.total
        clock.now += 0  # the batch of `Held` has taken two seconds

    await asyncio.gather(*work)
    await until(lambda: not journal._writing)
    assert before == (0, 0, 0)
    assert measured.jobs.total == 1 + 2
    assert measured.commit_s.total == 2 + 3
    assert measured.wait_s.total == 2 + 2 + 3


async def test_jobs_that_are_given_up_one_after_the_other_do_not_count_as_committed(
    journal: Journal, clock: Clock, measured: measures.JournalMeasures, settings: Any
) -> None:
    settings.OCPP_JOURNAL_BUDGET = 10
    attempts = 0

    def twice_away() -> str:
        nonlocal attempts
        attempts += 1
        if attempts < 3:
            clock.now += 4.5
            raise OperationalError("the database is away")
        return "done"

    async with Held(journal):
        early = []
        for name in "ab":
            early.append(journal.commit(counter(name, 1)))
            clock.now += 4
        late = journal.run(twice_away)

    results = await asyncio.gather(*early, late, return_exceptions=True)
    await until(lambda: not journal._writing)
    assert [type(result) for result in results] == [JournalUnavailable, JournalUnavailable, str]
    # The job of `Held`, and the one that was not given up.
    assert (journal.committed, measured.given_up, measured.retries) == (2, 2, 2)


async def test_each_batch_with_a_refused_row_is_counted(
    journal: Journal, measured: measures.JournalMeasures
) -> None:
    await journal.commit(counter("taken", 1))

    for number in (1, 2):
        with pytest.raises(IntegrityError):
            await journal.commit(counter("taken", 2))
        assert measured.refused_batches == number
