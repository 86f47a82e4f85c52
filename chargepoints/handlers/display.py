"""Display messages (2.0.1 O01 to O06): the answers to requests, the messages that a station reports, and the
end of the messages of a session.
"""

from __future__ import annotations

from typing import Any, Final

from chargepoints.live import DISPLAYS
from chargepoints.services import asking
from chargepoints.services.display import requests, shown
from chargepoints.services.display.shown import Criteria
from chargepoints.services.follow_ups import gathering
from chargepoints.services.follow_ups.recording import record, whole
from ocpp_server.live.station import Station
from ocpp_server.protocol.registry import after, also, on, reply
from ocpp_server.protocol.versions import V2X
from ocpp_server.storage.journal import journal

_ACCEPTED: Final = "Accepted"
_UNKNOWN: Final = "Unknown"


@reply("SetDisplayMessage", *V2X)
async def display_message_answered(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    message = request["message"]
    if response["status"] == _ACCEPTED:
        shown.accept(station=station, command_id=command_id, message=message)
    else:
        reason = asking.reason_of(response)
        shown.refuse(station=station, command_id=command_id, message=message, reason=reason)


@reply("ClearDisplayMessage", *V2X)
async def clearing_answered(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    """Unknown: the station does not have it, so it is gone too."""
    status = response["status"]
    if status in (_ACCEPTED, _UNKNOWN):
        criteria = Criteria(ids=(request["id"],))
        shown.remove(station=station, criteria=criteria, is_missing=status == _UNKNOWN)


@reply("GetDisplayMessages", *V2X)
async def display_messages_requested(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    gathering.expect(station=station, request=request, response=response, command_id=command_id)
    if response["status"] == _UNKNOWN:
        shown.remove(station=station, criteria=shown.criteria_of(request), is_missing=True)


@on("NotifyDisplayMessages", *V2X)
async def notify_display_messages(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    record(station=station, request=request)
    number, end = whole(request.get("requestId")), None
    if not request.get("tbc", False) and DISPLAYS.of(station) and number is not None:
        end = await journal.run(requests.asked_for, station.pk, number)
    shown.report(station=station, messages=request.get("messageInfo", ()), end=end)
    return {}


@after("NotifyDisplayMessages", *V2X)
async def display_messages_reported(station: Station, request: dict[str, Any]) -> None:
    await gathering.gather(station=station, request=request)


@also("TransactionEvent", *V2X)
async def session_changed(station: Station, request: dict[str, Any]) -> None:
    """A message of a session ends with it (O02.FR.02)."""
    has_ended = request["eventType"] == "Ended"
    shown.end_with_session(station, request["transactionInfo"]["transactionId"] if has_ended else "")
