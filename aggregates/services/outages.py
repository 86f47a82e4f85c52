"""Outages follow from the stream of events, and are compared with the stations now and then.

Events have the exact times. They do not say that a station is Unavailable as a whole, and may be deleted
before they were read: the rows of stations and connectors show the rest, with their own times.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction

from aggregates.models import ObservedConnector, Outage, Progress
from aggregates.services.following import advance, progress
from aggregates.services.marks import mark
from chargepoints.models import ChargePoint, Connector
from events.models import Event, StationStream
from events.services import reading
from ocpp_server.events.catalogue import stations as types

Cause = Outage.Cause
Place = tuple[int, int]  # the numbers of EVSE and connector; zeros are the station as a whole
WHOLE: Final[Place] = (0, 0)

_TYPES: Final = sorted(
    type.name for type in (types.ONLINE, types.OFFLINE, types.STATUS_CHANGED, types.FAULTED, types.RECOVERED)
)
# Events of one transaction.
AT_ONCE: Final = 500
COMPARE_EVERY: Final = timedelta(hours=1)
# The clock of a station is believed for this long before the event, and never after it.
_BELIEVED: Final = timedelta(days=7)
# An outage that has ended is remembered for this long.
_KNOWN_FOR: Final = 3 * COMPARE_EVERY
_CAUSES: Final = {"Faulted": Cause.FAULTED, "Unavailable": Cause.UNAVAILABLE}


class Ledger:
    """The open outages of some stations, and what changes of them; `store` writes it."""

    def __init__(self, stations: Collection[int], now: datetime) -> None:
        self._open: dict[tuple[int, Place, str], Outage] = {}
        rows = Outage.objects.filter(charge_point__in=stations, ended_at__isnull=True)
        for row in rows:
            self._open[row.charge_point_id, (row.evse_number, row.connector_number), row.cause] = row
        recent = Outage.objects.filter(charge_point__in=stations, updated_at__gte=now - _KNOWN_FOR)
        self._known = {_identity(row) for row in recent}
        self._new: list[Outage] = []
        self._ended: list[Outage] = []
        self._since: dict[int, datetime] = {}

    def begin(self, station: int, place: Place, cause: str, at: datetime, error_code: str = "") -> None:
        """Note the begin of an outage, unless it has begun already, or was known and has ended: a comparison
        may be ahead of the events.
        """
        key = station, place, cause
        if key in self._open:
            return
        evse, connector = place
        row = Outage(
            charge_point_id=station,
            evse_number=evse,
            connector_number=connector,
            cause=cause,
            error_code=error_code[:255],
            began_at=at,
        )
        if _identity(row) in self._known:
            return
        self._known.add(_identity(row))
        self._open[key] = row
        self._new.append(row)
        self._touch(station, at)

    def end(self, station: int, place: Place, at: datetime, *, except_for: Collection[str] = ()) -> None:
        """Note the end of the outages of a place, except for those with these causes."""
        for cause in Cause.values:
            row = self._open.get((station, place, cause)) if cause not in except_for else None
            if row is None:
                continue
            row.ended_at = max(at, row.began_at)
            self._touch(station, row.began_at)
            del self._open[station, place, cause]
            if row.pk is not None:
                self._ended.append(row)

    def open_places(self, station: int) -> set[Place]:
        return {place for pk, place, _ in self._open if pk == station}

    def store(self, now: datetime) -> None:
        """Write the changes, and mark the stations."""
        for row in self._ended:
            row.updated_at = now
        Outage.objects.bulk_update(self._ended, ["ended_at", "updated_at"])
        Outage.objects.bulk_create(self._new)
        mark(self._since)

    def _touch(self, station: int, at: datetime) -> None:
        self._since[station] = min(at, self._since.get(station, at))


def _identity(row: Outage) -> tuple[int, int, int, str, int]:
    """The same for an outage that was found in events and in the rows: events have less digits of a time."""
    began = int(row.began_at.timestamp())
    return row.charge_point_id, row.evse_number, row.connector_number, row.cause, began


# -- events --------------------------------------------------------------------------------------------------


def follow(now: datetime) -> bool:
    """Apply the next events. Returns whether there are more."""
    before = progress().position
    page = reading.read(before, limit=AT_ONCE, conditions={"type__in": _TYPES})
    if page.next == before:
        return False
    known = _stations({event.station for event in page.events})
    with transaction.atomic():
        if not advance(position=(before, page.next)):
            return True
        ledger = Ledger(list(known.values()), now)
        observed: dict[tuple[int, Place], datetime] = {}
        for event in page.events:
            station = known.get(event.station.casefold())
            if station is not None:
                _apply(ledger, observed, station, event)
        _observe(observed)
        ledger.store(now)
        if page.gap:
            Progress.objects.update(compared_at=None)
    return page.more


def _stations(identities: Collection[str]) -> dict[str, int]:
    """The keys of stations by the folded identity. Rejected ones are not expected to work."""
    rows = ChargePoint.objects.by_identities(list(identities))
    rows = rows.exclude(registration_status=ChargePoint.Registration.REJECTED).order_by()
    # Stations of the test site are in no sum.
    rows = rows.exclude(site__is_test=True)
    return dict(rows.values_list("identity_key", "pk"))


def _apply(ledger: Ledger, observed: dict[tuple[int, Place], datetime], station: int, event: Event) -> None:
    data = event.content
    if event.type == types.ONLINE.name:
        others = {Cause.FAULTED, Cause.UNAVAILABLE}
        ledger.end(station, WHOLE, _believed(data["since"], event.at), except_for=others)
    elif event.type == types.OFFLINE.name:
        ledger.begin(station, WHOLE, Cause.OFFLINE, _believed(data["since"], event.at))
    elif event.type == types.FAULTED.name:
        if not data["evseId"]:
            ledger.begin(station, WHOLE, Cause.FAULTED, event.at, data["errorCode"])
    elif event.type == types.RECOVERED.name:
        ledger.end(station, WHOLE, event.at, except_for={Cause.OFFLINE, Cause.UNAVAILABLE})
    elif event.type == types.STATUS_CHANGED.name:
        place = data["evseId"], data["connectorId"]
        at = _believed(data["statusTime"], event.at)
        observed.setdefault((station, place), at)
        cause = _CAUSES.get(data["status"])
        ledger.end(station, place, at, except_for={cause} if cause else ())
        if cause:
            ledger.begin(station, place, cause, at, data["errorCode"])


def _believed(text: str, at: datetime) -> datetime:
    """A time of an event's data; the time of the event if the clock of the station was wrong."""
    found = datetime.fromisoformat(text)
    return found if at - _BELIEVED <= found <= at else at


