"""Wakes the reader that numbers events.

The reader also polls each second, so a lost wake-up delays events and loses none.
"""

from __future__ import annotations

import asyncio
import threading
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
        self._called = threading.Event()
        self._due = threading.Event()
        self._task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        if self._called.is_set():
            return
        # Set before the call: the event loop may run `_wake` before `call_soon` returns here.
        self._called.set()
        if not switchboard.call_soon(self._wake):
            self._called.clear()

    def _wake(self) -> None:
        self._called.clear()
        if live.state().is_housekeeper:
            NUMBER_EVENTS.wake()
        elif self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._announce())
        else:
            self._due.set()

    async def _announce(self) -> None:
        while True:
            self._due.clear()
            await switchboard.announce_events()
            await asyncio.sleep(PAUSE_S)
            if not self._due.is_set():
                return


wake = _Waker().wake
