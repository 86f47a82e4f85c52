"""Answers about network profiles (2.x B09), of our commands and of the generic one."""

from __future__ import annotations

from typing import Any

from chargepoints.services.provisioning import passwords
from configuration.services import network
from ocpp_server.live.station import Station
from ocpp_server.protocol.registry import reply
from ocpp_server.protocol.versions import V2X


@reply("SetNetworkProfile", *V2X)
async def network_profile_answered(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    """Both passwords are accepted until the station logs on with the one of the profile (2.1 B09)."""
    data, is_accepted = request["connectionData"], response["status"] == "Accepted"
    password = data.get("basicAuthPassword")
    if password is not None and network.is_own(station.identity, data):
        verdict = passwords.Verdict.UNPROVED if is_accepted else passwords.Verdict.REFUSED
        await passwords.answered(station=station, value=password, verdict=verdict)
    info = response.get("statusInfo") or {}
    words = ": ".join(filter(None, (info.get("reasonCode"), info.get("additionalInfo"))))
    station.unit.run(
        network.answered,
        station.pk,
        request["configurationSlot"],
        data,
        command_id=command_id,
        is_accepted=is_accepted,
        reason="" if is_accepted else words or response["status"],
        at=station.received_at,
    )
