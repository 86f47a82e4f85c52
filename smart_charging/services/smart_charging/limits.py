"""Limits that others set at a station (2.x K11 to K14)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ocpp_server.live.station import Station
from smart_charging.models.keys import row_key
from smart_charging.services.smart_charging import installed
from smart_charging.services.smart_charging.installed import evse_of
from smart_charging.tables import EXTERNAL_LIMITS, put

_MOST_CHARACTERS: Final = 64


def set_limit(
    *,
    station: Station,
    evse: int | None,
    limit: Mapping[str, Any],
    schedules: Sequence[Mapping[str, Any]],
) -> None:
    """Store the limit that a source has set; it replaces the last one of this source and EVSE. `limit` is the
    chargingLimit of 2.1; 2.0.1 has the same without isLocalGeneration.
    """
    number, source = evse_of(evse), str(limit["chargingLimitSource"])[:_MOST_CHARACTERS]
    put(
        station.unit,
        EXTERNAL_LIMITS,
        row_key(station.pk, number, source),
        added={"charge_point_id": station.pk, "evse_number": number, "source": source},
        is_grid_critical=bool(limit.get("isGridCritical")),
        is_local_generation=bool(limit.get("isLocalGeneration")),
        schedules=list(schedules),
        set_at=station.received_at,
        cleared_at=None,
    )


def release(*, station: Station, evse: int | None, source: str) -> None:
    """The source has released its limit: of one EVSE, or of the station and all its EVSEs."""
    source = source[:_MOST_CHARACTERS]
    known = {number for number, _ in station.connectors}
    for number in {evse_of(evse)} if evse else {0, *known}:
        key = row_key(station.pk, number, source)
        station.unit.update(EXTERNAL_LIMITS, key, cleared_at=station.received_at)
    installed.release(station=station, source=source, evse=evse)
