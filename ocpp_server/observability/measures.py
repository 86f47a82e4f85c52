"""Counts of the engine while it works. Plain lists and dictionaries, because every message pays for them
(half a microsecond); `metrics` turns them into Prometheus' form at each scrape.

No name here comes from a station: names that it can invent are counted as "other".
"""

from __future__ import annotations

from bisect import bisect_left
from threading import Lock
from time import perf_counter, time
from typing import Final

from ocpp_server.protocol import actions
from ocpp_server.protocol.dispatch import Exchange

OTHER: Final = "other"
# Seconds. A message is handled in less than a millisecond, and waits for one commit of the database.
HANDLING_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0)
# A charger on a mobile network takes its time to answer.
ROUND_TRIP_S: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
BATCH_JOBS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
# How commands end that the station did not answer (`Command.State`).
UNANSWERED: Final = frozenset({"timeout", "disconnected"})
# So many combinations of names are told apart; none of our tallies has as many.
MAX_SERIES: Final = 1000
# Of HTTP; whatever else a client invents is "other".
METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
# The codes of RFC 6455 and IANA's register; a station may close with any other.
CLOSE_CODES: Final = frozenset(range(1000, 1016))


class Spread:
    """A histogram: how many values fell below each bound, and their sum. For one writer at a time."""

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
    """Counts by one or more names. From any thread.

    `awaited` are there from the start, with 0: Prometheus sees an increase only in what it has seen before,
    and an alert on the first of them would miss it.
    """

    def __init__(self, *labels: str, awaited: tuple[tuple[str, ...], ...] = ()) -> None:
        self.labels = labels
        self._counts: dict[tuple[str, ...], int] = dict.fromkeys(awaited, 0)
        self._lock = Lock()

    def add(self, *names: str) -> None:
        with self._lock:
            if names not in self._counts and len(self._counts) >= MAX_SERIES:
                names = (OTHER,) * len(names)
            self._counts[names] = self._counts.get(names, 0) + 1

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
    """The writer thread's own; see `ocpp_server.storage.journal`."""

    def __init__(self) -> None:
        self.jobs = Spread(BATCH_JOBS)
        self.commit_s = Spread(HANDLING_S)
        # From the first message of a batch being handed in to its commit: the longest wait of the batch.
        self.wait_s = Spread(HANDLING_S)
        self.retries = 0
        self.refused_batches = 0
        self.given_up = 0

    def committed(self, jobs: int, *, started: float, since: float, now: float) -> None:
        """A batch is stored. `started` its writing, `since` its oldest job; monotonic seconds."""
        self.jobs.add(jobs)
        self.commit_s.add(now - started)
        self.wait_s.add(now - since)


class HousekeepingRun:
    """The last time a job of the housekeeping was done here (Unix seconds), and how long it took."""

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
housekeeping_jobs = Tally("task", "result")
http_requests = Tally("method", "status")
http_seconds = Spread(HANDLING_S)
last_runs: dict[str, HousekeepingRun] = {}


def handled(exchange: Exchange) -> None:
    """A message of a station has its answer. On the way of every message: nothing may be added lightly."""
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
    """A command has ended; `seconds` since it was sent, None for one that never was."""
    commands.add(action, state)
    if seconds is not None and state not in UNANSWERED:
        round_trips.setdefault(action, Spread(ROUND_TRIP_S)).add(seconds)


def closed(code: int) -> None:
    """A station's socket is gone."""
    closes.add(str(code) if code in CLOSE_CODES else OTHER)


def housekeeping(job: str, result: str, started: float) -> None:
    """A job of the housekeeping has run; `started` by perf_counter."""
    housekeeping_jobs.add(job, result)
    if result == "done":
        last_runs[job] = HousekeepingRun(perf_counter() - started)
