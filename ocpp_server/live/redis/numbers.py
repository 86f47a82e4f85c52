"""Transaction numbers that several processes issue: increasing and unique, even when Redis loses its data."""

from __future__ import annotations

import asyncio
import time

import structlog
from django.conf import settings
from redis.exceptions import NoScriptError

from ocpp_server.live import extensions
from ocpp_server.live.interface import LiveStateUnavailable
from ocpp_server.live.redis.keys import NUMBER, Keys
from ocpp_server.live.redis.link import AWAY, Link, reason_of
from ocpp_server.storage.journal import journal

log = structlog.get_logger(__name__)

# The most numbers that other processes may have issued and not stored yet when Redis lost the last one.
NUMBERS_IN_FLIGHT = 100
FIRST_NUMBER = 1000
RETRY_S = 0.25


class Numbers:
    """The counter in Redis. After a loss it starts above the highest number in the database."""

    def __init__(self, link: Link, keys: Keys) -> None:
        self._link = link
        self._keys = keys
        self._seeding = asyncio.Lock()

    async def next(self, *, at_least: int) -> int:
        """The next number; after a loss it is above `at_least`, the last number of this process.

        Waits for Redis within OCPP_JOURNAL_BUDGET, then raises LiveStateUnavailable.
        """
        deadline = time.monotonic() + settings.OCPP_JOURNAL_BUDGET
        while True:
            try:
                return await self._next(at_least)
            except LiveStateUnavailable:
                if time.monotonic() + RETRY_S > deadline:
                    raise
                await asyncio.sleep(RETRY_S)

    async def _next(self, at_least: int) -> int:
        number = await self._increment()
        if number is None:
            async with self._seeding:
                number = await self._increment() or await self._seed(at_least)
        return number

    async def _increment(self) -> int | None:
        """The next number; None when Redis is new, was flushed, or has restarted, perhaps with older data."""
        try:
            number = await self._link.redis.evalsha(NUMBER.sha, 1, self._keys.numbers, "")
        except NoScriptError:
            return None
        except AWAY as error:
            raise LiveStateUnavailable(reason_of(error)) from error
        return None if number is None else int(number)

    async def _seed(self, at_least: int) -> int:
        floor = max(await journal.run(extensions.transactions.app.highest_number), at_least)
        if floor >= FIRST_NUMBER:
            floor += NUMBERS_IN_FLIGHT
        log.info("transactions.numbers_seeded", after=floor)
        return int(
            await self._link.attempt(self._link.redis.eval(NUMBER.text, 1, self._keys.numbers, str(floor)))
        )
