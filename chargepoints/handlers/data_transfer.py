"""Vendors' messages of stations (1.6 4.3; 2.0.1 P02). Only registered code gets one (S20)."""

from __future__ import annotations

from typing import Any

from chargepoints.services import data_transfer as service
from chargepoints.services.data_transfer import Reply, receivers
from ocpp_server.live.station import Station
from ocpp_server.protocol import inner_json
from ocpp_server.protocol.registry import on, reply
from ocpp_server.protocol.versions import V2X, V16


@on("DataTransfer", V16)
async def data_transfer_16(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    """1.6 allows text only: other data is answered as JSON text."""
    reply = await _received(station, request)
    data = {} if reply.data is None else {"data": inner_json.write(reply.data)}
    return {"status": reply.status, **data}


@on("DataTransfer", *V2X)
async def data_transfer(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    reply = await _received(station, request)
    data = {} if reply.data is None else {"data": reply.data}
    reason = {"statusInfo": {"reasonCode": reply.reason}} if reply.reason else {}
    return {"status": reply.status, **data, **reason}


@reply("DataTransfer", V16)
async def carried_answer(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    """ISO 15118 over 1.6: an answer of 2.0.1 inside of the data."""
    if response["status"] == "Accepted":
        await service.carried_answer(station, request, response, command_id)


async def _received(station: Station, request: dict[str, Any]) -> Reply:
    return await receivers.receive(
        station=station,
        vendor_id=request["vendorId"],
        message_id=request.get("messageId", ""),
        data=request.get("data"),
    )
