"""How busy the event loop is: how much later than asked it wakes up, because one handler held up the rest."""

from __future__ import annotations

import asyncio

from ocpp_server.observability import measures

EVERY_S = 0.5


class LagMeter:
    """Measures twice a second while a process serves."""

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
        # From now on: a loop that was stuck is counted once with its whole lag, not once for every missed
        # tick.
        self._timer = loop.call_at(now + EVERY_S, self._measure, loop, now + EVERY_S)


lag_meter = LagMeter()
