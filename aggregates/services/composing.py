"""Reports: the sums of hours, composed to days and months, for the places of a page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from typing import Any, Final, NamedTuple

from django.db.models import F, Sum
from django.db.models.functions import TruncDay, TruncMonth

from aggregates.models import ConnectorHour, ContractHour, ObservedConnector
from aggregates.services import periods
from aggregates.services.periods import Known, Period
from aggregates.services.spans import second

# A row of hours belongs to the place with the values of these columns.
Key = tuple[Any, ...]
SITE: Final = ("charge_point__site",)
STATION: Final = ("charge_point",)
CONNECTOR: Final = ("charge_point", "evse_number", "connector_number")
CONTRACT: Final = ("contract",)

_CONTRACT_SUMS: Final = ("energy_mwh", "sessions", "occupied_s")
_SUMS: Final = (*_CONTRACT_SUMS, "down_s", "excluded_s")


class Asked(NamedTuple):
    """The periods of a report."""

    unit: str
    first: date
    last: date
    now: datetime


@dataclass
class Figures:
    """The sums of a place in a period, or in all of them. `known_s`: the seconds of its connectors."""

    begin: datetime
    end: datetime
    known_s: int = 0
    sums: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_SUMS, 0))

    @property
    def utilisation(self) -> float | None:
        """The part of the time with a session; None without known connectors."""
        return min(1.0, self.sums["occupied_s"] / self.known_s) if self.known_s else None

    @property
    def uptime(self) -> float | None:
        """The part of the time without outages; those in maintenance windows do not count as outages."""
        if not self.known_s:
            return None
        return max(0.0, 1 - (self.sums["down_s"] - self.sums["excluded_s"]) / self.known_s)


class Report(NamedTuple):
    """The figures of a place: of all periods together, and of each."""

    total: Figures
    periods: list[Figures]


def reports(zones: Mapping[Key, tzinfo], columns: tuple[str, ...], asked: Asked) -> dict[Key, Report]:
    """The reports of places, each with its time zone."""
    found = {}
    by_zone: dict[tzinfo, list[Key]] = defaultdict(list)
    for key, zone in zones.items():
        by_zone[zone].append(key)
    for zone, keys in by_zone.items():
        of_zone = periods.between(asked.first, asked.last, asked.unit, zone)
        known = _known(keys, columns)
        sums = _sums(keys, columns, asked.unit, of_zone, zone)
        for key in keys:
            found[key] = _report(of_zone, known.get(key, Known(())), sums.get(key, {}), asked.now)
    return found


def _report(of_zone: list[Period], known: Known, sums: Mapping[Any, dict[str, int]], now: datetime) -> Report:
    figures = []
    for period in of_zone:
        one = Figures(period.begin, period.end, known.seconds(period.begin, period.end, now))
        one.sums |= sums.get(period.key, {})
        figures.append(one)
    total = Figures(of_zone[0].begin, of_zone[-1].end, sum(one.known_s for one in figures))
    total.sums = {name: sum(one.sums[name] for one in figures) for name in _SUMS}
    return Report(total, figures)


def _sums(
    keys: Collection[Key], columns: tuple[str, ...], unit: str, of_zone: list[Period], zone: tzinfo
) -> dict[Key, dict[Any, dict[str, int]]]:
    """The sums of each place by the key of the period."""
    is_contract = columns == CONTRACT
    model: Any = ContractHour if is_contract else ConnectorHour
    names = _CONTRACT_SUMS if is_contract else _SUMS
    rows = model.objects.filter(
        **_of(keys, columns), hour__gte=of_zone[0].begin, hour__lt=of_zone[-1].end
    ).order_by()
    truncated: Any = {
        periods.HOUR: F("hour"),
        periods.DAY: TruncDay("hour", tzinfo=zone),
        periods.MONTH: TruncMonth("hour", tzinfo=zone),
    }[unit]
    grouped = rows.values(*columns, period=truncated).annotate(
        **{f"sum_of_{name}": Sum(name) for name in names}
    )
    found: dict[Key, dict[Any, dict[str, int]]] = defaultdict(dict)
    for row in grouped:
        at = row["period"]
        period = second(at) if unit == periods.HOUR else at.date()
        key = tuple(row[name] for name in columns)
        found[key][period] = {name: row[f"sum_of_{name}"] for name in names}
    return found


def _known(keys: Collection[Key], columns: tuple[str, ...]) -> dict[Key, Known]:
    """The connectors of each place. A contract has none."""
    if columns == CONTRACT:
        return {}
    since: dict[Key, list[datetime]] = defaultdict(list)
    rows = ObservedConnector.objects.filter(**_of(keys, columns)).order_by()
    for *key, at in rows.values_list(*columns, "since"):
        since[tuple(key)].append(at)
    return {key: Known(times) for key, times in since.items()}


def _of(keys: Collection[Key], columns: tuple[str, ...]) -> dict[str, Any]:
    """The condition for rows of these places; those of a connector come with the others of its station."""
    return {f"{columns[0]}__in": {key[0] for key in keys}}
