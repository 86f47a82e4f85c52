"""Battery swaps (2.1 S). The answer is empty: that a battery is refused fits only into customData, which a
setting allows.
"""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings

from chargepoints.services import asking
from chargepoints.services.battery_swap import swaps
from chargepoints.services.battery_swap.rules import Battery
from chargepoints.services.follow_ups import gathering
from chargepoints.services.follow_ups.recording import record, whole
from ocpp_server.live.station import Station
from ocpp_server.protocol import translate
from ocpp_server.protocol.registry import after, on, reply
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
    number = whole(request["requestId"]) or 0
    token = translate.id_token(request["idToken"])
    assert token is not None  # required by the schema
    refused = swaps.happened(
        station=station,
        known=await journal.run(swaps.find, station.pk, number),
        number=number,
        token=token,
        event=request["eventType"],
        batteries=[_battery(one) for one in request["batteryData"][:_MOST_BATTERIES]],
    )
    return _answer(refused) if request["eventType"] == "BatteryIn" else {}


def _battery(data: dict[str, Any]) -> Battery:
    return Battery(
        slot=min(max(data["evseId"], 0), _MOST_SLOT),
        serial_number=data["serialNumber"][:50],
        soc=float(min(max(data["soC"], 0), _MOST_PERCENT)),
        soh=float(min(max(data["soH"], 0), _MOST_PERCENT)),
        produced_at=translate.plain_time(data.get("productionDate")),
        vendor_info=data.get("vendorInfo", "")[:500],
    )


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
