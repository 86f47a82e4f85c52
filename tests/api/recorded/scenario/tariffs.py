"""Tariffs, costs and payments of a station of OCPP 2.1."""

from __future__ import annotations

import time

from tariffs.services.payment import totp
from tests.api.recorded.playing import VIEWER, Player
from tests.api.recorded.scenario.devices import ACCEPTED, V1
from tests.conformance.peer import V21, Peer, at, station

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
        await web_payments(player, peer)
    await lists(player)


async def web_payments(player: Player, peer: Peer) -> None:
    keys, payments = f"{V1}/chargepoints/{IDENTITY}/web-payment-keys", f"{V1}/web-payments"
    body = {"secret": "mysharedsecret", "validityTime": 3600, "length": 8}
    made = await player.ask("key of codes: set", "POST", keys, body)
    await player.ask("key of codes: too short", "POST", keys, {**body, "secret": "short"})
    await player.ask("keys of codes: list", "GET", keys, key=VIEWER)
    await player.ask("key of codes: get", "GET", f"{keys}/{made['id']}")
    interval = int(time.time()) // 3600
    code = totp.password(body["secret"], interval, length=8, alphabet=totp.BASE_62)
    for evse in (1, 2):
        await player.quiet("GET", f"/charge/{IDENTITY}/{evse}/{code}")
        await peer.answer(await peer.next_call(), {})
    refused, accepted = (await player.quiet("GET", f"{payments}?clientId={IDENTITY}"))["data"]["webPayments"]
    path, paid = f"{payments}/{accepted['id']}/confirm", {"pspRef": "PSP-2"}
    await player.command(peer, "web payment: confirmed", "POST", path, paid, ACCEPTED)
    await player.ask("web payment: confirmed again", "POST", path, paid)
    await player.ask("web payment: another reference", "POST", path, {"pspRef": "PSP-3"})
    path = f"{payments}/{refused['id']}/confirm"
    no = {"status": "Rejected"}
    await player.command(peer, "web payment: no session", "POST", path, {"pspRef": "PSP-4"}, no)
    await player.ask("web payments: list", "GET", f"{payments}?clientId={IDENTITY}", key=VIEWER)
    await player.ask("web payment: get", "GET", f"{payments}/{accepted['id']}")
    await player.ask("web payment: unknown", "GET", f"{payments}/999999")
    await player.ask("key of codes: delete", "DELETE", f"{keys}/{made['id']}")


async def lists(player: Player) -> None:
    costs, payments = f"{V1}/session-costs", f"{V1}/payments"
    found = await player.ask("costs: list", "GET", f"{costs}?clientId={IDENTITY}", key=VIEWER)
    await player.ask("cost: get", "GET", f"{costs}/{found['sessionCosts'][0]['transactionId']}")
    await player.ask("cost: unknown", "GET", f"{costs}/999999")
    found = await player.ask("payments: list", "GET", f"{payments}?clientId={IDENTITY}", key=VIEWER)
    await player.ask("payment: get", "GET", f"{payments}/{found['payments'][0]['id']}")
    await player.ask("payment: unknown", "GET", f"{payments}/999999")
