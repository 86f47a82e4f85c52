"""Fixtures of the tests of this folder."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable

import pytest

from ocpp_server.observability import measures
from ocpp_server.storage import journal as module
from ocpp_server.storage.journal import Journal
from tests.unit.storage.timed.clock import Clock

Threads = Callable[[], list[threading.Thread]]


@pytest.fixture(autouse=True)
def threads() -> Threads:
    """The threads that run since the test has begun: one of an earlier test may still run."""
    before = set(threading.enumerate())
    return lambda: [thread for thread in threading.enumerate() if thread not in before]


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
async def journal(clock: Clock, threads: Threads) -> AsyncIterator[Journal]:
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
