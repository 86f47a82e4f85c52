"""Reset: restart a station (1.6 5.14, 2.x B11, B12)."""

from __future__ import annotations

from typing import Any

from chargepoints.models import ChargePoint, Command
from ocpp_server.domain import Invalid
from ocpp_server.protocol.versions import V16
from ocpp_server.transport import calls

# The 1.6 types, each with the 2.x type of the same meaning.
_IN_2X = {"Soft": "OnIdle", "Hard": "Immediate"}
_IN_16 = {two: one for one, two in _IN_2X.items()}


def soft_ends_sessions(charge_point: ChargePoint) -> bool:
    """Whether a Soft reset ends running sessions before it restarts (1.6), or waits for them (2.x)."""
    return charge_point.ocpp_version == V16


async def reset(
    charge_point: ChargePoint,
    *,
    type: str = "Soft",
    evse_number: int | None = None,
    actor: str,
    timeout: float | None = None,
    wait: bool = True,
) -> Command:
    """Reset the station, or one EVSE of a 2.x station.

    `type` is a type of either dialect: Soft is OnIdle, Hard is Immediate. Raises Invalid for an EVSE in 1.6,
    and the errors of `calls.call`.
    """
    if charge_point.ocpp_version == V16:
        if evse_number is not None:
            raise Invalid("OCPP 1.6 can only reset the whole station.", field="evseId")
        payload: dict[str, Any] = {"type": _IN_16.get(type, type)}
    else:
        payload = {"type": _IN_2X.get(type, type)}
        if evse_number is not None:
            payload["evseId"] = evse_number
    return await calls.call(charge_point, "Reset", payload, actor=actor, timeout=timeout, wait=wait)
