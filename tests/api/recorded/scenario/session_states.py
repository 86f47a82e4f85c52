"""The state of a session as its station has it, and its limits."""

from __future__ import annotations

from tests.api.recorded.playing import Player
from tests.api.recorded.scenario.devices import V1
from tests.conformance.peer import V21, Peer, at, station


async def asked(player: Player, old: Peer, new: Peer) -> None:
    for peer, end in ((old, "OCPP 1.6"), (new, "the queue")):
        path = f"{V1}/chargepoints/{peer.identity}/transaction-status"
        await player.command(peer, f"transaction-status: {end}", "POST", path, {}, {"messagesInQueue": False})


async def limits(player: Player) -> None:
    """The limit of a session, which only 2.1 has."""
    base, name = (
        f"{V1}/transactions",
        {"component": {"name": "TxCtrlr"}, "variable": {"name": "SupportedLimits"}},
    )
    async with station(player.server, V21, "REC-21") as peer:
        answer = {
            "getVariableResult": [name | {"attributeStatus": "Accepted", "attributeValue": "MaxEnergy"}]
        }
        path = f"{V1}/chargepoints/REC-21/commands"
        body = {"action": "GetVariables", "payload": {"getVariableData": [name]}}
        await player.command(peer, "limit: what the station supports", "POST", path, body, answer)
        event = {"eventType": "Started", "timestamp": at(), "triggerReason": "CablePluggedIn", "seqNo": 0}
        await peer.call("TransactionEvent", event | {"transactionInfo": {"transactionId": "TX-21"}})
        found = await player.quiet("GET", f"{base}?clientId=REC-21")
        number = found["data"]["transactions"][0]["transactionId"]
        await player.ask("limit: accepted", "POST", f"{base}/{number}/limit", {"maxEnergy": 5000})
        await player.ask("limit: not supported", "POST", f"{base}/{number}/limit", {"maxTime": 60})
        await player.ask("limit: none", "POST", f"{base}/{number}/limit", {})
        ended = event | {"eventType": "Ended", "seqNo": 1, "transactionInfo": {"transactionId": "TX-21"}}
        await peer.call("TransactionEvent", ended)
        await player.ask("limit: has ended", "POST", f"{base}/{number}/limit", {"maxEnergy": 1})
