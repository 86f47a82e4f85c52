"""Battery swaps (2.1 S). The answer is empty: that a battery is refused fits only into customData, which a
setting allows.
"""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings

from chargepoints.services import asking
from chargepoints.services.battery_swap import rules, swaps
from chargepoints.services.battery_swap.rules import Battery
from chargepoints.services.follow_ups import gathering
from chargepoints.services.follow_ups.recording import record, whole
from ocpp_server.live.station import Station
from ocpp_server.protocol import translate
from ocpp_server.protocol.registry import after, on, reply
from ocpp_server.protocol.translate import IdToken
from ocpp_server.protocol.versions import V21
from ocpp_server.storage.journal import journal

_ACCEPTED: Final = "Accepted"
# 2.1 S03, error handling.
_EXTENSION: Final = "org.openchargealliance.batteryswapresponse"
_MOST_BATTERIES: Final = 100
_MOST_SLOT: Final = 2**31 - 1
_MOST_PERCENT: Final = 1000


@on("BatterySwap", V21)
async def battery_swap(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    record(station=station, request=request)
    number, event = whole(request.get("requestId")) or 0, request.get("eventType", "")
    if event not in rules.WAYS:
        return {}  # stored as it is: it says nothing about a swap
    refused = swaps.happened(
        station=station,
        known=await journal.run(swaps.find, station.pk, number),
        number=number,
        token=translate.id_token(request.get("idToken")) or IdToken(""),
        event=event,
        batteries=[_battery(one) for one in request.get("batteryData", ())[:_MOST_BATTERIES]],
    )
    return _answer(refused) if event == "BatteryIn" else {}


def _battery(data: dict[str, Any]) -> Battery:
    """A battery in a message, which may lack fields that a tolerant validation has passed."""
    return Battery(
        slot=int(min(max(data.get("evseId", 0), 0), _MOST_SLOT)),
        serial_number=data.get("serialNumber", "")[:50],
        soc=_percent(data.get("soC", 0)),
        soh=_percent(data.get("soH", 0)),
        produced_at=translate.plain_time(data.get("productionDate")),
        vendor_info=data.get("vendorInfo", "")[:500],
    )


def _percent(value: float) -> float:
    return float(min(max(value, 0), _MOST_PERCENT))


def _answer(refused: str) -> dict[str, Any]:
    if settings.OCPP_BATTERY_SWAP_ANSWER == "empty":
        return {}
    if not refused:
        return {"customData": {"vendorId": _EXTENSION, "status": _ACCEPTED}}
    info = {"reasonCode": refused}
    return {"customData": {"vendorId": _EXTENSION, "status": "Rejected", "statusInfo": info}}


@after("BatterySwap", V21)
async def battery_swapped(station: Station, request: dict[str, Any]) -> None:
    await gathering.gather(station=station, request=request)


@reply("RequestBatterySwap", V21)
async def swap_answered(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    token = translate.id_token(request["idToken"])
    assert token is not None  # required by the schema
    swaps.answered(
        station=station,
        command_id=command_id,
        number=request["requestId"],
        token=token,
        is_accepted=response["status"] == _ACCEPTED,
        reason=asking.reason_of(response),
    )
