"""The times at which the journal writes a batch and ends."""

from __future__ import annotations

import asyncio
import threading

import pytest

from ocpp_server.storage.journal import Journal, JournalUnavailable
from tests.unit.storage.test_journal import Gate, counter, stored
from tests.unit.storage.timed.clock import Clock, Held, many, same
from tests.unit.storage.timed.conftest import Threads

# The tables of these apps are emptied after each test; those of all apps take ten times as long.
pytestmark = pytest.mark.django_db(transaction=True, available_apps=["chargepoints", "transactions"])


async def test_a_batch_waits_for_more_at_a_rate_that_brings_more(journal: Journal, clock: Clock) -> None:
    await journal.run_batched(same, 0)
    clock.now += 1
    await many(journal, 1000)

    await journal.run_batched(same, 0)

    assert clock.waits == [0, 0, 0.008]


async def test_a_caller_that_sends_one_after_the_other_is_soon_not_delayed(
    journal: Journal, clock: Clock
) -> None:
    await journal.run_batched(same, 0)
    clock.now += 1
    await many(journal, 1000)
    clock.waits.clear()

    for number in range(6):
        await journal.run_batched(same, number)

    assert clock.waits[:3] != [0, 0, 0]
    assert clock.waits[3:] == [0, 0, 0]


async def test_messages_that_came_during_the_pause_keep_it(journal: Journal, clock: Clock) -> None:
    await journal.run_batched(same, 0)
    clock.now += 1
    await many(journal, 1000)
    clock.waits.clear()

    for number in range(6):
        first = journal.run_batched(same, number)
        await journal.run_batched(same, number)
        await first

    assert 0 not in clock.waits


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
    threads: Threads, journal: Journal
) -> None:
    async with Held(journal):
        work = journal.commit(counter("kept", 1))

        journal.start()
        assert [thread.name for thread in threads()].count("journal") == 1

    await work
    assert stored()["kept"] == 1


async def test_stop_writes_what_was_submitted_a_moment_before(journal: Journal) -> None:
    work = journal.commit(counter("last", 1))

    await journal.stop()

    assert work.done() and stored()["last"] == 1


async def test_stop_waits_for_the_batch_that_is_being_written(journal: Journal) -> None:
    async with Held(journal) as held:
        stopping = asyncio.ensure_future(journal.stop())
        await asyncio.sleep(0.05)
        assert not stopping.done() and not held.waiting.done()
    await stopping

    assert held.waiting.done() and held.waiting.exception() is None


async def test_a_journal_that_was_never_started_stops_and_refuses() -> None:
    journal = Journal()
    assert (journal.depth, journal.down_since) == (0, None)
    assert (journal.batches, journal.committed, journal.last_batch) == (0, 0, 0)

    await journal.stop()

    with pytest.raises(JournalUnavailable):
        journal.commit(counter("never", 1))


async def test_the_threads_of_a_stopped_journal_end_and_its_checks_too(
    clock: Clock, threads: Threads
) -> None:
    journal = Journal()
    journal.start()
    assert {"journal", "checkpoints"} <= {thread.name for thread in threads()}
    assert all(t.daemon for t in threads() if t.name in ("journal", "checkpoints"))

    await journal.commit(counter("last", 1))
    await journal.stop()

    names = {thread.name for thread in threads()}
    assert "journal" not in names and "checkpoints" not in names
    assert clock.checks[-1][2].cancelled()


async def test_stop_looks_a_hundred_times_a_second_whether_the_batch_is_written(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    pause = asyncio.sleep

    async def noted(seconds: float) -> None:
        pauses.append(seconds)
        await pause(seconds)

    async with Held(journal):
        with monkeypatch.context() as patched:
            patched.setattr(asyncio, "sleep", noted)
            stopping = asyncio.ensure_future(journal.stop())
            await pause(0)
    await stopping

    assert pauses[0] == 0.01


async def test_a_function_that_answers_fewer_items_than_it_got_fails_their_callers(journal: Journal) -> None:
    def fewer(items: list[int]) -> list[int]:
        return items[1:]

    async with Held(journal):
        work = [journal.run_batched(fewer, item) for item in range(3)]

    results = await asyncio.gather(*work, return_exceptions=True)
    assert [type(result) for result in results] == [ValueError] * 3


def test_a_journal_starts_again_only_when_the_batch_of_its_ended_loop_is_written() -> None:
    journal, gate, written = Journal(), Gate(), threading.Event()

    def slow() -> None:
        gate()
        written.set()

    async def first() -> None:
        journal.start()
        journal.run(slow)
        await asyncio.to_thread(gate.reached.wait, 30)

    async def second() -> None:
        opening = threading.Timer(0.05, gate.opened.set)
        opening.start()
        journal.start()
        was_written = written.is_set()
        gate.opened.set()
        await journal.stop()
        assert was_written

    asyncio.run(first())
    asyncio.run(second())
