"""DataTransfer: vendors' own messages (1.6 5.5, 2.x P01)."""

from __future__ import annotations

from typing import Any

import orjson

from chargepoints.models import ChargePoint, Command
from ocpp_server.protocol.versions import V16
from ocpp_server.transport import calls


async def data_transfer(
    charge_point: ChargePoint,
    *,
    vendor_id: str,
    message_id: str | None = None,
    data: Any = None,
    actor: str,
    timeout: float | None = None,
    wait: bool = True,
) -> Command:
    """Send a vendor's message. 1.6 allows text only, so other data is sent as JSON text.

    Raises the errors of `calls.call`.
    """
    payload: dict[str, Any] = {"vendorId": vendor_id}
    if message_id is not None:
        payload["messageId"] = message_id
    if data is not None:
        is_text = charge_point.ocpp_version != V16 or isinstance(data, str)
        payload["data"] = data if is_text else orjson.dumps(data).decode()
    return await calls.call(charge_point, "DataTransfer", payload, actor=actor, timeout=timeout, wait=wait)
