"""The rate limit of a station's messages: a token bucket that delays messages and refuses none."""

from __future__ import annotations

# The burst, in seconds of the allowed rate: the messages that a station queued while it was offline.
BURST_S = 5.0


class TokenBucket:
    """Allows `rate` messages a second; 0 is no limit. Times are monotonic seconds."""

    __slots__ = ("_at", "_burst", "_rate", "_tokens")

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._burst = self._tokens = rate * BURST_S
        self._at = 0.0

    def delay(self, now: float) -> float:
        """Count a message. Returns the seconds to wait before it is handled; the socket is not read
        meanwhile.
        """
        if not self._rate:
            return 0.0
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate) - 1.0
        self._at = now
        return -self._tokens / self._rate if self._tokens < 0 else 0.0
