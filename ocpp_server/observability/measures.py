"""The counts of this process, in plain lists and dictionaries: they cost every message only half a
microsecond. `metrics` converts them into the format of Prometheus at each scrape.

Names from a station become labels only if the server knows them; others are counted as "other".
"""

from __future__ import annotations

from bisect import bisect_left
from threading import Lock
from time import perf_counter, time
from typing import Final

from ocpp_server.protocol import actions
from ocpp_server.protocol.dispatch import Exchange

OTHER: Final = "other"
# Bounds in seconds. A message takes less than a millisecond, and the wait for one commit of the database.
HANDLING_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0)
# Bounds in seconds for the answer to a command: a station on a mobile network may be slow.
ROUND_TRIP_S: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
BATCH_JOBS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
# The states of commands that the station did not answer (`Command.State`).
UNANSWERED: Final = frozenset({"timeout", "disconnected"})
# The limit of combinations of names in one tally; no tally of this module has as many.
MAX_SERIES: Final = 1000
# The HTTP methods that are counted by name; any other is "other".
METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
# The codes of RFC 6455 and IANA's registry; a station may close with any other.
CLOSE_CODES: Final = frozenset(range(1000, 1016))


class Spread:
    """A histogram: the number of values below each bound, and their sum. Only one thread may write to it."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def buckets(self) -> list[tuple[str, float]]:
        """Cumulative counts by upper bound, the last one `+Inf`."""
        rising, sums = 0, []
        names = [*(f"{bound:g}" for bound in self.bounds), "+Inf"]
        for name, count in zip(names, list(self.counts), strict=True):
            rising += count
            sums.append((name, float(rising)))
        return sums


class Tally:
    """Counts by one or more names. Thread-safe.

    `awaited` names exist from the start, with 0. Prometheus detects an increase only in a series that it
    knows, so an alert would miss the first one otherwise.
    """

    def __init__(self, *labels: str, awaited: tuple[tuple[str, ...], ...] = ()) -> None:
        self.labels = labels
        self._counts: dict[tuple[str, ...], int] = dict.fromkeys(awaited, 0)
        self._lock = Lock()

    def add(self, *names: str, times: int = 1) -> None:
        with self._lock:
            if names not in self._counts and len(self._counts) >= MAX_SERIES:
                names = (OTHER,) * len(names)
            self._counts[names] = self._counts.get(names, 0) + times

    def counts(self) -> dict[tuple[str, ...], int]:
        with self._lock:
            return dict(self._counts)


class Handled:
    """The messages of one action that stations sent: how long each took, and how it ended."""

    __slots__ = ("answered", "errors", "seconds")

    def __init__(self) -> None:
        self.seconds = Spread(HANDLING_S)
        self.answered = 0
        self.errors: dict[str, int] = {}


class JournalMeasures:
    """The counts of the writer thread, see `ocpp_server.storage.journal`."""

    def __init__(self) -> None:
        self.jobs = Spread(BATCH_JOBS)
        self.commit_s = Spread(HANDLING_S)
        # The longest wait in a batch: from its first message to the commit.
        self.wait_s = Spread(HANDLING_S)
        self.retries = 0
        self.refused_batches = 0
        self.given_up = 0

    def committed(self, jobs: int, *, started: float, since: float, now: float) -> None:
        """Count a stored batch: when its writing `started`, and `since` when its oldest job waited (monotonic
        seconds).
        """
        self.jobs.add(jobs)
        self.commit_s.add(now - started)
        self.wait_s.add(now - since)


class HousekeepingRun:
    """When a job of the housekeeping was last done in this process (Unix seconds), and how long it took."""

    __slots__ = ("at", "seconds")

    def __init__(self, seconds: float) -> None:
        self.at = time()
        self.seconds = seconds


handled_by_action: dict[str, Handled] = {}
journal = JournalMeasures()
round_trips: dict[str, Spread] = {}
loop_lag_s = Spread(HANDLING_S)

commands = Tally("action", "state")
deviations = Tally("kind")
repeated = Tally("action")
unanswered = Tally("reason", awaited=(("storage-away",), ("unstorable",)))
handshakes = Tally("status")
authentication_failures = Tally("kind")
closes = Tally("code")
replacements = Tally("result", awaited=(("replaced",), ("duplicate-identity",)))
events = Tally("type")
webhook_attempts = Tally("result", awaited=(("delivered",), ("trouble",), ("refused",), ("gone",)))
housekeeping_jobs = Tally("task", "result")
http_requests = Tally("method", "status")
http_seconds = Spread(HANDLING_S)
last_runs: dict[str, HousekeepingRun] = {}


def handled(exchange: Exchange) -> None:
    """Count an answered message. This runs for every message, so it must stay fast."""
    record = handled_by_action.get(exchange.call.action)
    if record is None:
        record = _first(exchange.call.action)
    seconds, spread = perf_counter() - exchange.started, record.seconds
    spread.counts[bisect_left(HANDLING_S, seconds)] += 1
    spread.total += seconds
    if exchange.error is None:
        record.answered += 1
    else:
        code = exchange.error.code
        record.errors[code] = record.errors.get(code, 0) + 1


def _first(action: str) -> Handled:
    return handled_by_action.setdefault(known(action), Handled())


def known(action: str) -> str:
    """The action, or "other" for one that a station has invented."""
    return action if actions.known(action) else OTHER


def finished(action: str, state: str, seconds: float | None) -> None:
    """Count a finished command; `seconds` since it was sent, None for one that was not sent."""
    commands.add(action, state)
    if seconds is not None and state not in UNANSWERED:
        round_trips.setdefault(action, Spread(ROUND_TRIP_S)).add(seconds)


def closed(code: int) -> None:
    """Count a closed socket of a station."""
    closes.add(str(code) if code in CLOSE_CODES else OTHER)


def housekeeping(job: str, result: str, started: float) -> None:
    """Count a run of a job of the housekeeping; `started` is a time of perf_counter."""
    housekeeping_jobs.add(job, result)
    if result == "done":
        last_runs[job] = HousekeepingRun(perf_counter() - started)
