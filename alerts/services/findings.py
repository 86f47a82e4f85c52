"""Findings of a condition: one cause each, with the words about it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from alerts.models import Severity


class Finding(NamedTuple):
    """A cause that holds now, or that has occurred. `key` names it; times and values are not part of it.

    `severity` counts when it is higher than that of the rule; `for_s` replaces the time of the rule;
    `times` is how often it has occurred since the last look.
    """

    code: str
    key: str
    title: str
    detail: str = ""
    station: str = ""
    charge_point: int | None = None
    site: int | None = None
    evse: int | None = None
    connector: int | None = None
    transaction: int | None = None
    severity: Severity | None = None
    for_s: int | None = None
    value: float | None = None
    times: int = 1


class Found(NamedTuple):
    """The findings of one code. Unless complete, what is missing may hold all the same.

    `ended` are the keys of occurrences whose end was reported.
    """

    findings: Sequence[Finding]
    is_complete: bool = True
    ended: Collection[str] = ()
