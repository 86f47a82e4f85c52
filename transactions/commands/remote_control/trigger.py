"""Ask a station to send a message now (1.6 5.17, 2.x F06)."""

from __future__ import annotations

from functools import cache
from typing import Any

from chargepoints.models import ChargePoint, Command
from ocpp_server.domain import Invalid, StationOffline
from ocpp_server.protocol import schemas
from ocpp_server.protocol.versions import V16, VERSIONS, Version
from ocpp_server.transport import calls


@cache
def triggers(version: Version) -> tuple[str, ...]:
    """The messages that a station of this version can send on request, from the schema."""
    schema = schemas.message_schema(version, "TriggerMessage", "request")
    wanted = schema["properties"]["requestedMessage"]
    if "$ref" in wanted:
        wanted = schema["definitions"][wanted["$ref"].rsplit("/", 1)[-1]]
    return tuple(wanted["enum"])


async def trigger(
    charge_point: ChargePoint,
    *,
    message: str,
    evse_number: int | None = None,
    actor: str,
    timeout: float | None = None,
    wait: bool = True,
) -> Command:
    """Trigger one of the messages of `triggers`, for one EVSE or the whole station.

    Raises Invalid for another message, and the errors of `calls.call`.
    """
    version = charge_point.ocpp_version
    if version not in VERSIONS:
        raise StationOffline(f"{charge_point.identity} has never connected.")
    names = triggers(version)
    if message not in names:
        raise Invalid(
            f"{message} can't be triggered. Must be one of: {', '.join(names)}.", field="requestedMessage"
        )
    payload: dict[str, Any] = {"requestedMessage": message}
    if evse_number is not None:
        if version == V16:
            payload["connectorId"] = evse_number
        else:
            payload["evse"] = {"id": evse_number}
            if message == "StatusNotification":
                payload["evse"]["connectorId"] = 1  # 2.x F06.FR.12: a status belongs to a connector
    return await calls.call(charge_point, "TriggerMessage", payload, actor=actor, timeout=timeout, wait=wait)
