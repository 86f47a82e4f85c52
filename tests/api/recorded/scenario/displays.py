"""Display messages, customer information, published firmware and battery swaps of connected 2.x stations."""

from __future__ import annotations

from tests.api.recorded.playing import OPERATOR, Player
from tests.conformance.peer import V16, V21, V201, Peer, at, station

V1 = "/api/v1"
ACCEPTED, REJECTED = {"status": "Accepted"}, {"status": "Rejected"}
MD5 = "0123456789abcdef0123456789abcdef"


async def play(player: Player) -> None:
    async with (
        station(player.server, V16, "REC-DISPLAY-16") as old,
        station(player.server, V201, "REC-DISPLAY-201") as new,
    ):
        await messages(player, old, new)
        await customers(player, new)
        await publishing(player, new)
    await swaps(player)


async def messages(player: Player, old: Peer, new: Peer) -> None:
    base = f"{V1}/chargepoints/{new.identity}"
    path = f"{base}/set-display-message"
    body = {"content": "Closed from 18:00 today.", "messageId": 5, "endDateTime": at(60)}
    await player.command(new, "set-display-message: accepted", "POST", path, body, ACCEPTED)
    refused = {"status": "NotSupportedPriority", "statusInfo": {"reasonCode": "Never"}}
    body = {"content": "Now", "messageId": 6, "priority": "AlwaysFront"}
    await player.command(new, "set-display-message: refused", "POST", path, body, refused)
    await player.ask(
        "set-display-message: over already", "POST", path, {"content": "A", "endDateTime": at(-1)}
    )
    await player.ask("set-display-message: no session", "POST", path, {"content": "A", "transactionId": "T"})
    await player.ask(
        "set-display-message: OCPP 1.6",
        "POST",
        f"{V1}/chargepoints/{old.identity}/set-display-message",
        {"content": "A"},
    )
    shown = await player.ask("display messages: list", "GET", f"{base}/display-messages?isCurrent=true")
    key = shown["displayMessages"][0]["id"]
    await player.ask("display message: get", "GET", f"{base}/display-messages/{key}")
    await player.ask("display message: unknown", "GET", f"{base}/display-messages/nothing")
    path = f"{base}/get-display-messages"
    await player.command(
        new, "get-display-messages: by ID", "POST", path, {"messageIds": [5]}, {"status": "Accepted"}
    )
    await player.command(new, "get-display-messages: none", "POST", path, {}, {"status": "Unknown"})
    await player.ask("get-display-messages: bad IDs", "POST", path, {"messageIds": ["five"]})


async def customers(player: Player, new: Peer) -> None:
    path = f"{V1}/chargepoints/{new.identity}/customer-information"
    body = {"report": True, "clear": True, "customerIdentifier": "alice"}
    await player.command(new, "customer-information: accepted", "POST", path, body, ACCEPTED)
    await player.command(new, "customer-information: rejected", "POST", path, body, REJECTED)
    await player.ask("customer-information: two names", "POST", path, {**body, "idTag": "ALICE-CARD"})
    await player.ask("customer-information: nothing asked", "POST", path, {"customerIdentifier": "alice"})
    await player.ask("customer-information: by an operator", "POST", path, body, key=OPERATOR)


async def publishing(player: Player, new: Peer) -> None:
    base = f"{V1}/chargepoints/{new.identity}"
    path = f"{base}/publish-firmware"
    body = {"location": "https://files.example.com/2.0.bin", "checksum": MD5}
    made = await player.command(new, "publish-firmware: accepted", "POST", path, body, ACCEPTED)
    await player.command(new, "publish-firmware: rejected", "POST", path, body, REJECTED)
    await player.ask("publish-firmware: no checksum", "POST", path, {"location": body["location"]})
    done = {
        "status": "Published",
        "requestId": made["publishRequestId"],
        "location": ["http://controller.example/2.0.bin"],
    }
    await new.call("PublishFirmwareStatusNotification", done)
    await player.ask("published firmware: list", "GET", f"{base}/published-firmware")
    key = made["publicationId"]
    await player.ask("published firmware: get", "GET", f"{base}/published-firmware/{key}")
    await player.ask("published firmware: unknown", "GET", f"{base}/published-firmware/nothing")
    path = f"{base}/unpublish-firmware"
    gone = {"status": "Unpublished"}
    await player.command(new, "unpublish-firmware: done", "POST", path, {"checksum": MD5}, gone)
    await player.command(
        new, "unpublish-firmware: none", "POST", path, {"checksum": MD5}, {"status": "NoFirmware"}
    )


async def swaps(player: Player) -> None:
    async with station(player.server, V21, "REC-SWAP") as newest:
        base = f"{V1}/chargepoints/{newest.identity}"
        path = f"{base}/request-battery-swap"
        body = {"idTag": "ALICE-CARD"}
        none = {**REJECTED, "statusInfo": {"reasonCode": "NoBatteryAvailable"}}
        await player.command(newest, "request-battery-swap: rejected", "POST", path, body, none)
        made = await player.command(newest, "request-battery-swap: accepted", "POST", path, body, ACCEPTED)
        await player.ask("request-battery-swap: not authorized", "POST", path, {"idTag": "BLOCKED"})
        battery = {"evseId": 1, "serialNumber": "B-1", "soC": 12, "soH": 90}
        swap = {
            "eventType": "BatteryIn",
            "requestId": made["swapRequestId"],
            "idToken": {"idToken": "ALICE-CARD", "type": "Central"},
            "batteryData": [battery],
        }
        await newest.call("BatterySwap", swap)
        await player.ask("battery swaps: list", "GET", f"{base}/battery-swaps?serialNumber=B-1")
        await player.ask("battery swap: get", "GET", f"{base}/battery-swaps/{made['swapId']}")
        await player.ask("battery swap: unknown", "GET", f"{base}/battery-swaps/nothing")
