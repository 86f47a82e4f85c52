"""Bidirectional power transfer (2.1 Q)."""

from __future__ import annotations

from typing import Any

from ocpp_server.live.station import Station
from ocpp_server.protocol.registry import reply
from ocpp_server.protocol.versions import V21
from smart_charging.services.smart_charging import plans


@reply("NotifyAllowedEnergyTransfer", V21)
async def allowed_energy_transfer_answered(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    """Q01: the transfers count for the next needs of the vehicle."""
    if response["status"] == "Accepted":
        plans.allow(
            station=station, ocpp_id=request["transactionId"], transfers=request["allowedEnergyTransfer"]
        )
