"""The rules of a campaign's course: how many stations may begin, when it stops, and when it is its hour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo

from chargepoints.models import Campaign

Step = Campaign.Step


@dataclass(frozen=True)
class Counts:
    """The stations of a campaign by their course.

    `unbegun`: nothing was sent yet. `under_way`: claimed, sent, or waiting for a retry. `done` and `failed`:
    begun, and with a result. `left_out`: skipped or offline.
    """

    unbegun: int = 0
    under_way: int = 0
    done: int = 0
    failed: int = 0
    left_out: int = 0

    @property
    def begun(self) -> int:
        return self.under_way + self.done + self.failed

    @property
    def eligible(self) -> int:
        """All stations that were not left out."""
        return self.unbegun + self.begun


def most_begun(step: int, eligible: int) -> int:
    """The number of stations that may have begun in this step: one, then 10 %, then all."""
    if step == Step.ALL:
        return eligible
    return min(1 if step == Step.CANARY else max(1, -(-eligible // 10)), eligible)


def next_step(step: int, counts: Counts) -> int:
    """The step after this one if all its stations have a result, else this one. Ask after `fails`."""
    while step != Step.ALL and not counts.under_way and counts.begun >= most_begun(step, counts.eligible):
        step += 1
    return step


def fails(step: int, counts: Counts, *, limit_percent: int, forgiven: int = 0) -> bool:
    """Whether more stations have failed than the limit allows of this step's stations.

    The share is of all stations that may begin in the step and not of those with a result, so that the first
    failure of a thousand stations does not count as 100 %. `forgiven` failures do not count.
    """
    return (counts.failed - forgiven) * 100 > limit_percent * most_begun(step, counts.eligible)


def is_open(zone: str, now: datetime, window: tuple[time, time] | None) -> bool:
    """Whether the window is open in this time zone. One whose end is before its begin spans midnight."""
    if window is None:
        return True
    begin, end = window
    local = now.astimezone(ZoneInfo(zone)).time()
    return begin <= local < end if begin < end else local >= begin or local < end
