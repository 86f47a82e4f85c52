"""The state of a station: the worst status of its connectors and of the station as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext

# A status of a station that OCPP does not have is stored with this prefix.
OTHER = "Other:"
# The statuses from the worst to the best: what an operator has to repair, then what is blocked, then what is
# in use. A status that OCPP does not have comes after Unavailable, because it may mean anything.
WORST_FIRST = (
    "Faulted",
    "Unavailable",
    OTHER,
    "SuspendedEVSE",
    "SuspendedEV",
    "Finishing",
    "Reserved",
    "Preparing",
    "Charging",
    "Occupied",
    "Available",
    "",
)
_RANKS = {status: rank for rank, status in enumerate(WORST_FIRST)}


@dataclass(frozen=True, slots=True)
class StationState:
    """`status` is empty before the station has reported one. `count` of `total` connectors have it; it is the
    status of the whole station if the two are equal.
    """

    status: str
    count: int = 0
    total: int = 0

    def __str__(self) -> str:
        """Faulted, or Faulted · 1 of 2."""
        if self.count == self.total:
            return self.status
        words = {"status": self.status, "count": self.count, "total": self.total}
        return gettext("%(status)s · %(count)s of %(total)s") % words


def badness(status: str) -> tuple[int, str]:
    """The sort key of a status: the least is the worst."""
    return _RANKS[OTHER] if status.startswith(OTHER) else _RANKS.get(status, _RANKS[OTHER]), status


def state_of(own: str, connectors: Sequence[str]) -> StationState:
    """The worst of these statuses. `own` is the status of the station as a whole (1.6 connector 0)."""
    worst = min((own, *connectors), key=badness)
    total = len(connectors)
    return StationState(worst, total if own == worst else connectors.count(worst), total)


def worse_than(status: str) -> tuple[str, ...]:
    """The statuses that hide this one."""
    return WORST_FIRST[: _RANKS[status]]
