"""The rule of reports in parts: which parts belong together, and whether they are complete.

It reads no database. `gathering` feeds it with the stored parts, so a restart of a process loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from chargepoints.models import ReportAssembly

# A report without a new part for this long is not continued.
DEADLINE: Final = timedelta(seconds=120)

State = ReportAssembly.State


class Part(NamedTuple):
    """A stored part. `seq_no` is None for reports whose parts have no numbers."""

    seq_no: int | None
    is_last: bool
    received_at: datetime


class Asked(NamedTuple):
    """A command that asked for the report. Only an accepted one promises a report."""

    command: str
    at: datetime
    is_accepted: bool


@dataclass
class Assembly:
    """One report: the parts that a station sent for one command."""

    started_at: datetime
    last_at: datetime
    command: str | None = None
    parts: int = 0
    doubles: int = 0
    has_last: bool = False
    seen: set[int] = field(default_factory=set)

    def add(self, part: Part) -> None:
        """Add a part, in any order."""
        self.parts += 1
        self.last_at = max(self.last_at, part.received_at)
        if part.seq_no is not None:
            self.doubles += part.seq_no in self.seen
            self.seen.add(part.seq_no)
        self.has_last |= part.is_last

    @property
    def highest_seq_no(self) -> int | None:
        return max(self.seen, default=None)

    @property
    def missing(self) -> int:
        """The number of parts that are missing between 0 and the highest part known."""
        known = [number for number in self.seen if number >= 0]
        return max(known, default=-1) + 1 - len(known)

    @property
    def is_complete(self) -> bool:
        return self.has_last and not self.missing

    def state(self, now: datetime) -> ReportAssembly.State:
        """The state at a time: a report is incomplete when DEADLINE has passed since its last part."""
        if self.is_complete:
            return State.COMPLETE
        return State.INCOMPLETE if now - self.last_at > DEADLINE else State.COLLECTING

    def takes(self, part: Part) -> bool:
        """Whether a part continues this report. After DEADLINE, only a part that is missing does."""
        if part.received_at - self.last_at <= DEADLINE:
            return True
        return not self.is_complete and part.seq_no is not None and part.seq_no not in self.seen


def assemble(parts: Iterable[Part], asked: Sequence[Asked] = ()) -> list[Assembly]:
    """The reports that these parts of one station, action and request ID make, oldest first.

    An operator may use a request ID again: each command begins a report, and so does a part that no earlier
    report can take. A part may come before the answer to its command, because the command was stored before
    it was sent.
    """
    found: list[Assembly] = []
    waiting = sorted(asked, key=lambda one: one.at)
    for part in sorted(parts, key=lambda one: one.received_at):
        while waiting and waiting[0].at <= part.received_at:
            found.append(_begun(waiting.pop(0)))
        if not found or not (found[-1].takes(part) or (found[-1].command and not found[-1].parts)):
            found.append(Assembly(started_at=part.received_at, last_at=part.received_at))
        found[-1].add(part)
    found += map(_begun, waiting)
    promised = {one.command for one in asked if one.is_accepted}
    return [report for report in found if report.parts or report.command in promised]


def _begun(one: Asked) -> Assembly:
    return Assembly(started_at=one.at, last_at=one.at, command=one.command)
