"""Events of a station's device model (2.0.1 N07, N08)."""

from __future__ import annotations

from datetime import datetime

from chargepoints.services import availability
from chargepoints.tables import DEVICE_EVENTS
from ocpp_server.live.station import Station
from ocpp_server.observability.masking import MASK, masked_words
from ocpp_server.protocol.secrets import is_secret_name
from ocpp_server.protocol.translate import Place

_INT64 = 2**63 - 1


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
) -> None:
    """Store an event. AvailabilityState is another report of a connector's status (2.0.1 G01.FR.03)."""
    names = (component, component_instance, variable, variable_instance)
    shown, remark = (
        (MASK, MASK if tech_info else "")
        if any(is_secret_name(name) for name in names)
        else (masked_words(actual_value), masked_words(tech_info))
    )
    station.unit.insert(
        DEVICE_EVENTS,
        charge_point_id=station.pk,
        event_id=max(-_INT64, min(event_id, _INT64)),
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
        at=at,
        received_at=station.received_at,
    )
    if variable == "AvailabilityState" and component in ("Connector", "EVSE", "ChargingStation"):
        is_station = component == "ChargingStation"
        await availability.report(
            station=station,
            place=Place(0, None) if is_station else place,
            status=actual_value,
            at=at,
        )
