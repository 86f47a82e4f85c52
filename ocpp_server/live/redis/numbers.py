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
        # The callers of the next call to Redis, and the task that makes the calls.
        self._waiting: list[asyncio.Future[int | None]] = []
        self._asking: asyncio.Task[None] | None = None

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
        """The next number; None when Redis is new, was flushed, or has restarted, perhaps with older data.

        One call to Redis returns the numbers of all callers of one moment, and of those that came while the
        call before was on its way.
        """
        loop = asyncio.get_running_loop()
        number: asyncio.Future[int | None] = loop.create_future()
        self._waiting.append(number)
        if self._asking is None:
            self._asking = loop.create_task(self._increment_all())
        return await number

    async def _increment_all(self) -> None:
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, []
                await self._increment_by(waiting)
        finally:
            self._asking = None

    async def _increment_by(self, waiting: list[asyncio.Future[int | None]]) -> None:
        """Give each of these callers a number, in their order."""
        error: Exception | None = None
        last = None
        try:
            count = len(waiting)
            last = await self._link.wire.call("EVALSHA", NUMBER.sha, 1, self._keys.numbers, "", count)
        except NoScriptError:
            pass
        except Exception as raised:
            error = raised
        for behind, number in enumerate(reversed(waiting)):
            if number.done():
                continue  # its caller was cancelled: the number is left out
            if error is not None:
                number.set_exception(_failure(error))
            else:
                number.set_result(None if last is None else int(last) - behind)

    async def _seed(self, at_least: int) -> int:
        floor = max(await journal.run(extensions.transactions.app.highest_number), at_least)
        if floor >= FIRST_NUMBER:
            floor += NUMBERS_IN_FLIGHT
        log.info("transactions.numbers_seeded", after=floor)
        return int(
            await self._link.attempt(self._link.redis.eval(NUMBER.text, 1, self._keys.numbers, str(floor)))
        )


def _failure(error: Exception) -> Exception:
    """The exception for one of the callers whose call has failed."""
    if not isinstance(error, AWAY):
        return error
    failure = LiveStateUnavailable(reason_of(error))
    failure.__cause__ = error
    return failure
