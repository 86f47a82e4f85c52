"""ChangeAvailability: put a station or one of its EVSEs in or out of service (1.6 5.2, 2.x G03, G04)."""

from __future__ import annotations

from typing import Any

from chargepoints.models import ChargePoint, Command
from ocpp_server.protocol.versions import V16
from ocpp_server.transport import calls


async def change_availability(
    charge_point: ChargePoint,
    *,
    operative: bool,
    evse_number: int | None = None,
    actor: str,
    timeout: float | None = None,
    wait: bool = True,
) -> Command:
    """Put the station (no number) or one EVSE in or out of service. Raises the errors of `calls.call`."""
    wanted = "Operative" if operative else "Inoperative"
    payload: dict[str, Any]
    if charge_point.ocpp_version == V16:
        payload = {"connectorId": evse_number or 0, "type": wanted}
    else:
        payload = {"operationalStatus": wanted}
        if evse_number is not None:
            payload["evse"] = {"id": evse_number}
    return await calls.call(
        charge_point, "ChangeAvailability", payload, actor=actor, timeout=timeout, wait=wait
    )
