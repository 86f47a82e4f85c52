"""Endpoints that were added after the first recording: actions of a station, its reports, events and
reservations.
"""

from __future__ import annotations

from tests.api.recorded.playing import Player
from tests.api.recorded.scenario.commands import ACCEPTED, V1
from tests.conformance.local_lists import ListStation
from tests.conformance.peer import V16, V201, Peer, at, station

BASE = f"{V1}/chargepoints/REC-NEW"
VARIABLE = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
KEY = "OCPPCommCtrlr.HeartbeatInterval"


async def play(player: Player) -> None:
    async with station(player.server, V201, "REC-NEW") as peer:
        await actions(player, peer)
        await reports(player, peer)
        await events(player)
        await outcomes(player, peer)
        await desired_values(player, peer)
    async with station(player.server, V16, "REC-RES") as peer:
        await reservations(player, peer)
    async with station(player.server, V16, "REC-LIST") as peer:
        await local_list(player, peer)


async def actions(player: Player, peer: Peer) -> None:
    start = {"idTag": "SOMEBODY", "force": True, "connectorId": 1}
    await player.command(peer, "new remote-start", "POST", f"{BASE}/remote-start", start, ACCEPTED)
    event = {
        "eventType": "Started",
        "timestamp": at(),
        "triggerReason": "CablePluggedIn",
        "seqNo": 0,
        "transactionInfo": {"transactionId": "TX-NEW", "chargingState": "EVConnected"},
        "evse": {"id": 1, "connectorId": 1},
    }
    await peer.call("TransactionEvent", event)
    stop = {"transactionId": "TX-NEW"}
    await player.command(peer, "new remote-stop", "POST", f"{BASE}/remote-stop", stop, ACCEPTED)
    got = {"getVariableResult": [{**VARIABLE, "attributeStatus": "Accepted", "attributeValue": "77"}]}
    await player.command(
        peer, "new get-configuration", "POST", f"{BASE}/get-configuration", {"keys": [KEY]}, got
    )
    done = {"setVariableResult": [{**VARIABLE, "attributeStatus": "Accepted"}]}
    change = {"key": KEY, "value": "77"}
    await player.command(
        peer, "new change-configuration", "POST", f"{BASE}/change-configuration", change, done
    )


async def reports(player: Player, peer: Peer) -> None:
    """A report of one part, and the message that brought it."""
    wanted = {"action": "GetBaseReport", "payload": {"requestId": 77, "reportBase": "FullInventory"}}
    await player.command(peer, "report: ask for it", "POST", f"{BASE}/commands", wanted, ACCEPTED)
    part = {"requestId": 77, "generatedAt": at(), "seqNo": 0, "tbc": False}
    await peer.call("NotifyReport", part)
    log = await player.ask("security events", "GET", f"{V1}/security-events?critical=false&limit=1")
    (event,) = log["securityEvents"]
    await player.ask("security event: get", "GET", f"{V1}/security-events/{event['id']}")
    for name, key in (("follow-ups", "followUps"), ("reports", "reports")):
        path = f"{BASE}/{name}"
        # The message is stored at once, and its command is found slightly later.
        (row,) = await player.until(
            path, lambda shown, key=key: all(one["commandId"] for one in shown[key]) and shown[key]
        )
        await player.ask(f"{name}: list", "GET", path)
        await player.ask(f"{name}: get", "GET", f"{path}/{row['id']}")


async def local_list(player: Player, peer: Peer) -> None:
    """The local list of a station, without the automatic updates: they would come at any time."""
    one, base = ListStation(peer, version=4), f"{V1}/chargepoints/REC-LIST"
    await player.ask("local list: none yet", "GET", f"{base}/local-list")
    await player.ask("local list: not automatic", "PATCH", f"{base}/local-list", {"automatic": False})
    await player.ask("local list: bad body", "PATCH", f"{base}/local-list", {"automatic": "perhaps"})
    await one.serve(player.ask("local list: update", "POST", f"{base}/sync-local-list", {}))
    one.replies = [{"status": "Failed"}]
    await one.serve(player.ask("local list: failed", "POST", f"{base}/sync-local-list", {"full": True}))
    one.version = -1
    await one.serve(player.ask("local list: none", "POST", f"{base}/sync-local-list", {}))
    version = f"{base}/get-local-list-version"
    await one.serve(player.ask("local list: version", "POST", version, {}))
    await player.ask("local list: state", "GET", f"{base}/local-list")
    await player.ask("local lists: list", "GET", f"{V1}/local-lists?state=unsupported")


async def events(player: Player) -> None:
    path = f"{V1}/events?station=REC-NEW&types=transaction.started"
    (event,) = await player.until(path, lambda shown: shown["events"])
    await player.ask("events: list", "GET", path)
    await player.ask("events: get", "GET", f"{V1}/events/{event['id']}")
    await player.ask("events: ticket", "POST", f"{V1}/events/tickets", {"types": ["transaction.*"]})


