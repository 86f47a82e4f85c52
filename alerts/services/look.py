"""One look at all conditions: what they may read, and what the evaluator remembers between two looks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from alerts.models import Alert
from alerts.services.findings import Finding
from alerts.services.judging import Pending
from alerts.services.rulebook import Rulebook
from alerts.services.windows import Window


@dataclass(slots=True)
class Memory:
    """The memory of the elected process. It is lost with the process, and then fills again."""

    began: float
    pending: Pending = field(default_factory=Pending)
    # The last query of each code, and the last one that succeeded, by the monotonic clock.
    asked: dict[str, float] = field(default_factory=dict)
    succeeded: dict[str, float] = field(default_factory=dict)
    connections: Window = field(default_factory=Window)
    boots: Window = field(default_factory=Window)
    refusals: Window = field(default_factory=Window)
    # The time up to which new connections were counted.
    connections_until: datetime | None = None
    # The counts of refused connections at the last look, by row; None before the first.
    refused_counts: dict[int, int] | None = None
    # The events up to this position were read; None before the first look.
    position: int | None = None


@dataclass(slots=True)
class Look:
    """One look. `now` is for times in the database, `monotonic` for durations: our clock may be set."""

    now: datetime
    monotonic: float
    rules: Rulebook
    memory: Memory
    unresolved: Mapping[str, Alert]
    # Findings from the events since the last look.
    occurrences: list[Finding] = field(default_factory=list)
    # Keys whose end these events report, and which have not occurred again after it.
    ended: set[str] = field(default_factory=set)
    # Stations offline, read once for several conditions.
    offline: list[OfflineStation] | None = None


@dataclass(slots=True, frozen=True)
class OfflineStation:
    """An accepted station without a connection, and since when."""

    pk: int
    identity: str
    site: int | None
    since: datetime
