"""Empty a station's authorization cache (1.6 5.4, 2.x C11)."""

from __future__ import annotations

from chargepoints.models import ChargePoint, Command
from ocpp_server.transport import calls


async def clear_cache(
    charge_point: ChargePoint, *, actor: str, timeout: float | None = None, wait: bool = True
) -> Command:
    """Send ClearCache, an empty request in every version. Raises the errors of `calls.call`."""
    return await calls.call(charge_point, "ClearCache", {}, actor=actor, timeout=timeout, wait=wait)
