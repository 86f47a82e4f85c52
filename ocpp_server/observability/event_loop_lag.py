"""The lag of the event loop: how late its timers run, because a handler blocks it."""

from __future__ import annotations

import asyncio

from ocpp_server.observability import measures

EVERY_S = 0.5


class LagMeter:
    """Measures the lag twice a second."""

    def __init__(self) -> None:
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self.stop()
        loop = asyncio.get_running_loop()
        due = loop.time() + EVERY_S
        self._timer = loop.call_at(due, self._measure, loop, due)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _measure(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        now = loop.time()
        measures.loop_lag_s.add(max(0.0, now - due))
        # The next timer is relative to now: a loop that was blocked is counted once with its whole lag, not
        # once for every missed timer.
        self._timer = loop.call_at(now + EVERY_S, self._measure, loop, now + EVERY_S)


lag_meter = LagMeter()
