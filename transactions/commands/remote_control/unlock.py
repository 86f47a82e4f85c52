"""Release a plug (1.6 5.18, 2.x F05)."""

from __future__ import annotations

from chargepoints.models import ChargePoint, Command
from ocpp_server.protocol.versions import V16
from ocpp_server.transport import calls


async def unlock(
    charge_point: ChargePoint,
    *,
    evse_number: int,
    connector_number: int = 1,
    actor: str,
    timeout: float | None = None,
    wait: bool = True,
) -> Command:
    """Unlock a connector of EVSE n, which is connector n in 1.6. Raises the errors of `calls.call`."""
    if charge_point.ocpp_version == V16:
        payload = {"connectorId": evse_number}
    else:
        payload = {"evseId": evse_number, "connectorId": connector_number}
    return await calls.call(charge_point, "UnlockConnector", payload, actor=actor, timeout=timeout, wait=wait)
