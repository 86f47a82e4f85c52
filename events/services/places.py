"""The places for streams of events in this process: a bound for all callers, and one for each."""

from __future__ import annotations

from collections import Counter
from threading import Lock
from typing import Final

from ocpp_server.domain import QueueFull
from ocpp_server.error_codes import Code

MAX_STREAMS: Final = 200
MAX_OF_CALLER: Final = 10


class Places:
    """The open streams. Views take places in their threads; streams leave them in the event loop."""

    def __init__(self, *, all_callers: int = MAX_STREAMS, each: int = MAX_OF_CALLER) -> None:
        self._all, self._each = all_callers, each
        self._taken: Counter[str] = Counter()
        self._lock = Lock()

    def __len__(self) -> int:
        return self._taken.total()

    def take(self, caller: str) -> None:
        """Take a place. Raises QueueFull."""
        with self._lock:
            if self._taken[caller] >= self._each:
                sentence = f"At most {self._each} streams of events for each caller in a process."
            elif self._taken.total() >= self._all:
                sentence = f"This process has {self._all} streams of events, which is the limit."
            else:
                self._taken[caller] += 1
                return
            self._taken += Counter()  # without callers that have none
        raise QueueFull(sentence, code=Code.TOO_MANY_STREAMS)

    def leave(self, caller: str) -> None:
        """Free a place that was taken."""
        with self._lock:
            self._taken[caller] -= 1
            if self._taken[caller] <= 0:
                del self._taken[caller]


places = Places()
