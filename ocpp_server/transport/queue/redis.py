"""The processor's connections to Redis. Every outage raises LiveStateUnavailable."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from ocpp_server.live import LiveStateUnavailable
from ocpp_server.live.redis.keys import Script
from ocpp_server.live.redis.link import AWAY, reason_of
from ocpp_server.live.redis.wire import Part, Wire
from ocpp_server.transport.queue.gateway_side import Sweeper
from ocpp_server.transport.queue.keys import QueueKeys


class QueueRedis:
    """One connection for calls, and one that waits for wake-ups. Belongs to one event loop. Replies are
    bytes, because an identity need not be valid UTF-8.
    """

    def __init__(self) -> None:
        self.keys = QueueKeys(settings.REDIS_STATE_PREFIX)
        self._kept_ms = int(settings.REDIS_STATE_TTL * 1000)
        self._wire = Wire()
        self._waiting = Wire()
        self._sweeper = Sweeper(self._wire, self.keys)

    async def run(self, used: Script, *arguments: Part) -> Any:
        """Run a script. Raises LiveStateUnavailable; the script may have run nevertheless."""
        try:
            return await self._wire.run(used, [self.keys.prefix], self._kept_ms, *arguments)
        except AWAY as error:
            raise LiveStateUnavailable(reason_of(error)) from error

    async def call(self, *parts: Part) -> Any:
        """The reply to a command. Raises LiveStateUnavailable."""
        try:
            return await self._wire.call(*parts)
        except AWAY as error:
            raise LiveStateUnavailable(reason_of(error)) from error

    async def run_after_wakeup(
        self, used: Script, *arguments: Part, lists: tuple[str, ...], within: float
    ) -> Any:
        """Wait for a wake-up, at most `within` seconds, then run a script, in the same round trip.

        Raises LiveStateUnavailable; the script may have run nevertheless.
        """
        wait = ("BLPOP", *lists, str(within)) if within else ()
        try:
            return await self._waiting.run(
                used, [self.keys.prefix], self._kept_ms, *arguments, after=wait, block_s=within
            )
        except AWAY as error:
            raise LiveStateUnavailable(reason_of(error)) from error

    async def sweep(self) -> list[str]:
        """See `Sweeper`. Raises LiveStateUnavailable."""
        try:
            return await self._sweeper.sweep()
        except AWAY as error:
            raise LiveStateUnavailable(reason_of(error)) from error

    def close(self) -> None:
        self._wire.close()
        self._waiting.close()
