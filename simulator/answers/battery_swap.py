"""A remote battery swap of 2.1 (S02, S03): the driver puts in one battery at once and takes out another."""

import functools
from typing import Any

from simulator.answers.table import ACCEPTED, REJECTED, Answer, answers
from simulator.versions import V21

STEP_S = 10.0  # simulated seconds until the driver puts in a battery, and until one is taken out
_LOW, _FULL, _HEALTHY = 12, 96, 91  # percent


@answers("RequestBatterySwap", V21)
def request_battery_swap(station: Any, payload: dict[str, Any]) -> dict[str, Any] | Answer:
    if station.misbehaviour.lacks_batteries:
        return REJECTED | {"statusInfo": {"reasonCode": "NoBatteryAvailable"}}
    return ACCEPTED, functools.partial(_swap, station, payload)


async def _swap(station: Any, payload: dict[str, Any]) -> None:
    for event, slot, soc in (("BatteryIn", 1, _LOW), ("BatteryOut", 2, _FULL)):
        await station.clock.sleep(STEP_S)
        if event == "BatteryOut" and station.misbehaviour.leaves_batteries:
            event = "BatteryOutTimeout"  # noqa: PLW2901
        battery = {
            "evseId": slot,
            "serialNumber": f"{station.serial}-{slot}"[:50],
            "soC": soc,
            "soH": _HEALTHY,
        }
        report = {
            "requestId": payload["requestId"],
            "idToken": payload["idToken"],
            "eventType": event,
            "batteryData": [battery],
        }
        await station.notify("BatterySwap", report)