def _observe(found: dict[tuple[int, Place], datetime]) -> None:
    ObservedConnector.objects.bulk_create(
        [
            ObservedConnector(charge_point_id=station, evse_number=evse, connector_number=connector, since=at)
            for (station, (evse, connector)), at in sorted(found.items())
        ],
        ignore_conflicts=True,
    )


# -- comparing -----------------------------------------------------------------------------------------------


def due(now: datetime) -> list[int]:
    """The stations to compare now; none if the last comparison was a short while ago."""
    row = progress()
    if row.compared_at is not None and now - row.compared_at < COMPARE_EVERY:
        return []
    rows = ChargePoint.objects.exclude(site__is_test=True).order_by("pk")
    return list(rows.values_list("pk", flat=True))


def compared(now: datetime) -> None:
    """Note that all stations were compared."""
    Progress.objects.update(compared_at=now)


def compare(stations: Collection[int], now: datetime) -> None:
    """Begin and end the outages that these stations show and the events have not."""
    rows: list[Any] = list(
        ChargePoint.objects.filter(pk__in=stations).values(
            "pk", "identity", "registration_status", "status", "status_at", "error_code", "connected_at",
            "disconnected_at", "last_seen_at",
        )
    )  # fmt: skip
    presence = dict(
        StationStream.objects.filter(station__in=[row["identity"] for row in rows]).values_list(
            "station", "is_online"
        )
    )
    connectors: dict[int, list[dict[str, Any]]] = defaultdict(list)
    columns = (
        "charge_point",
        "evse__number",
        "number",
        "status",
        "error_code",
        "status_at",
        "status_received_at",
    )
    for found in Connector.objects.filter(charge_point__in=stations).order_by().values(*columns):
        connectors[found["charge_point"]].append(found)
    observed = {
        (one["charge_point"], (one["evse__number"], one["number"])): one["status_received_at"] or now
        for of_station in connectors.values()
        for one in of_station
    }
    with transaction.atomic():
        ledger = Ledger(stations, now)
        _observe(observed)
        for row in rows:
            if row["registration_status"] == ChargePoint.Registration.REJECTED:
                for place in ledger.open_places(row["pk"]):
                    ledger.end(row["pk"], place, now)
                continue
            _compare_whole(ledger, row, presence.get(row["identity"]), now)
            _compare_connectors(ledger, row["pk"], connectors[row["pk"]], now)
        ledger.store(now)


def _compare_whole(ledger: Ledger, row: dict[str, Any], is_online: bool | None, now: datetime) -> None:
    station, reported = row["pk"], {Cause.FAULTED, Cause.UNAVAILABLE}
    if is_online is False:
        ledger.begin(station, WHOLE, Cause.OFFLINE, _past(now, row["disconnected_at"], row["last_seen_at"]))
    elif is_online:
        ledger.end(station, WHOLE, _past(now, row["connected_at"]), except_for=reported)
    cause = _CAUSES.get(row["status"])
    at = _past(now, row["status_at"])
    ledger.end(station, WHOLE, at, except_for={Cause.OFFLINE, *({cause} if cause else ())})
    if cause:
        ledger.begin(station, WHOLE, cause, at, row["error_code"])


def _compare_connectors(
    ledger: Ledger, station: int, connectors: Iterable[dict[str, Any]], now: datetime
) -> None:
    gone = ledger.open_places(station) - {WHOLE}
    for one in connectors:
        place, cause = (one["evse__number"], one["number"]), _CAUSES.get(one["status"])
        at = _past(now, one["status_at"])
        ledger.end(station, place, at, except_for={cause} if cause else ())
        if cause:
            ledger.begin(station, place, cause, at, one["error_code"])
        gone.discard(place)
    for place in gone:
        ledger.end(station, place, now)


def _past(now: datetime, *times: datetime | None) -> datetime:
    """The first time that is known and in the past; otherwise now."""
    return next((at for at in times if at is not None and at <= now), now)
