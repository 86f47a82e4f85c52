"""Answer times per action, in bounded memory."""

import math
from collections import Counter
from typing import Any

# Buckets grow by 5 %: a percentile read from them is at most 5 % too high, and a run of any length
# needs a few hundred counters rather than a list of every answer.
GROWTH = math.log(1.05)
SMALLEST_S = 0.00001


class _Series:
    __slots__ = ("buckets", "count", "errors", "longest")

    def __init__(self) -> None:
        self.buckets: Counter[int] = Counter()
        self.count = 0
        self.errors: Counter[str] = Counter()
        self.longest = 0.0

    def percentile(self, share: float) -> float:
        """The time in seconds within which this share of the answers arrived; 0.0 without answers."""
        rank = math.ceil(self.count * share)
        seen = 0
        for bucket in sorted(self.buckets):
            seen += self.buckets[bucket]
            if seen >= rank:
                return min(SMALLEST_S * math.exp(GROWTH * (bucket + 1)), self.longest)
        return 0.0


class Latencies:
    """Counts answers and errors per action; one object may be shared by a fleet."""

    def __init__(self) -> None:
        self._series: dict[str, _Series] = {}

    def record(self, action: str, seconds: float) -> None:
        """Count an answer and its time in seconds."""
        series = self._series.setdefault(action, _Series())
        series.count += 1
        series.longest = max(series.longest, seconds)
        series.buckets[max(0, int(math.log(max(seconds, SMALLEST_S) / SMALLEST_S) / GROWTH))] += 1

    def fail(self, action: str, kind: str) -> None:
        """Count a failed exchange; kind is a CALLERROR code, ``timeout``, ``connect`` or ``invalid``."""
        self._series.setdefault(action, _Series()).errors[kind] += 1

    def take(self) -> "Latencies":
        """Return the counts since the last take and reset them."""
        taken = Latencies()
        taken._series, self._series = self._series, taken._series
        return taken

    def add(self, other: "Latencies") -> None:
        """Add the counts of another object; percentiles are as if all answers had been counted here."""
        for action, series in other._series.items():
            own = self._series.setdefault(action, _Series())
            own.buckets.update(series.buckets)
            own.errors.update(series.errors)
            own.count += series.count
            own.longest = max(own.longest, series.longest)

    def count(self, action: str) -> int:
        """Number of answers of an action."""
        return self._series[action].count if action in self._series else 0

    @property
    def answers(self) -> int:
        return sum(series.count for series in self._series.values())

    @property
    def errors(self) -> int:
        return sum(series.errors.total() for series in self._series.values())

    def summary(self) -> list[dict[str, Any]]:
        """One row per action: ``action, count, p50_ms, p95_ms, p99_ms, max_ms, errors, error_kinds``."""
        return [
            {
                "action": action,
                "count": series.count,
                "p50_ms": round(series.percentile(0.50) * 1000, 2),
                "p95_ms": round(series.percentile(0.95) * 1000, 2),
                "p99_ms": round(series.percentile(0.99) * 1000, 2),
                "max_ms": round(series.longest * 1000, 2),
                "errors": series.errors.total(),
                "error_kinds": dict(series.errors),
            }
            for action, series in sorted(self._series.items())
        ]
