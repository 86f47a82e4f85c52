"""The steps of an escalation: pure.

    [{"to": ["Chief"], "afterS": 900}, {"to": ["Owner"], "afterS": 3600, "severity": "critical"}]

A step sends the alert to more recipients, by their names, when it has been open and unacknowledged for so
long. With `severity`, only alerts of at least this severity.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from alerts.models import Severity
from ocpp_server.domain import Invalid

FIELD: Final = "escalation"
MOST_STEPS: Final = 10
MOST_NAMES: Final = 20
LONGEST_S: Final = 7 * 86_400
_LIKE: Final = 'Each step is like {"to": ["Chief"], "afterS": 900}; it may have a "severity".'


class Step(NamedTuple):
    """`to` are names of recipients in the spelling in which they are compared."""

    to: tuple[str, ...]
    after: timedelta
    severity: Severity


def parse(value: Any) -> tuple[Step, ...]:
    """Raises Invalid, with the field."""
    if not isinstance(value, list) or len(value) > MOST_STEPS:
        raise Invalid(f"Must be a list of at most {MOST_STEPS} steps. {_LIKE}", field=FIELD)
    return tuple(_step(one) for one in value)


def _step(value: Any) -> Step:
    if not isinstance(value, dict) or not {"to", "afterS"} <= value.keys() <= {"to", "afterS", "severity"}:
        raise Invalid(_LIKE, field=FIELD)
    to, after, severity = value["to"], value["afterS"], value.get("severity", Severity.INFO)
    if not isinstance(to, list) or not 1 <= len(to) <= MOST_NAMES or not all(map(_is_name, to)):
        raise Invalid(f"to must be a list of 1 to {MOST_NAMES} names of recipients.", field=FIELD)
    if isinstance(after, bool) or not isinstance(after, int) or not 0 <= after <= LONGEST_S:
        raise Invalid(f"afterS must be 0 to {LONGEST_S} seconds.", field=FIELD)
    if severity not in Severity.values:
        raise Invalid(f"severity must be one of {', '.join(Severity.values)}.", field=FIELD)
    return Step(tuple(name.strip().casefold() for name in to), timedelta(seconds=after), Severity(severity))


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def due(
    steps: Sequence[Step], *, opened_at: datetime, severity: Severity, now: datetime
) -> list[tuple[int, Step]]:
    """The steps of an unacknowledged alert whose time has come, with their numbers, from 1."""
    return [
        (number, step)
        for number, step in enumerate(steps, start=1)
        if now - opened_at >= step.after and severity.rank >= step.severity.rank
    ]
