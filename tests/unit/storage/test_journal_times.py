"""The journal on a clock that the test sets: when it writes, retries, gives up and works again."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError, connection

from chargepoints.models import Site
from ocpp_server.observability import measures
from ocpp_server.storage import journal as module
from ocpp_server.storage.bulk import Table
from ocpp_server.storage.journal import Journal, JournalUnavailable
from ocpp_server.storage.unit import Unit
from tests.unit.storage.test_journal import Gate, change, counter, locked, stored, until

# The tables of these apps are emptied after each test; those of all apps take ten times as long.
pytestmark = pytest.mark.django_db(transaction=True, available_apps=["chargepoints", "transactions"])
SITES = Table(Site)
START = 1_000.0


class Clock:
    """The clock of the journal and the timers of its event loop. The pauses of the writer thread move it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.now = START
        self.pauses: list[float] = []
        # The delays with which the event loop was asked to write a batch; 0 is at once.
        self.waits: list[float] = []
        self.checks: list[tuple[float, Callable[[], None], asyncio.TimerHandle]] = []
        self._later, self._soon = loop.call_later, loop.call_soon

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def call_later(self, delay: float, callback: Any, *args: Any, **more: Any) -> asyncio.TimerHandle:
        name = getattr(callback, "__name__", "")
        if not isinstance(getattr(callback, "__self__", None), Journal):
            return self._later(delay, callback, *args, **more)
        if name == "_flush":
            self.waits.append(delay)
            return self._later(0, callback)
        handle = self._later(3_600, callback)
        self.checks.append((delay, callback, handle))
        return handle

    def call_soon(self, callback: Any, *args: Any, **more: Any) -> asyncio.Handle:
        if getattr(callback, "__name__", "") == "_flush":
            self.waits.append(0)
        return self._soon(callback, *args, **more)

    def check(self) -> None:
        """Let the time of the next check come."""
        delay, callback, handle = self.checks.pop()
        assert delay == 0.5 and not handle.cancelled()
        handle.cancel()
        callback()


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    loop = asyncio.get_running_loop()
    clock = Clock(loop)
    monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(loop, "call_later", clock.call_later)
    monkeypatch.setattr(loop, "call_soon", clock.call_soon)
    # The longest pause of each attempt.
    monkeypatch.setattr(module.random, "uniform", lambda least, most: most)
    return clock


@pytest.fixture
async def journal(clock: Clock) -> AsyncIterator[Journal]:
    journal = Journal()
    journal.start()
    yield journal
    await journal.stop()


@pytest.fixture(autouse=True)
def measured(monkeypatch: pytest.MonkeyPatch) -> measures.JournalMeasures:
    """Counts of this test alone."""
    counts = measures.JournalMeasures()
    monkeypatch.setattr(measures, "journal", counts)
    return counts


class Failing:
    """A function that finds the database away a number of times."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.ran = 0

    def __call__(self) -> str:
        self.ran += 1
        if self.ran <= self.times:
            raise OperationalError("the database is away")
        return "done"


class Held:
    """The writer thread hangs in the database while this is entered."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._gate = Gate()
        self.waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def __aenter__(self) -> Held:
        self.waiting = self._journal.run(self._gate)
        await asyncio.to_thread(self._gate.reached.wait, 30)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._gate.opened.set()
        with suppress(JournalUnavailable):
            await self.waiting
        await until(lambda: not self._journal._writing)


def same(items: list[int]) -> list[int]:
    return items


async def many(journal: Journal, number: int) -> None:
    await asyncio.gather(*[journal.run_batched(same, item) for item in range(number)])


# -- when a batch is written ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("per_second", "wait_s"),
    [
        (299, 0),
        (300, 0),
        (301, 0.004 * 301 / 4000),
        (2000, 0.002),
        (3999, 0.004 * 3999 / 4000),
        (4000, 0.004),
        (8000, 0.004),
    ],
)
async def test_above_300_messages_a_second_a_batch_waits_for_more_and_for_at_most_4_ms(
    journal: Journal, clock: Clock, per_second: int, wait_s: float
) -> None:
    await journal.run_batched(same, 0)
    clock.now += 1
    await many(journal, per_second)

    await journal.run_batched(same, 0)

    assert clock.waits[-1] == pytest.approx(wait_s, abs=1e-9)


@pytest.mark.parametrize(
    ("later_s", "jobs", "per_second"),
    # A batch counts by the share of a second that it covers; one that covers two counts alone.
    [(0.5, 400, 900), (0.25, 500, 1250), (2.0, 1400, 700), (0.0, 100, 1099.9)],
)
async def test_the_rate_follows_the_batches_of_the_last_second(
    journal: Journal, clock: Clock, later_s: float, jobs: int, per_second: float
) -> None:
    await journal.run_batched(same, 0)
    clock.now += 1
    await many(journal, 1000)
    clock.now += later_s
    await many(journal, jobs)

    await journal.run_batched(same, 0)

    assert clock.waits[-1] == pytest.approx(0.004 * per_second / 4000)


async def test_messages_of_one_moment_make_one_batch_and_those_during_it_the_next(journal: Journal) -> None:
    async with Held(journal):
        before = journal.batches
        work = [journal.commit(counter(f"c{n}", n)) for n in range(3)]
        await asyncio.sleep(0)
        assert journal.depth == 3

    await asyncio.gather(*work)
    assert (journal.depth, journal.batches - before, journal.last_batch) == (0, 2, 3)
    assert journal.committed == 4


async def test_a_started_journal_keeps_its_thread_and_its_jobs_when_it_is_started_again(
    journal: Journal,
) -> None:
    async with Held(journal):
        work = journal.commit(counter("kept", 1))

        journal.start()
        assert [thread.name for thread in threading.enumerate()].count("journal") == 1

    await work
    assert stored()["kept"] == 1


async def test_a_journal_that_was_never_started_stops_and_refuses() -> None:
    journal = Journal()
    assert (journal.depth, journal.down_since) == (0, None)
    assert (journal.batches, journal.committed, journal.last_batch) == (0, 0, 0)

    await journal.stop()

    with pytest.raises(JournalUnavailable):
        journal.commit(counter("never", 1))


async def test_the_threads_of_a_stopped_journal_end_and_its_checks_too(clock: Clock) -> None:
    journal = Journal()
    journal.start()
    assert {"journal", "checkpoints"} <= {thread.name for thread in threading.enumerate()}
    assert all(t.daemon for t in threading.enumerate() if t.name in ("journal", "checkpoints"))

    await journal.commit(counter("last", 1))
    await journal.stop()

    names = {thread.name for thread in threading.enumerate()}
    assert "journal" not in names and "checkpoints" not in names
    assert clock.checks[-1][2].cancelled()


# -- retries ----------------------------------------------------------------------------------------------


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


# -- away and back ----------------------------------------------------------------------------------------


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


def conflict() -> Exception:
    """The driver's error for a transaction that lost against another one."""
    error = Exception("deadlock detected")
    error.sqlstate = "40P01"  # type: ignore[attr-defined]
    return error


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


# -- a writer that hangs ----------------------------------------------------------------------------------


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


def site(name: str) -> Unit:
    unit = Unit()
    now = datetime.now(UTC)
    unit.insert(SITES, name=name, name_key=name.lower(), created_at=now, updated_at=now)
    return unit


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
