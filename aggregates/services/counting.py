"""Counts the hours of a station: from its sessions, outages and maintenance windows, again and again.

1. A mark (`Recount`) names a station and the time from which its hours may be wrong.
2. A step reads the sessions, outages and windows of at most WINDOW, without a lock.
3. In one short transaction it locks the mark, stores what differs from the stored rows, and moves the mark
   or removes it. If the station was marked again meanwhile, or another process has counted it, it stores
   nothing, and the next step begins again.

A killed process leaves the mark, and counting twice gives the same rows. A second process, during a change of
the elected one, never stores an older state over a newer one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db import transaction
from django.db.models import Min, Q, QuerySet

from aggregates.models import (
    ConnectorHour,
    ContractHour,
    MaintenanceWindow,
    ObservedConnector,
    Outage,
    Recount,
)
from aggregates.services import downtime, energy
from aggregates.services.spans import (
    HOUR_S,
    Span,
    Spans,
    by_hour,
    common,
    hour_of,
    moment,
    second,
    union,
)
from chargepoints.models import ChargePoint
from ocpp_server.protocol.translate.energy import mwh_of
from transactions.models import Transaction
from transactions.services.metering import hours as hours_of_sessions

# Messages wait for the writing of a step in SQLite.
WINDOW: Final = timedelta(days=7)
# A session that is longer began at a wrong time of the station: its last days count.
MOST_S: Final = hours_of_sessions.MOST_SPREAD_S

_SESSION: Final = (
    "evse_number",
    "connector_number",
    "token__contract",
    "merged_into",
    "energy_wh",
    "energy_by_hour",
    "started_at",
    "stopped_at",
    "last_message_at",
)


class _Session(NamedTuple):
    connector: tuple[int, int]
    contract: int | None
    is_own: bool
    span: Span
    by_hour: dict[int, int]


class _Sum:
    """The sums of an hour."""

    def __init__(self) -> None:
        self.energy_mwh = self.sessions = self.occupied_s = 0
        self.down_s = self.excluded_s = self.evse_down_s = self.evse_excluded_s = 0


class _Counted:
    """The sums of hours from `begin` to before `end`: by hour, EVSE and connector, or by hour and contract.

    Sessions that reach out of this time make sums of other hours too; these are not stored.
    """

    def __init__(self, begin: int, end: int) -> None:
        self.begin, self.end = begin, end
        self.connectors: dict[tuple[int, int, int], _Sum] = defaultdict(_Sum)
        self.contracts: dict[tuple[int, int], _Sum] = defaultdict(_Sum)

    def add(self, one: _Session) -> None:
        """Add the energy of a session, and its time to the contract: at two connectors at once it counts
        both times.
        """
        first = hour_of(one.span[0])
        self.connectors[first, *one.connector].sessions += one.is_own
        for hour, mwh in one.by_hour.items():
            self.connectors[hour, *one.connector].energy_mwh += mwh
        if one.contract is None:
            return
        self.contracts[first, one.contract].sessions += one.is_own
        for hour, mwh in one.by_hour.items():
            self.contracts[hour, one.contract].energy_mwh += mwh
        for hour, seconds in by_hour([one.span]):
            self.contracts[hour, one.contract].occupied_s += seconds


def marked(at_most: int) -> list[int]:
    """The marked stations, the oldest mark first."""
    return list(Recount.objects.order_by("marked_at", "pk").values_list("pk", flat=True)[:at_most])


def postpone(station: int, now: datetime) -> None:
    """Count the other stations first."""
    Recount.objects.filter(pk=station).update(marked_at=now)


def count(station: int, now: datetime) -> bool:
    """Count a part of a marked station. Returns whether there is more to count."""
    mark = Recount.objects.filter(pk=station).first()
    if mark is None:
        return False
    found = _count(station, mark.since, now)
    with transaction.atomic():
        unchanged = Recount.objects.filter(pk=station, marks=mark.marks)
        # An update locks the row, also in SQLite.
        if not unchanged.update(marks=mark.marks):
            return True
        _store_connectors(station, found)
        _store_contracts(station, found)
        if moment(found.end) > now:
            unchanged.delete()
            return False
        unchanged.update(since=moment(found.end))
    return True


def _count(station: int, since: datetime, now: datetime) -> _Counted:
    """The sums of the first hours of a station from a time on."""
    begin = hour_of(second(max(since, _first(station, since, now))))
    end = min(begin + second_of(WINDOW), hour_of(second(now)) + HOUR_S)
    counted = _Counted(begin, end)
    sessions = list(_sessions(station, moment(begin), now))
    occupied: dict[tuple[int, int], list[Span]] = defaultdict(list)
    for one in sessions:
        occupied[one.connector].append(one.span)
        counted.add(one)
    for connector, spans in occupied.items():
        for hour, seconds in by_hour(union(spans)):
            counted.connectors[hour, *connector].occupied_s += seconds
    _add_downtime(counted, station, _by_evse(occupied), now)
    return counted


def _add_downtime(counted: _Counted, station: int, occupied: dict[int, Spans], now: datetime) -> None:
    known = dict(_observed(station))
    down = downtime.of(known, _faults(station, counted.begin, now), occupied)
    windows = _windows(station, counted.begin, counted.end)
    for connector, spans in down.connectors.items():
        time_of_it = [(max(counted.begin, known[connector]), counted.end)]
        for prefix, times in (("", spans), ("evse_", down.evses[connector[0]])):
            lost = common(times, time_of_it)
            for name, parts in (("down_s", lost), ("excluded_s", common(lost, windows))):
                for hour, seconds in by_hour(parts):
                    sums = counted.connectors[hour, *connector]
                    setattr(sums, prefix + name, getattr(sums, prefix + name) + seconds)


def second_of(duration: timedelta) -> int:
    return int(duration.total_seconds())


def _first(station: int, since: datetime, now: datetime) -> datetime:
    """The first time from `since` on at which there is anything to count."""
    # The times that count: one of a wrong clock may be decades away.
    found = [moment(min([one.span[0], *one.by_hour])) for one in _sessions(station, since, now)]
    outages = Outage.objects.filter(_until(since), charge_point=station)
    found.append(outages.aggregate(first=Min("began_at"))["first"] or now)
    for model in (ConnectorHour, ContractHour):
        rows = model._default_manager.filter(charge_point=station, hour__gte=since)
        found.append(rows.aggregate(first=Min("hour"))["first"] or now)
    return min(*found, now)


def _until(since: datetime) -> Q:
    return Q(ended_at__isnull=True) | Q(ended_at__gt=since)


# -- sessions ------------------------------------------------------------------------------------------------


def _rows(station: int, since: datetime) -> QuerySet[Transaction]:
    """The sessions that ran at `since` or later. The charging of a battery in a slot is none of a driver."""
    rows = Transaction.objects.filter(charge_point=station, charges_battery=False).order_by()
    return rows.filter(Q(stopped_at__isnull=True) | Q(stopped_at__gte=since) | Q(started_at__gte=since))


def _sessions(station: int, since: datetime, now: datetime) -> Iterable[_Session]:
    for evse, connector, contract, merged, wh, by_hours, started, stopped, last in _rows(
        station, since
    ).values_list(*_SESSION):
        # The server's time of the last message: a clock that is ahead must not put energy into the future.
        latest = hour_of(second(min(last, now)))
        end = min(second(stopped or now), second(now if stopped is None else last))
        span = (max(min(second(started), end), end - MOST_S), end)
        counted: dict[int, int] = defaultdict(int)
        for hour, mwh in energy.hours(hours_of_sessions.loaded(by_hours), mwh_of(wh), span).items():
            counted[min(hour, latest)] += mwh
        place = (evse, connector or 1) if evse else (0, 0)
        yield _Session(place, contract, merged is None, span, counted)


def _by_evse(occupied: dict[tuple[int, int], list[Span]]) -> dict[int, Spans]:
    found: dict[int, list[Span]] = defaultdict(list)
    for (evse, _), spans in occupied.items():
        found[evse].extend(spans)
    return {evse: union(spans) for evse, spans in found.items()}


# -- outages -------------------------------------------------------------------------------------------------


def _observed(station: int) -> Iterable[tuple[tuple[int, int], int]]:
    rows = ObservedConnector.objects.filter(charge_point=station).order_by()
    for evse, connector, since in rows.values_list("evse_number", "connector_number", "since"):
        yield (evse, connector), second(since)


def _faults(station: int, begin: int, now: datetime) -> list[downtime.Fault]:
    rows = Outage.objects.filter(_until(moment(begin)), charge_point=station, began_at__lt=now).order_by()
    columns = ("evse_number", "connector_number", "cause", "began_at", "ended_at")
    return [
        downtime.Fault((evse, connector), cause, (second(began), second(min(ended or now, now))))
        for evse, connector, cause, began, ended in rows.values_list(*columns)
    ]


def _windows(station: int, begin: int, end: int) -> Spans:
    windows = MaintenanceWindow.objects.of(ChargePoint.objects.only("pk", "site").get(pk=station))
    rows = windows.filter(ends_at__gt=moment(begin), begins_at__lt=moment(end)).order_by()
    return union((second(first), second(last)) for first, last in rows.values_list("begins_at", "ends_at"))


# -- storing -------------------------------------------------------------------------------------------------

_SUMS: Final = ("energy_mwh", "sessions", "occupied_s")
_CONNECTOR_SUMS: Final = (*_SUMS, "down_s", "excluded_s", "evse_down_s", "evse_excluded_s")


def _store_connectors(station: int, counted: _Counted) -> None:
    rows = {
        (hour, evse, connector): ConnectorHour(
            charge_point_id=station,
            hour=moment(hour),
            evse_number=evse,
            connector_number=connector,
            **{name: getattr(sums, name) for name in _CONNECTOR_SUMS},
        )
        for (hour, evse, connector), sums in counted.connectors.items()
    }
    stored = ConnectorHour.objects.filter(charge_point=station)
    hours, key = (counted.begin, counted.end), ("evse_number", "connector_number")
    _store(ConnectorHour, stored, rows, hours=hours, key=key, sums=_CONNECTOR_SUMS)


def _store_contracts(station: int, counted: _Counted) -> None:
    rows = {
        (hour, contract): ContractHour(
            charge_point_id=station,
            hour=moment(hour),
            contract_id=contract,
            **{name: getattr(sums, name) for name in _SUMS},
        )
        for (hour, contract), sums in counted.contracts.items()
    }
    stored = ContractHour.objects.filter(charge_point=station)
    hours = counted.begin, counted.end
    _store(ContractHour, stored, rows, hours=hours, key=("contract_id",), sums=_SUMS)


def _store(
    model: Any,
    stored: QuerySet[Any],
    rows: dict[Any, Any],
    *,
    hours: Span,
    key: tuple[str, ...],
    sums: tuple[str, ...],
) -> None:
    """Store the rows of these hours that differ from the stored ones, and delete those without sums."""
    begin, end = hours
    stored = stored.filter(hour__gte=moment(begin), hour__lt=moment(end))
    rows = {
        name: row
        for name, row in rows.items()
        if begin <= name[0] < end and any(getattr(row, column) for column in sums)
    }
    gone, same = [], set()
    for row in stored:
        name = (second(row.hour), *(getattr(row, column) for column in key))
        if name not in rows:
            gone.append(row.pk)
        elif all(getattr(row, column) == getattr(rows[name], column) for column in sums):
            same.add(name)
    if gone:
        model.objects.filter(pk__in=gone).delete()
    model.objects.bulk_create(
        [row for name, row in sorted(rows.items()) if name not in same],
        update_conflicts=True,
        unique_fields=["charge_point", "hour", *(column.removesuffix("_id") for column in key)],
        update_fields=sums,
    )
