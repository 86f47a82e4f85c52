"""Block S of the certification: battery swaps of OCPP 2.1."""

from __future__ import annotations

from tests.conformance.conftest import ALICE
from tests.conformance.displays import ask, path
from tests.conformance.messages import event, new_transaction
from tests.conformance.peer import V21, Operator, station

NOBODY = {"idToken": "", "type": "NoAuthorization"}
EXTENSION = "org.openchargealliance.batteryswapresponse"


def battery(slot, serial, soc=12, soh=90):
    return {"evseId": slot, "serialNumber": serial, "soC": soc, "soH": soh}


async def request(operator, peer, answer, tag=ALICE):
    shown, call = await ask(operator, peer, "request-battery-swap", {"idTag": tag}, answer)
    assert call[2] == "RequestBatterySwap"
    return shown["data"], call[3]


async def swap(peer, kind, number, *batteries, tag=ALICE):
    payload = {
        "eventType": kind,
        "requestId": number,
        "idToken": {"idToken": tag, "type": "Central"},
        "batteryData": list(batteries),
    }
    return await peer.call("BatterySwap", payload)


async def swaps(operator, peer, query=""):
    _, answer = await operator.request("GET", path(peer, f"battery-swaps{query}"))
    return answer["data"]["batterySwaps"]


async def charge(peer, slot, kind, transaction, seq):
    trigger, state = ("CablePluggedIn", "Charging") if kind == "Started" else ("EnergyLimitReached", "Idle")
    message = event(kind, transaction, seq, trigger=trigger, state=state, evse=slot, idToken=NOBODY)
    answer = await peer.call("TransactionEvent", message)
    return answer["idTokenInfo"]["status"]


async def test_TC_S_102_no_battery_is_there(server, operator, records):
    none = {"status": "Rejected", "statusInfo": {"reasonCode": "NoBatteryAvailable"}}
    async with station(server, V21) as peer:
        data, payload = await request(operator, peer, none)

    assert payload["idToken"] == {"idToken": ALICE, "type": "Central"}
    assert payload["requestId"] == data["swapRequestId"] > 0
    assert (data["status"], data["state"]) == ("Rejected", "rejected")
    (row,) = records.of("chargepoints_batteryswap", peer.identity)
    assert (row["state"], row["reason"]) == ("rejected", "Rejected: NoBatteryAvailable")


async def test_TC_S_103_two_batteries_are_swapped(server, operator, records):
    transactions = {slot: new_transaction() for slot in (1, 2)}
    async with station(server, V21) as peer:
        await operator.change(peer.identity, unknownTokens="refuse")
        data, payload = await request(operator, peer, {"status": "Accepted"})
        number = payload["requestId"]
        statuses = [await charge(peer, slot, "Started", one, 0) for slot, one in transactions.items()]
        first = await swap(peer, "BatteryIn", number, battery(1, "A-1"), battery(2, "A-2"))
        (half,) = await swaps(operator, peer)
        statuses += [await charge(peer, slot, "Ended", one, 1) for slot, one in transactions.items()]
        last = await swap(peer, "BatteryOut", number, battery(3, "B-3", 97), battery(4, "B-4", 98))
        (row,) = await swaps(operator, peer, "?serialNumber=B-4")

    assert (first, last, set(statuses)) == ({}, {}, {"Accepted"})
    assert (half["state"], [one["way"] for one in half["batteries"]]) == ("open", ["in", "in"])
    assert (row["id"], row["state"], row["isRemote"]) == (data["swapId"], "swapped", True)
    assert [(one["way"], one["evseId"], one["serialNumber"], one["soC"]) for one in row["batteries"]] == [
        ("in", 1, "A-1", 12.0), ("in", 2, "A-2", 12.0), ("out", 3, "B-3", 97.0), ("out", 4, "B-4", 98.0)
    ]  # fmt: skip
    (stored,) = records.of("chargepoints_batteryswap", peer.identity)
    assert (stored["number"], stored["state"]) == (number, "swapped")
    assert stored["in_at"] <= stored["out_at"] == stored["ended_at"]


async def test_a_token_that_is_not_authorized_is_not_sent(server, operator, records):
    async with station(server, V21) as peer:
        for tag in ("BLOCKED1", "NEVER-SEEN"):
            code, answer = await operator.request("POST", path(peer, "request-battery-swap"), {"idTag": tag})
            assert (code, answer["data"]["code"]) == (409, "token-refused")
        await peer.heartbeat()

    assert records.commands(peer.identity) == []
    assert records.of("chargepoints_batteryswap", peer.identity) == []


async def test_a_swap_that_begins_at_the_station(server, operator):
    async with station(server, V21) as peer:
        await swap(peer, "BatteryOut", 1, battery(3, "B"))
        await swap(peer, "BatteryIn", 1, battery(1, "A"))
        await swap(peer, "BatteryIn", 1, battery(1, "A"))  # a repetition
        await swap(peer, "BatteryIn", 2, battery(1, "C"))
        await swap(peer, "BatteryOutTimeout", 2, battery(3, "D"))
        await swap(peer, "BatteryIn", 1, battery(1, "E"))  # counted from 1 again
        rows = await swaps(operator, peer)

    assert [(row["swapRequestId"], row["state"], len(row["batteries"])) for row in rows[::-1]] == [
        (1, "swapped", 2), (2, "returned", 2), (1, "open", 1)
    ]  # fmt: skip
    assert all(row["requestId"] is None for row in rows)


async def test_the_generic_command_has_a_row_too(server, operator, records):
    body = {"requestId": 77, "idToken": {"idToken": ALICE, "type": "Central"}}
    async with station(server, V21) as peer:
        shown, _ = await ask(
            operator,
            peer,
            "commands",
            {"action": "RequestBatterySwap", "payload": body},
            {"status": "Accepted"},
        )
        await swap(peer, "BatteryIn", 77, battery(1, "A"))

    (row,) = records.of("chargepoints_batteryswap", peer.identity)
    assert (row["id"], row["state"]) == (shown["data"]["requestId"], "open")


async def test_a_refused_battery_is_told_in_custom_data_where_the_setting_says_so(make_server):
    own = make_server(OCPP_BATTERY_MIN_HEALTH="70", OCPP_BATTERY_SWAP_ANSWER="custom-data")
    operator = Operator(own)
    async with station(own, V21) as peer:
        good = await swap(peer, "BatteryIn", 1, battery(1, "A", soh=70))
        bad = await swap(peer, "BatteryIn", 2, battery(2, "B", soh=69.5))
        out = await swap(peer, "BatteryOut", 2, battery(3, "C", soh=10))
        found = await swaps(operator, peer)

    assert good == {"customData": {"vendorId": EXTENSION, "status": "Accepted"}}
    info = {"reasonCode": "BatterySoHLow"}
    assert bad == {"customData": {"vendorId": EXTENSION, "status": "Rejected", "statusInfo": info}}
    assert out == {}
    assert [one["refusal"] for one in found[0]["batteries"]] == ["BatterySoHLow", ""]
