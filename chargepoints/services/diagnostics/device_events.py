"""Events of a station's device model (2.0.1 N07, N08)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from chargepoints.models import DeviceEvent
from chargepoints.services import availability
from chargepoints.tables import DEVICE_EVENTS
from ocpp_server.events.catalogue import stations
from ocpp_server.live.station import Station
from ocpp_server.observability.masking import MASK, masked_words
from ocpp_server.protocol.secrets import is_secret_name
from ocpp_server.protocol.translate import Place
from ocpp_server.storage.journal import journal

_INT64: Final = 2**63 - 1
_LEAST_SEVERE: Final = 9
# The trigger of an event whose value has passed the limit of a monitor (2.0.1 N07).
_ALERTING: Final = "Alerting"
# An event without a time that comes again within this time is a repetition.
_REPEATED_WITHIN: Final = timedelta(hours=1)


class Origin(NamedTuple):
    """The monitor of an event and what led to it, as the station reports them; None or empty: not at all."""

    kind: str = ""
    monitor_id: int | None = None
    severity: int | None = None
    cause: int | None = None
    transaction_id: str = ""


_NONE: Final = Origin()


async def record(
    *,
    station: Station,
    event_id: int,
    component: str,
    component_instance: str,
    place: Place,
    variable: str,
    variable_instance: str,
    trigger: str,
    actual_value: str,
    tech_code: str,
    tech_info: str,
    is_cleared: bool,
    at: datetime,
    origin: Origin = _NONE,
    is_timed: bool = True,
) -> None:
    """Store an event, once: a station repeats those whose answer it has not got.

    AvailabilityState is another report of a connector's status (2.0.1 G01.FR.03). `is_timed` is False for an
    event whose time is that of its receipt: a repetition of it has another time, so it is looked up. An alarm
    is looked up too, because it is announced; with its exact time, as event ids begin again after a boot.
    """
    event_id = _int64(event_id)
    if not is_timed or trigger == _ALERTING:
        since = at if is_timed else at - _REPEATED_WITHIN
        if await journal.run(
            _is_known, station.pk, event_id, component[:255], variable[:255], since=since, until=at
        ):
            return
    names = (component, component_instance, variable, variable_instance)
    shown, remark = (
        (MASK, MASK if tech_info else "")
        if any(is_secret_name(name) for name in names)
        else (masked_words(actual_value), masked_words(tech_info))
    )
    station.unit.insert(
        DEVICE_EVENTS,
        charge_point_id=station.pk,
        event_id=event_id,
        component=component[:255],
        component_instance=component_instance[:255],
        evse_number=place.evse,
        connector_number=place.connector,
        variable=variable[:255],
        variable_instance=variable_instance[:255],
        trigger=trigger[:64],
        actual_value=shown,
        tech_code=tech_code[:255],
        tech_info=remark,
        is_cleared=is_cleared,
        kind=origin.kind[:32],
        monitor_id=None if origin.monitor_id is None else _int64(origin.monitor_id),
        severity=_severity(origin),
        cause=None if origin.cause is None else _int64(origin.cause),
        ocpp_transaction_id=origin.transaction_id[:36],
        at=at,
        received_at=station.received_at,
    )
    if trigger == _ALERTING:
        station.emit(
            stations.MONITOR,
            component=component[:255],
            componentInstance=component_instance[:255],
            variable=variable[:255],
            variableInstance=variable_instance[:255],
            evseId=place.evse,
            connectorId=place.connector,
            value=shown,
            isCleared=is_cleared,
            monitorId=None if origin.monitor_id is None else _int64(origin.monitor_id),
            severity=_severity(origin),
            techCode=tech_code[:255],
            techInfo=remark,
            time=at,
        )
    if variable == "AvailabilityState" and component in ("Connector", "EVSE", "ChargingStation"):
        is_station = component == "ChargingStation"
        await availability.report(
            station=station,
            place=Place(0, None) if is_station else place,
            status=actual_value,
            at=at,
        )


def _int64(number: int) -> int:
    """A number of a station that fits into the column."""
    return max(-_INT64, min(number, _INT64))


def _severity(origin: Origin) -> int | None:
    return None if origin.severity is None else max(0, min(origin.severity, _LEAST_SEVERE))


def _is_known(
    charge_point_pk: int, event_id: int, component: str, variable: str, *, since: datetime, until: datetime
) -> bool:
    rows = DeviceEvent.objects.filter(
        charge_point=charge_point_pk, event_id=event_id, at__gte=since, at__lte=until
    )
    return rows.filter(component=component, variable=variable).exists()
