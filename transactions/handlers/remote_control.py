"""Answers to remote starts (1.6 5.11; 2.0.1 F01, F02): an accepted one waits for its transaction."""

from __future__ import annotations

from typing import Any

from ocpp_server.live.station import Station
from ocpp_server.protocol import translate
from ocpp_server.protocol.registry import reply
from ocpp_server.protocol.versions import V2X, V16
from transactions.services import remote_control
from transactions.services.transactions import owners, sessions


@reply("RemoteStartTransaction", V16)
async def remote_start_transaction(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    await remote_control.expect(
        station=station,
        command_id=command_id,
        token=translate.id_tag(request["idTag"]),
        evse=request.get("connectorId"),
        is_accepted=response["status"] == "Accepted",
        profile=request.get("chargingProfile"),
    )


@reply("RequestStartTransaction", *V2X)
async def request_start_transaction(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    token = translate.id_token(request["idToken"])
    assert token is not None  # required by the schema
    transaction = await remote_control.expect(
        station=station,
        command_id=command_id,
        token=token,
        evse=request.get("evseId"),
        is_accepted=response["status"] == "Accepted",
        remote_start_id=request["remoteStartId"],
        profile=request.get("chargingProfile"),
    )
    if transaction is not None and not transaction.id_token:
        await owners.set_owner_by_remote_start(station, transaction, token)
        sessions.save(station, transaction)
