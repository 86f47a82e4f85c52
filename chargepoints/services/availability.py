"""Connector status as reported by the station, separate from the availability that an operator sets."""

from __future__ import annotations

from datetime import datetime

from chargepoints.models import Connector, Evse
from chargepoints.models.station_state import OTHER
from chargepoints.tables import CHARGE_POINTS, CONNECTORS
from ocpp_server.events.catalogue import stations
from ocpp_server.live.records import ConnectorState
from ocpp_server.live.station import Station
from ocpp_server.protocol.translate import Place
from ocpp_server.storage.journal import journal

# More than any station has. The limit keeps a station from filling the database with connector numbers.
MAX_CONNECTORS = 128

_FAULTED = Connector.Status.FAULTED.value
FREE = Connector.Status.AVAILABLE.value
_KNOWN = frozenset(value for value in Connector.Status.values if value)


async def report(
    *,
    station: Station,
    place: Place,
    status: str,
    at: datetime,
    error_code: str = "",
    info: str = "",
    vendor_id: str = "",
    vendor_error_code: str = "",
    by_time: bool = True,
) -> None:
    """Store a reported status.

    `by_time`: of two reports about a connector on one connection, the one with the later time of the station
    counts; of equal times the later one to arrive (2.x: StatusNotification and NotifyEvent report the same
    state). Without it, the order of receipt counts: the time of a 1.6 station is that of the change and may
    be old (1.6 4.9).
    """
    status = known_status(status)
    if place.evse is None:
        station.deviation("impossible-place")
        return
    error = {"errorCode": error_code, "vendorErrorCode": vendor_error_code, "info": info}
    if not place.evse:
        # Connector 0 is the station as a whole: its status hides the connectors' and never overwrites it.
        if status != station.status:
            _set_status(station, station, status, at, **error)
        station.unit.update(
            CHARGE_POINTS,
            station.pk,
            status=status,
            error_code=error_code[:255],
            status_info=info[:1000],
            status_at=at,
        )
        return
    connector = await connector_at(station, place)
    if connector is None:
        station.deviation("too-many-connectors", str(place))
        return
    if by_time and _is_outdated(station, connector, at):
        station.deviation("outdated-status", f"{status} {place}")
        return
    connector.changed_at = at
    if status != connector.status:
        _set_status(station, connector, status, at, **error)
    connector.error_code, connector.info = error_code, info
    connector.reported_at = station.received_at
    station.unit.update(
        CONNECTORS,
        connector.pk,
        status=status,
        error_code=error_code[:255],
        info=info[:1000],
        vendor_id=vendor_id[:255],
        vendor_error_code=vendor_error_code[:255],
        is_provisional=False,
        status_at=at,
        status_received_at=station.received_at,
    )


def _is_outdated(station: Station, connector: ConnectorState, at: datetime) -> bool:
    """Whether a report is older than the present one of the same connection. A clock that was ahead and has
    been corrected must not hold back the reports that follow: the time of receipt is the latest that the
    present report can have.
    """
    changed_at, reported_at = connector.changed_at, connector.reported_at
    if changed_at is None or reported_at is None or reported_at < station.connected_at:
        return False
    return at < min(changed_at, reported_at)


def is_faulted(station: Station) -> bool:
    """Whether the station as a whole or one of its connectors is Faulted."""
    return station.status == _FAULTED or any(
        connector.status == _FAULTED for connector in station.connectors.values()
    )


def _set_status(
    station: Station, holder: Station | ConnectorState, status: str, at: datetime, **error: str
) -> None:
    """Set another status of a connector or of the station as a whole, with its events.

    `error` holds errorCode, vendorErrorCode and info.
    """
    previous = holder.status
    concerns_fault = _FAULTED in (status, previous)
    was_faulted = concerns_fault and is_faulted(station)
    holder.status = status
    where = {"evseId": 0, "connectorId": 0}
    if isinstance(holder, ConnectorState):
        where = {"evseId": holder.evse, "connectorId": holder.number}
        station.emit(
            stations.STATUS_CHANGED,
            **where,
            status=status,
            previousStatus=previous,
            **error,
            statusTime=at,
        )
        # The list of stations shows the worst status of the connectors.
        station.unit.update(CHARGE_POINTS, station.pk, updated_at=station.received_at)
    if not concerns_fault:
        return
    if status == _FAULTED and not was_faulted:
        station.emit(stations.FAULTED, **where, **error)
    elif was_faulted and not is_faulted(station):
        station.emit(stations.RECOVERED, **where)


def known_status(status: str) -> str:
    """The status, marked with a prefix when it is unknown."""
    return status if status in _KNOWN else f"{OTHER}{status}"[:64]


def free_since(station: Station, place: Place) -> datetime | None:
    """The time since which a place has reported Available, by the server's clock; else None.

    When the connector is unknown, all connectors of the EVSE have to be Available.
    """
    if not place.evse:
        return None
    if place.connector is not None:
        known = station.connectors.get((place.evse, place.connector))
        connectors = [] if known is None else [known]
    else:
        connectors = [known for (evse, _), known in station.connectors.items() if evse == place.evse]
    times = [known.reported_at for known in connectors if known.status == FREE]
    if not times or len(times) < len(connectors):
        return None
    return max((at for at in times if at is not None), default=None)


async def connector_at(
    station: Station, place: Place, *, is_provisional: bool = False
) -> ConnectorState | None:
    """The connector, created when it is new. None for the station itself and beyond MAX_CONNECTORS."""
    if not place.evse or place.evse < 0:
        return None
    number = place.connector or 1
    known = station.connectors.get((place.evse, number))
    if known is not None:
        return known
    if len(station.connectors) >= MAX_CONNECTORS or place.evse > 2**31 - 1 or number > 2**31 - 1:
        return None
    pk = await journal.run_batched(_make, (station.pk, place.evse, number, is_provisional))
    connector = ConnectorState(pk=pk, evse=place.evse, number=number)
    station.connectors[place.evse, number] = connector
    return connector


def _make(wanted: list[tuple[int, int, int, bool]]) -> list[int]:
    """Create connectors and return their keys. Each is (charge point, EVSE, number, is provisional)."""
    stations = {charge_point for charge_point, _, _, _ in wanted}
    places = {(charge_point, evse) for charge_point, evse, _, _ in wanted}
    Evse.objects.bulk_create(
        [Evse(charge_point_id=charge_point, number=number) for charge_point, number in sorted(places)],
        ignore_conflicts=True,
    )
    evses = {
        (charge_point, number): pk
        for charge_point, number, pk in Evse.objects.filter(charge_point__in=stations).values_list(
            "charge_point_id", "number", "pk"
        )
    }
    Connector.objects.bulk_create(
        [
            Connector(
                charge_point_id=charge_point,
                evse_id=evses[charge_point, evse],
                number=number,
                is_provisional=is_provisional,
            )
            for charge_point, evse, number, is_provisional in wanted
        ],
        ignore_conflicts=True,
    )
    connectors = {
        (evse, number): pk
        for evse, number, pk in Connector.objects.filter(charge_point__in=stations)
        .order_by()
        .values_list("evse_id", "number", "pk")
    }
    return [connectors[evses[charge_point, evse], number] for charge_point, evse, number, _ in wanted]
