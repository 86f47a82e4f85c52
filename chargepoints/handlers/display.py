"""Display messages (2.0.1 O03, O04): stores the messages that a station reports."""

from __future__ import annotations

from typing import Any

from chargepoints.services.follow_ups import gathering
from chargepoints.services.follow_ups.recording import record
from ocpp_server.live.station import Station
from ocpp_server.protocol.registry import after, on, reply
from ocpp_server.protocol.versions import V2X


@on("NotifyDisplayMessages", *V2X)
async def notify_display_messages(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    record(station=station, request=request)
    return {}


@after("NotifyDisplayMessages", *V2X)
async def display_messages_reported(station: Station, request: dict[str, Any]) -> None:
    await gathering.gather(station=station, request=request)


@reply("GetDisplayMessages", *V2X)
async def display_messages_requested(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    await gathering.expect(
        station=station,
        action="NotifyDisplayMessages",
        request=request,
        response=response,
        command_id=command_id,
    )
