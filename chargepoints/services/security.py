"""Security events: what stations report, and what we notice ourselves (2.0.1 A04)."""

from __future__ import annotations

from datetime import datetime

from chargepoints.tables import SECURITY_EVENTS
from ocpp_server.live.station import Station


def report(*, station: Station, type: str, tech_info: str, at: datetime) -> None:
    """Store a station's event; any type, known or not."""
    _store(station, type, tech_info, at, from_station=True)


def notice(*, station: Station, type: str, tech_info: str) -> None:
    """Store an event of our own about a station."""
    _store(station, type, tech_info, station.received_at, from_station=False)


def _store(station: Station, type: str, tech_info: str, at: datetime, *, from_station: bool) -> None:
    station.unit.insert(
        SECURITY_EVENTS,
        charge_point_id=station.pk,
        type=type[:255],
        tech_info=tech_info,
        from_station=from_station,
        at=at,
        received_at=station.received_at,
    )
