"""The pause in which messages gather to a batch. Pure.

A commit costs the processor as much as the rows of several messages, so messages that arrive within some
milliseconds of each other should share one; a station does not notice the delay. It is of use only when
other messages come meanwhile: a caller that waits for each answer before it sends the next message would
only be slowed down.
"""

from __future__ import annotations

# How many messages a batch should have, and the bounds of the pause for them.
WANTED = 8
SHORTEST_S = 0.004
LONGEST_S = 0.012
# Below this mean number of messages that came during a pause, only each PROBE_EVERY-th batch has one.
COMPANY = 0.5
PROBE_EVERY = 16
# The share of the latest pause in the mean.
_WEIGHT = 0.25


class Gathering:
    """The rate of messages, and the pause that it is worth."""

    __slots__ = ("_at", "_came", "_unpaused", "per_second")

    def __init__(self) -> None:
        self.per_second = 0.0
        self._at = 0.0  # equivalent: any time long before the first batch will do
        self._came = 1.0
        self._unpaused = 0

    def written(self, messages: int, now: float) -> None:
        """Count a batch that was written at `now` (seconds)."""
        elapsed = max(now - self._at, 1e-4)
        self.per_second += (messages / elapsed - self.per_second) * min(elapsed, 1.0)
        self._at = now

    def pause(self) -> float:
        """Seconds to wait before the next batch; 0.0 is none."""
        if self.per_second * LONGEST_S < COMPANY:
            return 0.0
        if self._came < COMPANY:
            self._unpaused += 1
            if self._unpaused < PROBE_EVERY:
                return 0.0
            self._unpaused = 0
        return min(LONGEST_S, max(SHORTEST_S, WANTED / self.per_second))

    def paused(self, came: int) -> None:
        """Note how many messages came during a pause."""
        self._came += (came - self._came) * _WEIGHT
