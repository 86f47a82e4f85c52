"""How busy the event loop is: how much later than asked it wakes up, because one handler held up the rest."""

from __future__ import annotations

import asyncio

from ocpp_server.observability import measures

EVERY_S = 0.5


class Pulse:
    """Two beats a second while a process serves."""

    def __init__(self) -> None:
        self._beat: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self.stop()
        loop = asyncio.get_running_loop()
        due = loop.time() + EVERY_S
        self._beat = loop.call_at(due, self._felt, loop, due)

    def stop(self) -> None:
        if self._beat is not None:
            self._beat.cancel()
            self._beat = None

    def _felt(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        now = loop.time()
        measures.loop_lag_s.add(max(0.0, now - due))
        # From now on: a loop that was stuck is counted once with its whole lag, not once for every missed
        # tick.
        self._beat = loop.call_at(now + EVERY_S, self._felt, loop, now + EVERY_S)


pulse = Pulse()
