"""The downlink of a gateway: one task waits for wake-ups, takes envelopes from the queue and delivers them to
the sockets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from ocpp_server.live.redis.link import AWAY, RETRY_S
from ocpp_server.live.redis.wire import Wire
from ocpp_server.transport.queue.gateway_side import GatewayQueue, Taken

log = structlog.get_logger(__name__)

# How often overdue stations are polled without a wake-up, in seconds.
POLL_S = 1.0


class Downlink:
    """Calls `deliver` with the answers for one station, and `away` during an outage of Redis. `overdue`
    returns the stations to poll without a wake-up.
    """

    def __init__(
        self,
        queue: GatewayQueue,
        *,
        deliver: Callable[[Taken], Awaitable[None]],
        overdue: Callable[[], list[str]],
        away: Callable[[BaseException], None],
    ) -> None:
        self._queue = queue
        self._deliver, self._overdue, self._away = deliver, overdue, away
        self._wire = Wire()
        self._task: asyncio.Task[None] | None = None
        self._also: set[str] = set()
        self.takes = 0
        self.answers = 0

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._wire.close()

    def poll(self, identity: str) -> None:
        """Take the answers of this station within a second, without a wake-up."""
        self._also.add(identity)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        failures = number = 0
        also: list[str] = []
        poll_at = loop.time() + POLL_S
        while True:
            try:
                # A call after a failure has the same number and returns the same answers: none is lost with a
                # lost reply.
                taken = await self._queue.take(self._wire, number, also, block_s=0 if also else POLL_S)
            except AWAY as error:
                self._away(error)
                await asyncio.sleep(RETRY_S[min(failures, len(RETRY_S) - 1)])
                failures += 1
                continue
            failures = 0
            number += 1
            self.takes += 1
            for one in taken:
                self.answers += len(one.answers)
                await self._deliver_one(one)
            also = []
            if loop.time() >= poll_at:
                also = [*self._also, *self._overdue()]
                self._also.clear()
                poll_at = loop.time() + POLL_S

    async def _deliver_one(self, one: Taken) -> None:
        try:
            await self._deliver(one)
        except Exception:
            # The reply holds answers for other stations too.
            log.exception("gateway.undelivered", station=one.identity)
