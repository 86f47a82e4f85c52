"""Data transfer from stations (1.6 4.3; 2.0.1 P02). Only explicitly registered code gets a message (S20)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from ocpp_server.live.station import Station
from ocpp_server.protocol.registry import on
from ocpp_server.protocol.versions import V2X, V16

Answer = tuple[str, Any]
Receiver = Callable[[Station, Any], Awaitable[Answer]]

# (vendorId, messageId) -> receiver. Empty: no vendor's messages are known yet; the message log keeps them.
RECEIVERS: dict[tuple[str, str], Receiver] = {}


@on("DataTransfer", V16, *V2X)
async def data_transfer(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    vendor_id, message_id = request["vendorId"], request.get("messageId", "")
    receiver = RECEIVERS.get((vendor_id, message_id))
    if receiver is None:
        is_vendor_known = any(vendor == vendor_id for vendor, _ in RECEIVERS)
        return {"status": "UnknownMessageId" if is_vendor_known else "UnknownVendorId"}
    status, data = await receiver(station, request.get("data"))
    return {"status": status} if data is None else {"status": status, "data": data}