async def outcomes(player: Player, peer: Peer) -> None:
    """Answers without a result, partly accepted ones, and refusals with a reason."""
    path = f"{BASE}/commands"
    info = {"reasonCode": "ReadOnly", "additionalInfo": "Set by the installer."}
    other = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "RetryBackOffRepeatTimes"}}
    some = [
        {**VARIABLE, "attributeStatus": "Accepted"},
        {**other, "attributeStatus": "Rejected", "attributeStatusInfo": info},
    ]
    wanted = {"setVariableData": [{**VARIABLE, "attributeValue": "77"}, {**other, "attributeValue": "3"}]}
    report = {"requestId": 78, "componentCriteria": ["Problem"]}
    exchanges = (
        ("partly accepted", "SetVariables", wanted, {"setVariableResult": some}),
        ("no such thing", "GetReport", report, {"status": "EmptyResultSet"}),
        ("refused with a reason", "ClearCache", {}, {"status": "Rejected", "statusInfo": info}),
    )
    for name, action, payload, reply in exchanges:
        body = {"action": action, "payload": payload}
        sent = await player.command(peer, f"outcome: {name}", "POST", path, body, reply)
        await player.ask(f"outcome: {name}, its command", "GET", f"{path}/{sent['requestId']}")


async def reservations(player: Player, peer: Peer) -> None:
    base = f"{V1}/chargepoints/REC-RES"
    body = {"idTag": "SOMEBODY", "connectorId": 1, "force": True}
    refused = {"status": "Occupied"}
    await player.command(peer, "reserve: refused", "POST", f"{base}/reserve", body, refused)
    done = await player.command(peer, "reserve: accepted", "POST", f"{base}/reserve", body, ACCEPTED)
    path = f"{V1}/reservations"
    await player.ask("reservations: list", "GET", f"{path}?clientId=REC-RES")
    await player.ask("reservations: live ones", "GET", f"{path}?clientId=REC-RES&live=true&idTag=somebody")
    await player.ask("reservations: get", "GET", f"{path}/{done['id']}")
    wanted = {"reservationId": done["reservationId"]}
    await player.command(
        peer, "cancel-reservation: accepted", "POST", f"{base}/cancel-reservation", wanted, ACCEPTED
    )
    other, no = {"reservationId": 7}, {"status": "Rejected"}
    await player.command(peer, "cancel-reservation: unknown", "POST", f"{base}/cancel-reservation", other, no)
    await player.ask("reservations: cancelled", "GET", f"{path}/{done['id']}")
    await player.ask("reservations: unknown", "GET", f"{path}/999999")


async def desired_values(player: Player, peer: Peer) -> None:
    """Desired values of a station, templates with their assignments, drift and comparison."""
    ask, path, templates = player.ask, f"{BASE}/desired-values", f"{V1}/configuration/templates"
    made = await ask("desired value: create", "POST", path, {"key": KEY, "value": "60"})
    await ask("desired value: twice", "POST", path, {"key": KEY, "value": "60"})
    await ask(
        "desired value: a secret", "POST", path, {"key": "SecurityCtrlr.BasicAuthPassword", "value": "x"}
    )
    one = f"{path}/{made['id']}"
    await ask("desired value: change", "PATCH", one, {"reapplies": True})
    await ask("desired value: get", "GET", one)
    await ask("desired values: list", "GET", path)
    done = {"setVariableResult": [{**VARIABLE, "attributeStatus": "RebootRequired"}]}
    await player.command(peer, "apply-configuration", "POST", f"{BASE}/apply-configuration", {}, done)
    await ask("apply-configuration: nothing", "POST", f"{BASE}/apply-configuration", {})
    await ask("drift: one station", "GET", f"{BASE}/configuration/drift")
    await ask("drift: all", "GET", f"{V1}/configuration/drift?state=pending-reboot")
    await ask("compare", "GET", f"{BASE}/configuration/compare?with=REC-201")
    await ask("compare: unknown", "GET", f"{BASE}/configuration/compare?with=NOBODY")
    await ask("desired value: delete", "DELETE", one)
    body = {"name": "Meters", "dialect": "2.x", "values": {"SampledDataCtrlr.TxUpdatedInterval": "60"}}
    made = await ask("template: create", "POST", templates, body)
    await ask("template: same name", "POST", templates, body)
    one = f"{templates}/{made['id']}"
    await ask("template: change", "PATCH", one, {"reapplies": True})
    await ask("template: get", "GET", one)
    await ask("templates: list", "GET", templates)
    target = await ask("assignment: create", "POST", f"{one}/assignments", {"clientId": "REC-NEW"})
    await ask("assignment: two targets", "POST", f"{one}/assignments", {"siteId": 1, "model": "M"})
    await ask("assignments: list", "GET", f"{one}/assignments")
    await ask("assignment: get", "GET", f"{one}/assignments/{target['id']}")
    await ask("drift: by a template", "GET", f"{BASE}/configuration/drift")
    await ask("assignment: delete", "DELETE", f"{one}/assignments/{target['id']}")
    await ask("template: delete", "DELETE", one)
