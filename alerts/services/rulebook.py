"""The rules as the evaluator reads them: for each code and station the most specific one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from alerts.models import AlertRule, Severity
from alerts.services.codes import CODES


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one rule, with the defaults of its code for missing parameters."""

    pk: int | None
    is_enabled: bool
    severity: Severity
    critical_after_s: int | None
    for_s: int
    keep_for_s: int
    parameters: Mapping[str, int]
    auto_resolve: bool
    reopens: bool
    note: str


def defaults(code: str) -> Settings:
    """The settings of a code before any change."""
    one = CODES[code]
    return Settings(
        pk=None,
        is_enabled=True,
        severity=one.severity,
        critical_after_s=one.critical_after_s,
        for_s=one.for_s,
        keep_for_s=one.keep_for_s,
        parameters=one.defaults,
        auto_resolve=one.auto_resolve,
        reopens=False,
        note="",
    )


class Rulebook:
    """All rules. A rule of a station counts before one of its site, and that before the rule for all."""

    def __init__(self, rows: Iterable[AlertRule]) -> None:
        self._all: Final = {code: defaults(code) for code in CODES}
        self._of_sites: Final[dict[tuple[str, int], Settings]] = {}
        self._of_stations: Final[dict[tuple[str, int], Settings]] = {}
        for row in rows:
            if row.code not in CODES:  # a code of another version of the server
                continue
            settings = _settings(row)
            if row.charge_point_id is not None:
                self._of_stations[row.code, row.charge_point_id] = settings
            elif row.site_id is not None:
                self._of_sites[row.code, row.site_id] = settings
            else:
                self._all[row.code] = settings

    def of(self, code: str, *, station: int | None = None, site: int | None = None) -> Settings:
        """The rule that counts for a station or site, given by their primary keys."""
        if station is not None and (own := self._of_stations.get((code, station))) is not None:
            return own
        if site is not None and (own := self._of_sites.get((code, site))) is not None:
            return own
        return self._all[code]

    def is_enabled(self, code: str) -> bool:
        """Whether a rule of this code is enabled, for any station."""
        return any(each.is_enabled for each in self._every(code))

    def lowest(self, code: str, parameter: str) -> int:
        """The lowest limit of all enabled rules of a code: a query with it misses none of their rows."""
        return min(each.parameters[parameter] for each in self._every(code) if each.is_enabled)

    def highest(self, code: str, parameter: str) -> int:
        """The highest limit of all enabled rules of a code."""
        return max(each.parameters[parameter] for each in self._every(code) if each.is_enabled)

    def _every(self, code: str) -> Iterable[Settings]:
        yield self._all[code]
        for copies in (self._of_sites, self._of_stations):
            yield from (each for (name, _), each in copies.items() if name == code)


def load() -> Rulebook:
    """Read the rules, in one query."""
    return Rulebook(AlertRule.objects.order_by())


def _settings(row: AlertRule) -> Settings:
    known = CODES[row.code].defaults
    stored = {name: value for name, value in row.parameters.items() if name in known}
    return Settings(
        pk=row.pk,
        is_enabled=row.is_enabled,
        severity=Severity(row.severity),
        critical_after_s=row.critical_after_s,
        for_s=row.for_s,
        keep_for_s=row.keep_for_s,
        parameters={**known, **stored},
        auto_resolve=row.auto_resolve,
        reopens=row.reopens,
        note=row.note,
    )
