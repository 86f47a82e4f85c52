"""A journal that stops writes all that it has, and starts again."""

from __future__ import annotations

import asyncio

import pytest

from ocpp_server.storage.journal import Journal, JournalUnavailable
from tests.unit.storage.test_journal import counter, journal, stored

# The tables of these apps are emptied after each test; those of all apps take ten times as long.
pytestmark = pytest.mark.django_db(transaction=True, available_apps=["chargepoints", "transactions"])
__all__ = ["journal"]


async def test_stop_writes_everything(journal: Journal) -> None:
    waiting = [asyncio.ensure_future(journal.commit(counter(f"last{n}", n))) for n in range(20)]
    await asyncio.sleep(0)

    await journal.stop()

    assert all(task.done() and task.exception() is None for task in waiting)
    assert {f"last{n}" for n in range(20)} <= set(stored())


async def test_a_commit_after_the_stop_fails_at_once(journal: Journal) -> None:
    await journal.stop()

    with pytest.raises(JournalUnavailable):
        await journal.commit(counter("never", 1))


async def test_a_stopped_journal_starts_again(journal: Journal) -> None:
    await journal.stop()

    journal.start()
    await journal.commit(counter("again", 1))

    assert stored()["again"] == 1


def test_a_journal_whose_loop_has_ended_serves_the_next_one() -> None:
    journal = Journal()

    async def first() -> None:
        journal.start()
        await journal.commit(counter("first loop", 1))

    async def second() -> None:
        journal.start()
        await journal.commit(counter("second loop", 1))
        await journal.stop()

    asyncio.run(first())
    asyncio.run(asyncio.wait_for(second(), 30))

    assert {"first loop", "second loop"} <= set(stored())
