"""Battery swaps (2.1 S). The answer is empty: a battery can't be refused here."""

from __future__ import annotations

from typing import Any

from chargepoints.services.follow_ups import gathering
from chargepoints.services.follow_ups.recording import record
from ocpp_server.live.station import Station
from ocpp_server.protocol.registry import after, on
from ocpp_server.protocol.versions import V21


@on("BatterySwap", V21)
async def battery_swap(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    record(station=station, request=request)
    return {}


@after("BatterySwap", V21)
async def battery_swapped(station: Station, request: dict[str, Any]) -> None:
    await gathering.gather(station=station, request=request)
