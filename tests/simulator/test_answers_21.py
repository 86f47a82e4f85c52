"""The answers of a simulated station of OCPP 2.1 about smart charging and DER controls."""

from __future__ import annotations

from typing import Any

from simulator.versions import V21
from tests.simulator import samples
from tests.simulator.conftest import MakeStation
from tests.simulator.csms import Csms

ACCEPTED, REJECTED, NOT_FOUND = {"status": "Accepted"}, {"status": "Rejected"}, {"status": "NotFound"}
DROOP = {
    "overFreq": 50.2, "underFreq": 49.8, "overDroop": 40, "underDroop": 40, "responseTime": 5,
}  # fmt: skip


def control(name: str, priority: int, *, is_default: bool = True) -> dict[str, Any]:
    return {
        "isDefault": is_default,
        "controlId": name,
        "controlType": "FreqDroop",
        "freqDroop": {**DROOP, "priority": priority},
    }


async def test_controls_supersede_each_other_by_priority(make_station: MakeStation, csms: Csms) -> None:
    station = await make_station(V21)

    async def ask(action: str, payload: dict[str, Any]) -> dict[str, Any]:
        return await csms.call(station.identity, action, payload)

    assert await ask("SetDERControl", control("a", 5)) == ACCEPTED
    assert await ask("SetDERControl", control("b", 1)) == ACCEPTED | {"supersededIds": ["a"]}
    assert await ask("SetDERControl", control("c", 9, is_default=False)) == ACCEPTED
    assert await ask("GetDERControl", {"requestId": 1, "controlId": "x"}) == NOT_FOUND
    assert await ask("GetDERControl", {"requestId": 2, "isDefault": True}) == ACCEPTED
    assert await ask("ClearDERControl", {"isDefault": True}) == ACCEPTED
    assert await ask("ClearDERControl", {"isDefault": True}) == NOT_FOUND
    assert list(station.der_controls) == ["c"]


async def test_a_dynamic_profile_is_updated(make_station: MakeStation, csms: Csms) -> None:
    station = await make_station(V21)
    profile = {**samples.profile_2(), "chargingProfileKind": "Dynamic"}
    update = {"chargingProfileId": profile["id"], "scheduleUpdate": {"limit": 9}}

    assert (await csms.call(station.identity, "UpdateDynamicSchedule", update))["status"] == "Rejected"
    await csms.call(station.identity, "SetChargingProfile", {"evseId": 1, "chargingProfile": profile})

    assert await csms.call(station.identity, "UpdateDynamicSchedule", update) == ACCEPTED
    (installed,) = station.profiles.installed
    assert installed.schedule["chargingSchedulePeriod"][0]["limit"] == 9


async def test_priority_and_energy_transfers_need_a_session(make_station: MakeStation, csms: Csms) -> None:
    station = await make_station(V21)
    session = {"transactionId": "none"}

    async def ask(action: str, payload: dict[str, Any]) -> dict[str, Any]:
        return await csms.call(station.identity, action, payload)

    assert await ask("UsePriorityCharging", {**session, "activate": True}) == REJECTED
    transfers = {**session, "allowedEnergyTransfer": ["DC"]}
    assert await ask("NotifyAllowedEnergyTransfer", transfers) == REJECTED
    signal = {"timestamp": "2026-05-04T12:00:00Z", "signal": 1}
    assert await ask("AFRRSignal", signal) == REJECTED
