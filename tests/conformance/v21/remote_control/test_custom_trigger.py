"""Custom triggers of 2.1 (F06); the case has the number of the certification."""

from __future__ import annotations

import asyncio

from tests.conformance.peer import V21, V201, Operator, Records, station
from tests.conformance.v2x.remote_control.test_trigger import trigger
from tests.conformance.v21.transactions.test_slot_charging import reports
from tests.servers import LiveServer

CUSTOM = "CustomTrigger"


async def test_TC_F_100_a_custom_trigger_of_the_stations_list(
    server: LiveServer, operator: Operator, records: Records
) -> None:
    async with station(server, V21) as peer:
        await reports(operator, peer, "CustomizationCtrlr", "CustomTriggers", "Custom1,Custom2,Custom3")
        body = {"requestedMessage": CUSTOM, "customTrigger": "Custom2", "connectorId": 1}
        code, answer, call = await trigger(operator, peer, **body)
        path = f"/api/v1/chargepoints/{peer.identity}/trigger"
        unknown, refusal = await operator.request("POST", path, body | {"customTrigger": "Custom9"})
        without, _ = await operator.request("POST", path, {"requestedMessage": CUSTOM})
        _, _, forced = await trigger(
            operator, peer, "NotImplemented", **body | {"customTrigger": "Custom9", "force": True}
        )
        _, _, again = await trigger(operator, peer, **body)

    assert (code, answer["data"]["status"]) == (200, "Accepted")
    assert call[2:] == [
        "TriggerMessage",
        {"requestedMessage": CUSTOM, "customTrigger": "Custom2", "evse": {"id": 1}},
    ]
    assert (unknown, refusal["data"]["code"], without) == (409, "not-supported", 400)
    assert "Custom1, Custom2, Custom3" in refusal["message"]
    assert forced[3]["customTrigger"] == "Custom9"
    # One unknown name says nothing about the others.
    assert (again[3], records.command(again[1])["state"]) == (call[3], "accepted")


async def test_2_0_1_has_no_custom_triggers(server: LiveServer, operator: Operator) -> None:
    async with station(server, V201) as peer:
        path = f"/api/v1/chargepoints/{peer.identity}/trigger"
        body = {"requestedMessage": "Heartbeat", "customTrigger": "Custom1"}
        code, _ = await operator.request("POST", path, body)
        await asyncio.wait_for(peer.heartbeat(), 10)

    assert code == 400
