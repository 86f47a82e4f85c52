"""Counts how often something has happened in the last minutes, for each key."""

from __future__ import annotations

from collections import deque
from typing import Final

# Keys of one window. Refused identities are chosen by strangers, so they must not fill the memory.
MOST_KEYS: Final = 20_000


class Window:
    """Occurrences by key, with their times. Times are seconds of any one clock."""

    def __init__(self, most_keys: int = MOST_KEYS) -> None:
        self._times: dict[str, deque[tuple[float, int]]] = {}
        self._most_keys = most_keys

    def add(self, key: str, at: float, times: int = 1) -> None:
        """Count occurrences. A new key is dropped while there are too many."""
        known = self._times.get(key)
        if known is None:
            if len(self._times) >= self._most_keys:
                return
            known = self._times[key] = deque()
        known.append((at, times))

    def count(self, key: str, *, since: float) -> int:
        """The occurrences of a key after a time."""
        return sum(times for at, times in self._times.get(key, ()) if at > since)

    def counts(self, *, since: float) -> dict[str, int]:
        """The occurrences of every key after a time."""
        return {key: self.count(key, since=since) for key in self._times}

    def forget(self, *, before: float) -> None:
        """Forget what has happened up to a time."""
        for key, known in list(self._times.items()):
            while known and known[0][0] <= before:
                known.popleft()
            if not known:
                del self._times[key]
