"""Tariffs, costs and payments of a station of OCPP 2.1."""

from __future__ import annotations

from tests.api.recorded.playing import VIEWER, Player
from tests.api.recorded.scenario.devices import ACCEPTED, V1
from tests.conformance.peer import V21, at, station

IDENTITY = "REC-21-TARIFFS"
TARIFF = {"tariffId": "rec-day-1", "currency": "EUR", "energy": {"prices": [{"priceKwh": 0.42}]}}
OTHER = {**TARIFF, "tariffId": "rec-day-2"}
NOON = "2026-05-04T12:00:00Z"


async def play(player: Player) -> None:
    base = f"{V1}/chargepoints/{IDENTITY}"
    async with station(player.server, V21, IDENTITY) as peer:
        path = f"{base}/set-default-tariff"
        await player.command(peer, "tariff: accepted", "POST", path, {"tariff": TARIFF}, ACCEPTED)
        many = {"status": "TooManyElements"}
        await player.command(peer, "tariff: refused", "POST", path, {"tariff": OTHER}, many)
        await player.ask("tariff: not valid", "POST", path, {"tariff": {**TARIFF, "currency": "eur"}})
        changed = {**TARIFF, "energy": {"prices": [{"priceKwh": 0.5}]}}
        await player.ask("tariff: a known id", "POST", path, {"tariff": changed})
        assigned = {"tariffId": TARIFF["tariffId"], "tariffKind": "DefaultTariff", "evseIds": [1]}
        report = {**ACCEPTED, "tariffAssignments": [assigned]}
        await player.command(peer, "tariffs: reported", "POST", f"{base}/get-tariffs", {}, report)
        shown = await player.ask("tariffs: list", "GET", f"{base}/tariffs?isCurrent=true", key=VIEWER)
        await player.ask("tariff: get", "GET", f"{base}/tariffs/{shown['tariffs'][0]['id']}")
        await player.ask("tariff: unknown", "GET", f"{base}/tariffs/nothing")
        cleared = {"clearTariffsResult": [{"tariffId": TARIFF["tariffId"], "status": "Accepted"}]}
        path = f"{base}/clear-tariffs"
        await player.command(
            peer, "tariffs: cleared", "POST", path, {"tariffIds": [TARIFF["tariffId"]]}, cleared
        )
        nothing = {"clearTariffsResult": [{"status": "NoTariff"}]}
        await player.command(peer, "tariffs: none to clear", "POST", path, {}, nothing)
        event = {
            "eventType": "Started",
            "timestamp": at(),
            "triggerReason": "Authorized",
            "seqNo": 0,
            "transactionInfo": {"transactionId": "TX-21", "chargingState": "Charging"},
            "evse": {"id": 1, "connectorId": 1},
            "idToken": {"idToken": "ALICE-CARD", "type": "ISO14443"},
        }
        await peer.call("TransactionEvent", event)
        path = f"{base}/change-transaction-tariff"
        body = {"transactionId": "TX-21", "tariff": OTHER}
        await player.command(peer, "session tariff: accepted", "POST", path, body, ACCEPTED)
        late = {"status": "TxNotFound"}
        await player.command(peer, "session tariff: refused", "POST", path, body, late)
        path = f"{base}/update-cost"
        await player.command(
            peer, "cost: sent", "POST", path, {"transactionId": "TX-21", "totalCost": 4.2}, {}
        )
        await player.ask("cost: no amount", "POST", path, {"transactionId": "TX-21", "totalCost": "a lot"})
        path = f"{base}/notify-web-payment"
        await player.command(
            peer, "web payment: sent", "POST", path, {"evseId": 1, "paymentTimeout": 120}, {}
        )
        settlement = {
            "pspRef": "PSP-1",
            "transactionId": "TX-21",
            "status": "Failed",
            "settlementAmount": 18.15,
            "settlementTime": NOON,
        }
        await peer.call("NotifySettlement", settlement)
    await lists(player)


async def lists(player: Player) -> None:
    costs, payments = f"{V1}/session-costs", f"{V1}/payments"
    found = await player.ask("costs: list", "GET", f"{costs}?clientId={IDENTITY}", key=VIEWER)
    await player.ask("cost: get", "GET", f"{costs}/{found['sessionCosts'][0]['transactionId']}")
    await player.ask("cost: unknown", "GET", f"{costs}/999999")
    found = await player.ask("payments: list", "GET", f"{payments}?clientId={IDENTITY}", key=VIEWER)
    await player.ask("payment: get", "GET", f"{payments}/{found['payments'][0]['id']}")
    await player.ask("payment: unknown", "GET", f"{payments}/999999")
