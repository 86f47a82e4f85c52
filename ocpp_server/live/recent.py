"""How often something happened lately, such as a failed login. Limits are counted by it."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import OrderedDict, deque
from typing import Final

WINDOW_S: Final = 60.0
# Identities and addresses come from outside: beyond this many the oldest are forgotten.
TRACKED: Final = 50_000


class Recent(ABC):
    """By what happened, the address it came from and the identity it concerns (compared without case), within
    the last minute. With the address, because an attacker must not lock a station out from another address.
    """

    @abstractmethod
    async def counts(self, address: str, identity: str, *what: str) -> list[int]:
        """How often each happened. Raises LiveStateUnavailable."""

    @abstractmethod
    async def note(self, address: str, identity: str, what: str) -> int:
        """It happened now; how often it has, this time included. Raises LiveStateUnavailable."""

    @abstractmethod
    async def forget(self, address: str, identity: str, what: str) -> None:
        """Begin to count again. Raises LiveStateUnavailable."""


class MemoryRecent(Recent):
    """Counts of this process alone."""

    def __init__(self) -> None:
        self._times: OrderedDict[tuple[str, str, str], deque[float]] = OrderedDict()

    async def counts(self, address: str, identity: str, *what: str) -> list[int]:
        key = identity.casefold()
        return [len(self._current(self._times.get((one, address, key), deque()))) for one in what]

    async def note(self, address: str, identity: str, what: str) -> int:
        key = (what, address, identity.casefold())
        times = self._current(self._times.pop(key, deque()))
        self._times[key] = times
        times.append(time.monotonic())
        if len(self._times) > TRACKED:
            self._times.popitem(last=False)
        return len(times)

    async def forget(self, address: str, identity: str, what: str) -> None:
        self._times.pop((what, address, identity.casefold()), None)

    @staticmethod
    def _current(times: deque[float]) -> deque[float]:
        since = time.monotonic() - WINDOW_S
        while times and times[0] <= since:
            times.popleft()
        return times
