"""The declaration of a code of alerts: its condition, its defaults, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from alerts.models import Severity

MINUTE: Final = 60
HOUR: Final = 3600
DAY: Final = 86_400


class Kind(StrEnum):
    """The way in which a code is noticed."""

    # A condition that holds or does not: judged at every look.
    STATE = "state"
    # Something that has happened: it opens an alert or counts in the open one.
    OCCURRENCE = "occurrence"


class Unit(StrEnum):
    SECONDS = "seconds"
    TIMES = "times"
    PERCENT = "percent"
    WATT_HOURS = "Wh"
    DAYS = "days"
    STATIONS = "stations"
    BYTES = "bytes"
    LEVEL = "level"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One limit of a condition, a whole number."""

    name: str
    label: str
    default: int
    unit: Unit
    least: int
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """One kind of alert.

    `condition` is a sentence for docs/alerts.md. With `waits`, nothing opens during ALERT_WARMUP: after a
    restart of the server, stations need time to come back. `every_s` is the least time between two queries.
    `ends` says how an occurrence usually ends, for docs/alerts.md.
    """

    name: str
    label: str
    condition: str
    what_to_do: str
    severity: Severity
    kind: Kind = Kind.STATE
    for_s: int = 0
    keep_for_s: int = 0
    critical_after_s: int | None = None
    auto_resolve: bool = True
    parameters: tuple[Parameter, ...] = ()
    waits: bool = True
    every_s: int = 0
    ends: str = ""

    @property
    def defaults(self) -> dict[str, int]:
        """The default of each parameter."""
        return {each.name: each.default for each in self.parameters}
