"""The uptime of EVSEs in twelve months, as rules of authorities count it.

- NEVI (23 CFR 680.116 (b)): of each charging port, for the twelve months before, in percent:
  (525,600 - (T_outage - T_excluded)) / 525,600 * 100, with times in minutes.
- AFIR (Regulation (EU) 2023/1804) has no formula. Its Article 20 (2) makes operators publish whether a
  recharging point is operational: the figure is the part of the time in which it was, with nothing excluded.

A charging port and a recharging point are an EVSE of OCPP: one vehicle charges there at a time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import date, datetime, timedelta, tzinfo
from typing import Final, NamedTuple

from django.db.models import Sum

from aggregates.models import ConnectorHour, ObservedConnector
from aggregates.services.periods import MONTH, Known, following, midnight

MINUTES_OF_A_YEAR: Final = 525_600
_MINUTE_S: Final = 60


class Uptime(NamedTuple):
    """Times in seconds. `is_whole`: the EVSE was known for all of the twelve months."""

    begin: datetime
    end: datetime
    known_s: int
    outage_s: int
    excluded_s: int
    is_whole: bool

    @property
    def known_minutes(self) -> float:
        return round(self.known_s / _MINUTE_S, 2)

    @property
    def outage_minutes(self) -> float:
        return round(self.outage_s / _MINUTE_S, 2)

    @property
    def excluded_minutes(self) -> float:
        return round(self.excluded_s / _MINUTE_S, 2)

    @property
    def nevi(self) -> float | None:
        """In percent. Of an EVSE that was known for less than the year, its own time is the whole."""
        minutes = MINUTES_OF_A_YEAR if self.is_whole else self.known_s / _MINUTE_S
        lost = (self.outage_s - self.excluded_s) / _MINUTE_S
        return _percent(minutes, lost)

    @property
    def afir(self) -> float | None:
        return _percent(self.known_s / _MINUTE_S, self.outage_s / _MINUTE_S)


def _percent(whole: float, lost: float) -> float | None:
    return None if whole <= 0 else round(max(0.0, (whole - lost) / whole * 100), 4)


def year_until(month: date, zone: tzinfo) -> tuple[datetime, datetime]:
    """The twelve months of which this is the last one."""
    after = following(month, MONTH)
    return midnight(after.replace(year=after.year - 1), zone), midnight(after, zone)


def last_month(now: datetime, zone: tzinfo) -> date:
    """The first day of the last complete month."""
    return (now.astimezone(zone).date().replace(day=1) - timedelta(days=1)).replace(day=1)


def of_evses(
    station: int, evses: Collection[int], span: tuple[datetime, datetime], now: datetime
) -> dict[int, Uptime]:
    """The uptime of EVSEs of a station; no time of those of which no connector has reported a status."""
    begin, end = span
    since: dict[int, datetime] = {}
    known = ObservedConnector.objects.filter(charge_point=station, evse_number__in=evses).order_by()
    for evse, at in known.values_list("evse_number", "since"):
        since[evse] = min(at, since.get(evse, at))
    rows = ConnectorHour.objects.filter(
        charge_point=station, evse_number__in=evses, hour__gte=begin, hour__lt=end
    ).order_by()
    lost: dict[int, tuple[int, int]] = defaultdict(lambda: (0, 0))
    sums = rows.values_list("evse_number", "connector_number").annotate(
        Sum("evse_down_s"), Sum("evse_excluded_s")
    )
    for evse, _, down_s, excluded_s in sums:
        # The rows of each connector have the time of the EVSE since the connector is known: the first one
        # that was known has all of it.
        lost[evse] = max(lost[evse], (down_s, excluded_s))
    found = {}
    for evse in evses:
        known_s = Known([since[evse]] if evse in since else []).seconds(begin, end, now)
        is_whole = evse in since and since[evse] <= begin and end <= now
        found[evse] = Uptime(begin, end, known_s, *lost[evse], is_whole)
    return found
