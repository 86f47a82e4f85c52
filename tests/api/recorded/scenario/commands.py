"""Commands to connected stations of both dialects, with every outcome."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.api.recorded.playing import GONE, SILENT, VIEWER, Player, error
from tests.api.recorded.scenario import devices, session_states
from tests.api.recorded.scenario.devices import ACCEPTED, V1
from tests.conformance.peer import V16, V201, Peer, at, station

IS_16 = {"connectorId": 1, "status": "Available", "errorCode": "NoError"}
CARD = {"idToken": "ALICE-CARD", "type": "ISO14443"}


async def play(player: Player) -> None:
    async with station(player.server, V16, "REC-16") as old, station(player.server, V201, "REC-201") as new:
        await old.call("StatusNotification", {**IS_16, "timestamp": at()})
        info = {"evseId": 1, "connectorId": 1, "connectorStatus": "Available", "timestamp": at()}
        await new.call("StatusNotification", info)
        await online(player)
        await intents(player, old, "1.6")
        await intents(player, new, "2.0.1")
        await display(player, old, new)
        await session_states.asked(player, old, new)
        await devices.logs(player, old, new)
        await devices.charging_profiles(player, old, "1.6")
        await devices.charging_profiles(player, new, "2.0.1")
        await devices.password(player, old, new)
        await generic(player, old, "1.6")
        await generic(player, new, "2.0.1")
        await configuration(player, old, new)
        await sessions(player, old, _transaction_16, "1.6")
        await sessions(player, new, _transaction_2x, "2.0.1")
        await twins(player, new)
        await outcomes(player, old, "1.6")
        await outcomes(player, new, "2.0.1")
        await below_the_station(player, old, "1.6")
        await below_the_station(player, new, "2.0.1")
        await devices.firmware(player, old, new)
        await registration(player, old)
        await queue(player, old)
        await gone(player, old, "1.6")
        await gone(player, new, "2.0.1")
    await session_states.limits(player)


async def online(player: Player) -> None:
    ask = player.ask
    await ask("clients", "GET", "/clients")
    for identity in ("REC-16", "REC-201"):
        await ask(f"{identity}: get", "GET", f"{V1}/chargepoints/{identity}")
        await ask(f"{identity}: status", "GET", f"{V1}/chargepoints/{identity}/status")
        await ask(f"{identity}: connectors", "GET", f"{V1}/chargepoints/{identity}/connectors")
    await ask("stations: online", "GET", f"{V1}/chargepoints?isOnline=true&ordering=clientId")


async def intents(player: Player, peer: Peer, version: str) -> None:
    """Each command accepted, rejected, and without waiting."""
    is_16 = version == "1.6"
    unlocked = {"status": "Unlocked"}
    bodies: dict[str, list[Any]] = {
        "reset": [{"type": "Hard" if is_16 else "OnIdle"}, ACCEPTED, {"status": "Rejected"}],
        "unlock": [{"connectorId": 1}, unlocked, {"status": "UnlockFailed"}],
        "availability": [{"type": "Inoperative"}, {"status": "Scheduled"}, {"status": "Rejected"}],
        "clear-cache": [{}, ACCEPTED, {"status": "Rejected"}],
        "data-transfer": [
            {"vendorId": "com.example", "messageId": "Hi", "data": "text"},
            {"status": "Accepted", "data": "back"},
            {"status": "UnknownVendorId"},
        ],
        "trigger": [
            {"requestedMessage": "StatusNotification", "connectorId": 1},
            ACCEPTED,
            {"status": "NotImplemented"},
        ],
    }
    base = f"{V1}/chargepoints/{peer.identity}"
    for name, (body, yes, no) in bodies.items():
        path = f"{base}/{name}"
        await player.command(peer, f"{version} {name}: accepted", "POST", path, body, yes)
        await player.command(peer, f"{version} {name}: rejected", "POST", path, body, no)
        # The station has just answered that it has not implemented the message.
        again = body | ({"force": True} if name == "trigger" else {})
        sent = await player.command(
            peer, f"{version} {name}: without waiting", "POST", f"{path}?wait=false", again, yes
        )
        await settled(player, peer, sent["requestId"])
        await player.ask(f"{version} {name}: its result", "GET", f"{base}/commands/{sent['requestId']}")
    path = f"{base}/availability"
    one = {"type": "Operative", "connectorId": 1}
    await player.command(peer, f"{version} availability: a connector", "POST", path, one, ACCEPTED)
    await player.command(
        peer, f"{version} data-transfer: an object", "POST", f"{base}/data-transfer",
        {"vendorId": "com.example", "data": {"any": "thing"}}, ACCEPTED,
    )  # fmt: skip
    await player.command(peer, f"{version} reset: default", "POST", f"{base}/reset", {}, ACCEPTED)
    await player.command(
        peer, f"{version} reset: of an EVSE", "POST", f"{base}/reset", {"evseId": 1}, ACCEPTED
    )  # 400 in 1.6
    await player.ask(f"{version} trigger: unknown", "POST", f"{base}/trigger", {"requestedMessage": "X"})
    missing, beat = {"status": "NotImplemented"}, {"requestedMessage": "Heartbeat"}
    path = f"{base}/trigger"
    await player.command(peer, f"{version} trigger: not implemented", "POST", path, beat, missing)
    await player.ask(f"{version} trigger: known not to be implemented", "POST", path, beat)


async def display(player: Player, old: Peer, new: Peer) -> None:
    for peer, end in ((old, "OCPP 1.6"), (new, "accepted")):
        path = f"{V1}/chargepoints/{peer.identity}/clear-display-message"
        name = f"clear-display-message: {end}"
        await player.command(peer, name, "POST", path, {"messageId": 5}, ACCEPTED)


async def settled(player: Player, peer: Peer, request_id: str) -> None:
    path = f"{V1}/chargepoints/{peer.identity}/commands/{request_id}"
    await player.until(path, lambda shown: shown["state"] not in ("queued", "sent"))


async def generic(player: Player, peer: Peer, version: str) -> None:
    path = f"{V1}/chargepoints/{peer.identity}/commands"
    body = {"action": "ClearCache", "payload": {}, "timeout": 20}
    flat = {"command": "ClearCache"}
    wrong = {"action": "Reset", "payload": {"type": "Gently", "why": 1}}
    await player.command(peer, f"{version} commands: accepted", "POST", path, body, ACCEPTED)
    await player.command(peer, f"{version} commands: flat", "POST", path, flat, {"status": "Rejected"})
    sent = await player.command(
        peer, f"{version} commands: without waiting", "POST", f"{path}?wait=false", body, ACCEPTED
    )
    await settled(player, peer, sent["requestId"])
    await player.ask(f"{version} commands: unknown action", "POST", path, {"action": "Explode"})
    await player.ask(f"{version} commands: bad payload", "POST", path, wrong)


async def configuration(player: Player, old: Peer, new: Peer) -> None:
    path = f"{V1}/chargepoints/REC-16/configuration"
    key = {"key": "HeartbeatInterval", "readonly": False, "value": "77"}
    found = {"configurationKey": [key], "unknownKey": ["Nothing"]}
    change = {"key": "HeartbeatInterval", "value": "77"}
    await player.command(old, "1.6 live keys: all", "GET", f"{path}/live", None, {"configurationKey": [key]})
    await player.command(
        old, "1.6 live keys: some", "GET", f"{path}/live?keys=HeartbeatInterval,Nothing", None, found
    )
    await player.command(old, "1.6 live keys: change", "PUT", f"{path}/live", change, ACCEPTED)
    reboot = {"status": "RebootRequired"}
    await player.command(old, "1.6 live keys: change with a reboot", "PUT", f"{path}/live", change, reboot)
    await player.command(
        old, "1.6 live keys: change refused", "PUT", f"{path}/live", change, {"status": "NotSupported"}
    )
    sent = await player.command(
        old, "1.6 live keys: change, without waiting", "PUT", f"{path}/live?wait=false", change, ACCEPTED
    )
    await settled(player, old, sent["requestId"])
    await player.command(
        old, "1.6 live keys: error", "GET", f"{path}/live", None, error("InternalError", "Busy", {"n": 1})
    )
    await player.ask("1.6 stored keys", "GET", path)

    path = f"{V1}/chargepoints/REC-201/configuration"
    name = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
    keys = "OCPPCommCtrlr.HeartbeatInterval,No.Such"
    got = [
        {**name, "attributeStatus": "Accepted", "attributeValue": "77"},
        {
            "component": {"name": "No"},
            "variable": {"name": "Such"},
            "attributeStatus": "UnknownComponent",
        },
    ]
    change = {"key": "OCPPCommCtrlr.HeartbeatInterval", "value": "77"}
    done = {"setVariableResult": [{**name, "attributeStatus": "Accepted"}]}
    refused = {"setVariableResult": [{**name, "attributeStatus": "Rejected"}]}
    await player.command(
        new, "2.0.1 live keys: some", "GET", f"{path}/live?keys={keys}", None, {"getVariableResult": got}
    )
    empty = {"status": "EmptyResultSet"}
    await player.command(new, "2.0.1 live keys: all", "GET", f"{path}/live", None, empty)
    await player.ask("2.0.1 live keys: bad name", "GET", f"{path}/live?keys=Heartbeat")
    await player.command(new, "2.0.1 live keys: change", "PUT", f"{path}/live", change, done)
    await player.command(new, "2.0.1 live keys: change refused", "PUT", f"{path}/live", change, refused)
    await player.ask("2.0.1 stored keys", "GET", path)


async def sessions(player: Player, peer: Peer, charge: Callable[[Peer, Any, str], Any], version: str) -> None:
    """A remote start with its session and a remote stop."""
    is_16 = version == "1.6"
    start, stop = f"{V1}/transactions/remote-start", f"{V1}/transactions/remote-stop"
    wanted = {"clientId": peer.identity, "idTag": "ALICE-CARD", "connectorId": 1}
    no = {"status": "Rejected"}
    await player.command(peer, f"{version} remote start: rejected", "POST", start, wanted, no)
    sent = await player.command(
        peer, f"{version} remote start: without waiting", "POST", f"{start}?wait=false", wanted, no
    )
    await settled(player, peer, sent["requestId"])
    blocked = {"clientId": peer.identity, "idTag": "BLOCKED"}
    await player.ask(f"{version} remote start: of a blocked token", "POST", start, blocked)
    await player.command(
        peer, f"{version} remote start: forced", "POST", start, {**blocked, "force": True}, no
    )
    done = await player.command(peer, f"{version} remote start: accepted", "POST", start, wanted, ACCEPTED)
    await charge(peer, player, "start")
    path = f"{V1}/chargepoints/{peer.identity}/commands/{done['requestId']}"
    number = await player.until(path, lambda shown: shown["remoteStart"]["transactionId"])
    await player.ask(f"{version} remote start: its session", "GET", path)
    await player.ask(
        f"{version} remote start: concurrent", "POST", start, wanted | {"clientId": _other(peer)}
    )
    await player.ask(f"{version} session: running", "GET", f"{V1}/transactions/{number}")
    await player.ask(f"{version} station: charging", "GET", f"{V1}/chargepoints/{peer.identity}")
    why = {"reason": "Stuck"}
    await player.ask(f"{version} end: probably charging", "POST", f"{V1}/transactions/{number}/end", why)
    reference = {"transactionId": number}
    await player.command(peer, f"{version} remote stop: rejected", "POST", stop, reference, no)
    await player.command(
        peer, f"{version} remote stop: accepted", "POST", stop,
        reference if is_16 else {"transactionId": "TX-201", "clientId": "rec-201"}, ACCEPTED,
    )  # fmt: skip
    sent = await player.command(
        peer, f"{version} remote stop: without waiting", "POST", f"{stop}?wait=false", reference, ACCEPTED
    )
    await settled(player, peer, sent["requestId"])
    await charge(peer, player, "stop")
    await player.until(f"{V1}/transactions/{number}", lambda shown: shown["status"] == "ended")
    await player.ask(f"{version} session: ended", "GET", f"{V1}/transactions/{number}")
    await player.ask(f"{version} remote stop: has ended", "POST", stop, reference)
    await player.ask(f"{version} readings", "GET", f"{V1}/transactions/{number}/meter-values")


def _other(peer: Peer) -> str:
    return "REC-201" if peer.identity == "REC-16" else "REC-16"


async def _transaction_16(peer: Peer, player: Player, step: str) -> None:
    if step == "start":
        body = {"connectorId": 1, "idTag": "ALICE-CARD", "meterStart": 1000, "timestamp": at()}
        player.memory["number"] = (await peer.call("StartTransaction", body))["transactionId"]
        sample = {"value": "1500", "measurand": "Energy.Active.Import.Register", "unit": "Wh"}
        reading = [{"timestamp": at(), "sampledValue": [sample]}]
        number = player.memory["number"]
        await peer.call("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": reading})
    else:
        body = {"transactionId": player.memory["number"], "meterStop": 5000, "timestamp": at()}
        await peer.call("StopTransaction", {**body, "reason": "Remote"})


async def _transaction_2x(peer: Peer, player: Player, step: str) -> None:
    sample = {"value": 1000, "measurand": "Energy.Active.Import.Register"}
    now = at(-2 if step == "start" else 0)
    event = {
        "eventType": "Started",
        "timestamp": now,
        "triggerReason": "RemoteStart",
        "seqNo": 0,
        "transactionInfo": {
            "transactionId": "TX-201",
            "chargingState": "Charging",
            "remoteStartId": player.start_id,
        },
        "evse": {"id": 1, "connectorId": 1},
        "idToken": CARD,
        "meterValue": [{"timestamp": now, "sampledValue": [sample]}],
    }
    if step == "stop":
        sample["value"] = 5000
        info = {"transactionId": "TX-201", "stoppedReason": "Remote"}
        event |= {"eventType": "Ended", "triggerReason": "RemoteStop", "seqNo": 1, "transactionInfo": info}
        del event["idToken"]
    await peer.call("TransactionEvent", event)


async def twins(player: Player, peer: Peer) -> None:
    """Two stations use the same id for a running transaction."""
    async with station(player.server, V201, "REC-TWIN") as twin:
        for one in (peer, twin):
            event = {
                "eventType": "Started",
                "timestamp": at(),
                "triggerReason": "CablePluggedIn",
                "seqNo": 0,
                "transactionInfo": {"transactionId": "SAME", "chargingState": "EVConnected"},
                "evse": {"id": 1, "connectorId": 1},
            }
            await one.call("TransactionEvent", event)
        body = {"transactionId": "SAME"}
        await player.ask("remote stop: of several stations", "POST", f"{V1}/transactions/remote-stop", body)


async def outcomes(player: Player, peer: Peer, version: str) -> None:
    """Errors, invalid answers and silence, for a plain command and for one with its own answer."""
    base = f"{V1}/chargepoints/{peer.identity}"
    start = {"clientId": peer.identity, "idTag": "SOMEBODY", "timeout": 1}
    trouble = error("InternalError", "The relay is stuck.", {"relay": 2})
    places = {
        "clear-cache": (f"{base}/clear-cache", {"timeout": 1}),
        "remote start": (f"{V1}/transactions/remote-start", start),
        "commands": (f"{base}/commands", {"action": "ClearCache", "timeout": 1}),
    }
    for name, (path, body) in places.items():
        await player.command(peer, f"{version} {name}: error", "POST", path, body, trouble)
    path, body = places["clear-cache"]
    await player.command(peer, f"{version} clear-cache: invalid answer", "POST", path, body, {"status": 42})
    unknown = error("NotSupported" if version == "1.6" else "NotImplemented")
    await player.command(peer, f"{version} clear-cache: not supported", "POST", path, body, unknown)
    if version == "1.6":
        odd = error("Busy", "Try later.")
        await player.command(peer, "1.6 clear-cache: error that OCPP lacks", "POST", path, body, odd)
        password = {"key": "AuthorizationKey", "value": "0123456789abcdef"}
        change = {"action": "ChangeConfiguration", "payload": password}
        await player.ask("1.6 commands: sets the password", "POST", f"{base}/commands", change)
        await player.command(peer, f"{version} clear-cache: silent", "POST", path, body, SILENT)
    else:
        path, body = places["remote start"]
        await player.command(peer, f"{version} remote start: silent", "POST", path, body, SILENT)


async def registration(player: Player, peer: Peer) -> None:
    path = f"{V1}/chargepoints/{peer.identity}"
    for word in ("Pending", "Rejected"):
        await player.ask(f"station: set {word}", "PATCH", path, {"registrationStatus": word})
        await player.ask(f"clear-cache: station {word}", "POST", f"{path}/clear-cache", {})
    await player.ask("station: set Accepted", "PATCH", path, {"registrationStatus": "Accepted"})


async def below_the_station(player: Player, peer: Peer, version: str) -> None:
    """The commands whose older addresses are spelled otherwise."""
    base = f"{V1}/chargepoints/{peer.identity}"
    is_16 = version == "1.6"
    name = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
    done = {**name, "attributeStatus": "Accepted"}
    key = "HeartbeatInterval" if is_16 else "OCPPCommCtrlr.HeartbeatInterval"
    found = (
        {"configurationKey": [{"key": key, "readonly": False, "value": "77"}]}
        if is_16
        else {"getVariableResult": [{**done, "attributeValue": "77"}]}
    )
    changed = ACCEPTED if is_16 else {"setVariableResult": [done]}
    no, trouble = {"status": "Rejected"}, error("InternalError", "Busy", {"n": 1})
    stop = {"transactionId": "SAME"}
    exchanges: list[tuple[str, Any, Any]] = [
        ("get-configuration", {"keys": [key]}, found),
        ("get-configuration", {"keys": [key], "timeout": 20}, trouble),
        ("change-configuration", {"key": key, "value": "77"}, changed),
        ("remote-start", {"idTag": "SOMEBODY", "connectorId": 1}, no),
        ("remote-start", {"idTag": "SOMEBODY", "force": True}, no),
    ]
    exchanges += [] if is_16 else [("remote-stop", stop, ACCEPTED)]
    for index, (path, body, reply) in enumerate(exchanges):
        what = f"{version} {path} below the station: {index}"
        await player.command(peer, what, "POST", f"{base}/{path}", body, reply)
    if is_16:
        await player.ask("1.6 remote-stop below the station: unknown", "POST", f"{base}/remote-stop", stop)


async def queue(player: Player, peer: Peer) -> None:
    """More commands than may wait for one station."""
    path = f"{V1}/chargepoints/{peer.identity}/commands?wait=false"
    command = {"action": "ClearCache", "timeout": 120}
    await player.fill_queue(path, command, 65)
    await player.ask("commands: queue is full", "POST", path.removesuffix("?wait=false"), command)


async def gone(player: Player, peer: Peer, version: str) -> None:
    base = f"{V1}/chargepoints/{peer.identity}"
    if version == "1.6":
        await player.ask(
            "messages: by a viewer", "GET", f"{base}/messages?limit=1&action=Heartbeat", key=VIEWER
        )
        peer.abort()
        return
    body = {"timeout": 120}
    await player.command(
        peer, f"{version} clear-cache: went offline", "POST", f"{base}/clear-cache", body, GONE
    )
