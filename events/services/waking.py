"""Wakes the reader that numbers events.

The reader also polls each second, so a lost wake-up delays events and loses none.
"""

from __future__ import annotations

import asyncio
from typing import Final

from ocpp_server import live
from ocpp_server.process.scheduler import Job
from ocpp_server.transport.switchboard import switchboard

NUMBER_EVENTS: Final = Job("number_events", every=1.0)
# At most one message in this time to the reader of another process.
PAUSE_S: Final = 0.05


class _Waker:
    """The wake-ups of this process, gathered: many commits make one."""

    def __init__(self) -> None:
        self._is_called = False
        self._is_due = False
        self._task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        if self._is_called:
            return
        # Set before the call: the event loop may run `_wake` before `call_soon` returns here.
        self._is_called = True
        if not switchboard.call_soon(self._wake):
            self._is_called = False

    def _wake(self) -> None:
        self._is_called = False
        if live.state().is_housekeeper:
            NUMBER_EVENTS.wake()
        elif self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._announce())
        else:
            self._is_due = True

    async def _announce(self) -> None:
        while True:
            self._is_due = False
            await switchboard.announce_events()
            await asyncio.sleep(PAUSE_S)
            if not self._is_due:
                return


wake = _Waker().wake
