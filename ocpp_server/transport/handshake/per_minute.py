"""Counters of one minute, in the memory of this process, whose size an attacker cannot choose.

Clients choose their names, and a botnet chooses its addresses. So every table has a limit and is emptied when
its minute is over; names beyond the limit share one counter.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

WINDOW_S: Final = 60.0
# The most addresses that are counted apart within a minute.
MAX_ADDRESSES: Final = 5_000
_OTHERS: Final = "others"  # equivalent: any name that is no address


class _Window:
    """The current minute. It begins with the first call after the last one has ended."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until = 0.0  # equivalent: every time that is over

    def is_over(self) -> bool:
        now = self._clock()
        if now < self._until:
            return False
        self._until = now + WINDOW_S
        return True


class PerMinute:
    """How often each name occurred within the current minute."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._window = _Window(clock)
        self._counts: dict[str, int] = {}

    def count(self, name: str) -> int:
        """Count an occurrence; returns the count, this one included."""
        if self._window.is_over():
            self._counts.clear()
        if name not in self._counts and len(self._counts) >= MAX_ADDRESSES:
            name = _OTHERS
        times = self._counts[name] = self._counts.get(name, 0) + 1
        return times


class _Tried:
    """The identities that one address has tried, as hashes, and how many of its handshakes were refused."""

    __slots__ = ("identities", "refused")

    def __init__(self) -> None:
        self.identities: set[int] = set()
        self.refused = 0


class DistinctPerMinute:
    """Limits how many different identities each address may try within a minute."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._window = _Window(clock)
        self._tried: dict[str, _Tried] = {}

    def refused(self, address: str, identity: str, limit: int) -> int:
        """0 for an identity within the limit. Beyond it, how many handshakes of this address were refused in
        this minute, this one included.

        A refused identity is not remembered, so memory does not grow with an attack. The same identity counts
        once, in any case.
        """
        if self._window.is_over():
            self._tried.clear()
        if address not in self._tried and len(self._tried) >= MAX_ADDRESSES:
            address = _OTHERS
        tried = self._tried.setdefault(address, _Tried())
        key = hash(identity.casefold())
        if key in tried.identities:
            return 0
        if len(tried.identities) < limit:
            tried.identities.add(key)
            return 0
        tried.refused += 1
        return tried.refused
