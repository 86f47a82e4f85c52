"""Counts of recent events, such as failed logins, for rate limits."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import OrderedDict, deque
from typing import Final

WINDOW_S: Final = 60.0
# Clients choose identities and addresses: beyond this many the oldest are dropped.
TRACKED: Final = 50_000


class Recent(ABC):
    """Counts the events of the last minute by kind, address and identity (compared without case).

    Counted by address too, so that an attacker cannot lock out a station that has another address.
    """

    @abstractmethod
    async def counts(self, address: str, identity: str, *kinds: str) -> list[int]:
        """The count of each kind of event. Raises LiveStateUnavailable."""

    @abstractmethod
    async def note(self, address: str, identity: str, kind: str) -> int:
        """Count an event; returns the count, this event included. Raises LiveStateUnavailable."""

    @abstractmethod
    async def take(self, address: str, identity: str, kind: str, limit: int) -> float:
        """Count an event if the last minute had fewer than `limit` of them, in one step. Returns 0 then; else
        the seconds until one more may be counted. Raises LiveStateUnavailable.
        """

    @abstractmethod
    async def forget(self, address: str, identity: str, kind: str) -> None:
        """Reset the count to 0. Raises LiveStateUnavailable."""


class MemoryRecent(Recent):
    """Counts of this process alone."""

    def __init__(self) -> None:
        self._times: OrderedDict[tuple[str, str, str], deque[float]] = OrderedDict()

    async def counts(self, address: str, identity: str, *kinds: str) -> list[int]:
        key = identity.casefold()
        return [len(self._current(self._times.get((kind, address, key), deque()))) for kind in kinds]

    async def note(self, address: str, identity: str, kind: str) -> int:
        key = (kind, address, identity.casefold())
        times = self._current(self._times.pop(key, deque()))
        self._times[key] = times
        times.append(time.monotonic())
        if len(self._times) > TRACKED:
            self._times.popitem(last=False)
        return len(times)

    async def take(self, address: str, identity: str, kind: str, limit: int) -> float:
        times = self._current(self._times.get((kind, address, identity.casefold()), deque()))
        if len(times) < limit:
            await self.note(address, identity, kind)
            return 0.0
        return times[-limit] + WINDOW_S - time.monotonic()

    async def forget(self, address: str, identity: str, kind: str) -> None:
        self._times.pop((kind, address, identity.casefold()), None)

    @staticmethod
    def _current(times: deque[float]) -> deque[float]:
        since = time.monotonic() - WINDOW_S
        while times and times[0] <= since:
            times.popleft()
        return times
