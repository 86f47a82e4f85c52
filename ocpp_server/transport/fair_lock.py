"""One after the other, where nearly always nobody else is there."""

from __future__ import annotations

import asyncio
from collections import deque
from types import TracebackType


class Turn:
    """A lock that is fair, and costs no coroutine while it is free:

        if not turn.take():
            await turn.wait()
        try:
            ...
        finally:
            turn.release()

    `asyncio.Lock` costs two for every message. Who may be patient writes `async with turn`.
    """

    __slots__ = ("_is_taken", "_waiting")

    def __init__(self) -> None:
        self._is_taken = False
        self._waiting: deque[asyncio.Future[None]] = deque()

    def take(self) -> bool:
        """Take it when it is free; False when one has to wait."""
        if self._is_taken:
            return False
        self._is_taken = True
        return True

    async def wait(self) -> None:
        """Wait until it is handed over, first come, first served."""
        handed_over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(handed_over)
        try:
            await handed_over
        except asyncio.CancelledError:
            if handed_over.cancelled():
                self._waiting.remove(handed_over)
            else:
                # Handed over to somebody who has just given up.
                self.release()
            raise

    def release(self) -> None:
        """Hand it to who waits longest; free it when nobody does."""
        for handed_over in self._waiting:
            if not handed_over.done():
                self._waiting.remove(handed_over)
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
