"""The journal on a clock that the test sets: when it writes, retries, gives up and works again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from django.db import OperationalError

from chargepoints.models import Site
from ocpp_server.storage.bulk import Table
from ocpp_server.storage.journal import Journal, JournalUnavailable
from ocpp_server.storage.unit import Unit
from tests.unit.storage.test_journal import Gate, until

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
        if name == "_flush_gathered":
            self.waits.append(delay)
            return self._later(0, callback, *args)
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


def conflict() -> Exception:
    """The driver's error for a transaction that lost against another one."""
    error = Exception("deadlock detected")
    error.sqlstate = "40P01"  # type: ignore[attr-defined]
    return error


def site(name: str) -> Unit:
    unit = Unit()
    now = datetime.now(UTC)
    unit.insert(SITES, name=name, name_key=name.lower(), created_at=now, updated_at=now)
    return unit
