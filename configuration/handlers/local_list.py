"""Answers about the local authorization list (1.6 5.10, 5.15; 2.0.1 D01, D02), of our updates and others."""

from __future__ import annotations

from typing import Any

from configuration.services.local_list import contents, knowledge
from configuration.services.variables import reported
from ocpp_server.live.station import Station
from ocpp_server.protocol.registry import also, reply
from ocpp_server.protocol.translate import local_list
from ocpp_server.protocol.versions import V2X, V16

# The station has compared the versions, or has no list. After Failed, the list may be half written.
_UNTOUCHED = frozenset({"VersionMismatch", "NotSupported"})


@reply("GetLocalListVersion", V16, *V2X)
async def list_version_reported(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    version = local_list.list_version(station.version, response)
    station.unit.run(knowledge.version_reported, station.pk, version, station.received_at)


@reply("SendLocalList", V16, *V2X)
async def list_sent(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    station.unit.run(
        knowledge.answered,
        station.pk,
        version=local_list.list_version(station.version, request),
        digest=contents.payload_digest(request),
        is_accepted=response["status"] == "Accepted",
        is_untouched=response["status"] in _UNTOUCHED,
        at=station.received_at,
    )


@also("NotifyReport", *V2X)
async def list_capacity_reported(station: Station, request: dict[str, Any]) -> None:
    """The most entries of a list are in the inventory alone: GetVariables has no characteristics."""
    for described in request.get("reportData", ()):
        capacity = local_list.reported_capacity(described)
        if capacity is not None:
            reported.store(station=station, keys={local_list.CAPACITY_2X: (str(capacity), True)})
