"""Plug & Charge messages, which 1.6 carries in DataTransfer (OCA application note on ISO 15118 for 1.6)."""

import json
from typing import TYPE_CHECKING, Any

from simulator import schemas
from simulator.versions import V16, V201
from simulator.wire import CallFailed

if TYPE_CHECKING:
    from simulator.station import Station

VENDOR = "org.openchargealliance.iso15118pnc"


async def call_2x(station: "Station", action: str, payload: dict[str, Any]) -> dict[str, Any]:
    """Send an action of 2.x and return its answer: a station of 1.6 wraps both into DataTransfer.

    Raises CallFailed, also for another status of the DataTransfer than Accepted; NoAnswer; ValueError for
    a payload that breaks the schema.
    """
    if station.version != V16:
        return await station.call(action, payload)
    if faults := schemas.faults(V201, action, "request", payload):
        raise ValueError(f"{action}: {faults}")
    data = json.dumps(payload, separators=(",", ":"))
    answer = await station.call("DataTransfer", {"vendorId": VENDOR, "messageId": action, "data": data})
    if answer["status"] != "Accepted":
        raise CallFailed(action, str(answer["status"]))
    try:
        found = json.loads(answer["data"])
    except (KeyError, ValueError):
        raise CallFailed(action, "FormationViolation", "the data is not JSON") from None
    if faults := schemas.faults(V201, action, "response", found):
        raise CallFailed(action, "FormationViolation", str(faults[0]))
    return dict(found)
