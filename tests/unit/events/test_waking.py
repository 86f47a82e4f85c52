"""The wake-ups of the reader that numbers events: many commits make one, and none is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from events.services import waking
from ocpp_server import live
from ocpp_server.transport.switchboard import switchboard


class Process:
    """The calls into the event loop of a process, and its announcements. Not running: without a loop."""

    def __init__(self) -> None:
        self.is_running = True
        self.is_housekeeper = False
        self.calls: list[Callable[[], None]] = []
        self.announced = 0
        self.woken = 0
        self.pauses: list[float] = []
        self.pause_is_over = asyncio.Event()

    def call_soon(self, function: Callable[[], None]) -> bool:
        if self.is_running:
            self.calls.append(function)
        return self.is_running

    async def announce_events(self) -> None:
        self.announced += 1

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await self.pause_is_over.wait()
        self.pause_is_over.clear()

    def wake(self) -> None:
        self.woken += 1

    async def turn(self) -> None:
        """Run what was called into the event loop, and the tasks that it started."""
        calls, self.calls = self.calls, []
        for function in calls:
            function()
        for _ in range(5):
            await asyncio.sleep(0)


@pytest.fixture
async def process(monkeypatch: pytest.MonkeyPatch) -> Process:
    made = Process()
    monkeypatch.setattr(switchboard, "call_soon", made.call_soon)
    monkeypatch.setattr(switchboard, "announce_events", made.announce_events)
    monkeypatch.setattr(live, "state", lambda: made)
    monkeypatch.setattr(waking, "NUMBER_EVENTS", made)
    monkeypatch.setattr(
        waking,
        "asyncio",
        SimpleNamespace(sleep=made.sleep, get_running_loop=asyncio.get_running_loop, Task=asyncio.Task),
    )
    return made


@pytest.fixture
def wake(process: Process) -> Callable[[], None]:
    """The waker of a process that has just started."""
    return waking._Waker().wake


async def test_many_commits_make_one_call_into_the_event_loop(
    process: Process, wake: Callable[[], None]
) -> None:
    for _ in range(3):
        wake()
    assert len(process.calls) == 1

    await process.turn()
    wake()

    assert len(process.calls) == 1


async def test_the_housekeeper_wakes_its_own_reader(process: Process, wake: Callable[[], None]) -> None:
    process.is_housekeeper = True

    wake()
    await process.turn()

    assert (process.woken, process.announced) == (1, 0)


async def test_another_process_announces_its_events_with_a_pause_between(
    process: Process, wake: Callable[[], None]
) -> None:
    wake()
    await process.turn()
    assert (process.woken, process.announced, process.pauses) == (0, 1, [0.05])

    for _ in range(3):  # during the pause
        wake()
        await process.turn()
    assert process.announced == 1
    process.pause_is_over.set()
    await process.turn()
    assert process.announced == 2

    process.pause_is_over.set()
    await process.turn()
    assert process.announced == 2


async def test_after_a_quiet_pause_the_next_commit_is_announced_at_once(
    process: Process, wake: Callable[[], None]
) -> None:
    wake()
    await process.turn()
    process.pause_is_over.set()
    await process.turn()

    wake()
    await process.turn()

    assert process.announced == 2


async def test_a_commit_without_an_event_loop_does_not_silence_later_ones(
    process: Process, wake: Callable[[], None]
) -> None:
    process.is_running = False
    wake()
    process.is_running = True

    wake()
    await process.turn()

    assert process.announced == 1


async def test_a_call_that_runs_before_its_caller_goes_on_does_not_silence_later_ones(
    process: Process, wake: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    process.is_housekeeper = True

    def call_at_once(function: Callable[[], None]) -> bool:  # the event loop is in another thread
        function()
        return True

    monkeypatch.setattr(switchboard, "call_soon", call_at_once)

    wake()
    wake()

    assert process.woken == 2
