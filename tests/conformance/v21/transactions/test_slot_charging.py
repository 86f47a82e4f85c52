"""Batteries in the slots of a battery swap station (2.1 S): their charging is no session of a driver."""

from __future__ import annotations

import asyncio

from tests.conformance.messages import energy, event, new_transaction, token
from tests.conformance.peer import V21, Operator, Peer, Records, fresh, station
from tests.servers import LiveServer

NO_TOKEN = token("", "NoAuthorization")


async def reports(operator: Operator, peer: Peer, component: str, variable: str, value: str) -> None:
    named = {"component": {"name": component}, "variable": {"name": variable}}
    wanted = {"getVariableData": [named]}
    sent = asyncio.create_task(operator.command(peer.identity, "GetVariables", wanted))
    call = await peer.next_call()
    result = named | {"attributeStatus": "Accepted", "attributeValue": value}
    await peer.answer(call, {"getVariableResult": [result]})
    assert (await sent)[0] == 200


async def test_TC_S_103_the_charging_of_a_slot_is_accepted_and_marked(
    server: LiveServer, records: Records, operator: Operator
) -> None:
    identity = fresh()
    await operator.provision(identity, unknownTokens="refuse")
    slots = [new_transaction(), new_transaction()]
    async with station(server, V21, identity) as peer:
        await reports(operator, peer, "BatterySwapCtrlr", "TargetSoc", "80")
        for evse, transaction in enumerate(slots, start=1):
            started = event(
                "Started", transaction, 0, minutes=-5, evse=evse, idToken=NO_TOKEN, meterValue=energy(0, -5)
            )
            answer = await peer.call("TransactionEvent", started)
            assert answer["idTokenInfo"]["status"] == "Accepted"
        for evse, transaction in enumerate(slots, start=1):
            info = {"stoppedReason": "EnergyLimitReached"}
            ended = event(
                "Ended",
                transaction,
                1,
                evse=evse,
                trigger="EnergyLimitReached",
                info=info,
                idToken=NO_TOKEN,
                meterValue=energy(900),
            )
            answer = await peer.call("TransactionEvent", ended)
            assert answer["idTokenInfo"]["status"] == "Accepted"

    rows = records.transactions(identity)
    assert [(row["charges_battery"], row["status"], row["energy_wh"]) for row in rows] == [
        (1, "ended", 900)
    ] * 2
    assert {(row["id_token"], row["token_id"], row["authorization_status"]) for row in rows} == {
        ("", None, "Accepted")
    }


async def test_S_other_stations_have_no_slots(
    server: LiveServer, records: Records, operator: Operator
) -> None:
    async with station(server, V21) as peer:
        await reports(operator, peer, "BatterySwapCtrlr", "Available", "false")
        answer = await peer.call("TransactionEvent", event("Started", new_transaction(), 0, idToken=NO_TOKEN))

    assert answer["idTokenInfo"]["status"] == "Accepted"  # free vending
    assert records.transaction(peer.identity)["charges_battery"] == 0
