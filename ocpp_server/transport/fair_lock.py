"""A fair lock that is cheap while it is free, which is nearly always."""

from __future__ import annotations

import asyncio
from collections import deque
from types import TracebackType


class FairLock:
    """A lock that serves waiting tasks in order. A free one is taken without a coroutine:

        if not lock.take():
            await lock.wait()
        try:
            ...
        finally:
            lock.release()

    `asyncio.Lock` would run two coroutines for every message. Code outside the hot path writes `async with
    lock`.
    """

    __slots__ = ("_is_taken", "_waiting")

    def __init__(self) -> None:
        self._is_taken = False
        self._waiting: deque[asyncio.Future[None]] = deque()

    def take(self) -> bool:
        """Take the lock if it is free. False if it is not."""
        if self._is_taken:
            return False
        self._is_taken = True
        return True

    async def wait(self) -> None:
        """Wait for the lock, first come, first served."""
        handed_over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(handed_over)
        try:
            await handed_over
        except asyncio.CancelledError:
            if not handed_over.cancelled():
                # `release` passed the lock to this task in the moment in which it was cancelled.
                self.release()
            raise

    def release(self) -> None:
        """Pass the lock to the task that has waited longest, or free it."""
        while self._waiting:
            handed_over = self._waiting.popleft()
            if not handed_over.done():  # a task that was cancelled waits no longer
                handed_over.set_result(None)
                return
        self._is_taken = False

    async def __aenter__(self) -> None:
        if not self.take():
            await self.wait()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
