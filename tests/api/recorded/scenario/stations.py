"""Stations that are offline, sites, access rules and stored configuration."""

from __future__ import annotations

from tests.api.recorded.playing import OPERATOR, VIEWER, Player

V1 = "/api/v1"
GARAGE = f"{V1}/chargepoints/GARAGE%201"
HISTORY = "11111111-2222-3333-4444-555555555555"


async def play(player: Player) -> None:
    await sites(player)
    await stations(player)
    await notes(player)
    await logs(player)
    await access_rules(player)
    await configuration(player)
    await offline_commands(player)
    await authorize(player)
    await deletions(player)


async def sites(player: Player) -> None:
    ask = player.ask
    depot = {"name": "Depot", "address": "Ring 1", "postalCode": "1010", "city": "Wien", "country": "AUT"}
    await ask("site: create", "POST", f"{V1}/sites", depot)
    await ask("site: create another", "POST", f"{V1}/sites", {"name": "Yard"})
    await ask("site: same name", "POST", f"{V1}/sites", {"name": "DEPOT"})
    await ask("site: bad fields", "POST", f"{V1}/sites", {"name": " ", "country": "Austria"})
    await ask("sites: list", "GET", f"{V1}/sites")
    await ask("sites: filter", "GET", f"{V1}/sites?city=Wien&ordering=-name")
    await ask("site: get", "GET", f"{V1}/sites/1")
    await ask("site: bad number", "GET", f"{V1}/sites/depot")
    await ask("site: unknown", "GET", f"{V1}/sites/999999")
    await ask("site: change", "PATCH", f"{V1}/sites/1", {"city": "Graz"})
    await ask("site: outdated", "PATCH", f"{V1}/sites/1", {"city": "Linz"}, If_Match='"old"')
    await ask("site: by a viewer", "PATCH", f"{V1}/sites/1", {"city": "Linz"}, key=VIEWER)


async def stations(player: Player) -> None:
    ask = player.ask
    path = f"{V1}/chargepoints"
    new = {
        "clientId": "NEW 1",
        "name": "New one",
        "siteId": 1,
        "password": "0123456789abcdef0123",
        "securityProfile": 1,
        "registrationStatus": "Pending",
        "validation": "strict",
        "unknownTokens": "accept",
        "assumedTimezone": "Europe/Vienna",
    }
    await ask("station: create", "POST", path, new)
    await ask("station: same identity", "POST", path, {"clientId": "new 1"})
    await ask("station: bad fields", "POST", path, {"clientId": " X", "securityProfile": 9})
    await ask("station: unusable identity", "POST", path, {"clientId": " X"})
    await ask("station: unknown site", "POST", path, {"clientId": "X", "siteId": 999999})
    await ask("station: short password", "POST", path, {"clientId": "X", "password": "short"})
    await ask("station: bad time zone", "POST", path, {"clientId": "X", "assumedTimezone": "Vienna"})
    await ask("station: profile without password", "POST", path, {"clientId": "X", "securityProfile": 1})
    await ask("station: by a viewer", "POST", path, {"clientId": "X"}, key=VIEWER)
    await ask("stations: list", "GET", path, key=VIEWER)
    await ask("stations: filter", "GET", f"{path}?isOnline=false&vendor=Acme&ordering=-clientId")
    await ask("stations: bad filter", "GET", f"{path}?ocppVersion=3.0")
    await ask("station: get", "GET", GARAGE)
    await ask("station: get in another case", "GET", f"{path}/garage%201")
    await ask("station: unknown", "GET", f"{path}/NOBODY")
    await ask("station: change", "PATCH", f"{path}/NEW%201", {"name": "Renamed", "siteId": None})
    await ask("station: bad change", "PATCH", f"{path}/NEW%201", {"registrationStatus": "Maybe"})
    await ask("station: profile with TLS", "PATCH", f"{path}/NEW%201", {"securityProfile": 3})
    await ask("station: status", "GET", f"{GARAGE}/status")
    await ask("station: status unknown", "GET", f"{path}/NOBODY/status")
    await ask("station: connectors", "GET", f"{GARAGE}/connectors")
    await ask("station: connector", "GET", f"{GARAGE}/connectors/1")
    await ask("station: unknown connector", "GET", f"{GARAGE}/connectors/9")
    await ask("station: bad connector", "GET", f"{GARAGE}/connectors/left")


async def notes(player: Player) -> None:
    ask = player.ask
    path = f"{GARAGE}/notes"
    made = await ask("note: create", "POST", path, {"text": "The lock sticks."}, key=OPERATOR)
    one = f"{path}/{made['id']}"
    await ask("note: bad fields", "POST", path, {"text": " "})
    await ask("note: by a viewer", "POST", path, {"text": "x"}, key=VIEWER)
    await ask("notes: list", "GET", f"{path}?search=lock", key=VIEWER)
    await ask("note: get", "GET", one)
    await ask("note: unknown", "GET", f"{path}/999999")
    await ask("note: change", "PATCH", one, {"text": "The lock is new."})
    await ask("note: outdated", "PATCH", one, {"text": "x"}, If_Match='"old"')
    await ask("note: delete", "DELETE", one)


async def logs(player: Player) -> None:
    ask = player.ask
    await ask("commands: list", "GET", f"{GARAGE}/commands")
    await ask("commands: filter", "GET", f"{GARAGE}/commands?state=accepted&actor=somebody")
    await ask("commands: bad filter", "GET", f"{GARAGE}/commands?state=lost")
    await ask("command: get", "GET", f"{GARAGE}/commands/{HISTORY}")
    await ask("command: unknown", "GET", f"{GARAGE}/commands/nothing")
    await ask("messages: list", "GET", f"{GARAGE}/messages")
    await ask("messages: filter", "GET", f"{GARAGE}/messages?direction=out&limit=1")
    await ask("messages: bad cursor", "GET", f"{GARAGE}/messages?cursor=x")


async def access_rules(player: Player) -> None:
    ask = player.ask
    path = f"{V1}/access-rules"
    card = (await player.quiet("GET", f"{V1}/tokens/by-uid/ALICE-CARD"))["data"]["id"]
    rule = {"token_id": card, "charge_point_id": "GARAGE 1", "effect": "refuse", "note": "Not here"}
    made = await ask("rule: create", "POST", path, rule)
    await ask(
        "rule: create for a group", "POST", path, {"group_id": "FAMILY", "site_id": 2, "effect": "refuse"}
    )
    await ask("rule: the same", "POST", path, rule)
    await ask("rule: without a subject", "POST", path, {"site_id": 1})
    await ask("rule: unknown station", "POST", path, {"token_id": card, "charge_point_id": "NOBODY"})
    await ask("rule: bad fields", "POST", path, {"token_id": "x", "effect": "maybe"})
    await ask("rules: list", "GET", path)
    await ask("rules: filter", "GET", f"{path}?effect=refuse&charge_point_id=GARAGE%201")
    await ask("rule: get", "GET", f"{path}/{made['id']}")
    await ask("rule: unknown", "GET", f"{path}/999999")
    await ask("rule: bad number", "GET", f"{path}/first")
    await ask("rule: change", "PATCH", f"{path}/{made['id']}", {"note": "Never here"})
    await ask("rule: outdated", "PATCH", f"{path}/{made['id']}", {"note": "x"}, If_Match='"old"')
    await ask("rule: change the subject", "PATCH", f"{path}/{made['id']}", {"token_id": 1})


async def configuration(player: Player) -> None:
    ask = player.ask
    path = f"{GARAGE}/configuration"
    await ask("stored keys: change", "PUT", path, {"key": "HeartbeatInterval", "value": "300"})
    await ask("stored keys: bad fields", "PUT", path, {"key": "K" * 51})
    await ask("stored keys: get", "GET", path)
    await ask("stored keys: get some", "GET", f"{path}?keys=HeartbeatInterval,Nothing")
    await ask("stored keys: too many", "GET", f"{path}?keys={','.join(f'K{i}' for i in range(101))}")
    await ask("stored keys: unknown station", "GET", f"{V1}/chargepoints/NOBODY/configuration")
    await ask("stored keys: export", "GET", f"{path}/export")
    await ask("live keys: offline", "GET", f"{path}/live")
    await ask("live keys: by a viewer", "GET", f"{path}/live", key=VIEWER)
    await ask("live keys: change offline", "PUT", f"{path}/live", {"key": "A", "value": "1"})
    await ask("live keys: bad timeout", "GET", f"{path}/live?timeout=0")


async def offline_commands(player: Player) -> None:
    ask = player.ask
    bodies: dict[str, object] = {
        "commands": {"action": "Reset", "payload": {"type": "Soft"}},
        "trigger": {"requestedMessage": "Heartbeat"},
        "reset": {},
        "unlock": {"connectorId": 1},
        "availability": {"type": "Inoperative"},
        "clear-cache": {},
        "data-transfer": {"vendorId": "com.example"},
    }
    wrong: dict[str, object] = {
        "commands": {"payload": {}},
        "trigger": {},
        "reset": {"type": "Gentle"},
        "unlock": {"connectorId": 0},
        "availability": {"type": "Broken", "evse": 1},
        "clear-cache": {"timeout": 1000},
        "data-transfer": {},
    }
    for name, body in bodies.items():
        await ask(f"{name}: offline", "POST", f"{GARAGE}/{name}", body)
        await ask(f"{name}: offline, without waiting", "POST", f"{GARAGE}/{name}?wait=false", body)
        await ask(f"{name}: unknown station", "POST", f"{V1}/chargepoints/NOBODY/{name}", body)
        await ask(f"{name}: bad fields", "POST", f"{GARAGE}/{name}", wrong[name])
        await ask(f"{name}: by a viewer", "POST", f"{GARAGE}/{name}", body, key=VIEWER)
    await ask("reset: bad wait", "POST", f"{GARAGE}/reset?wait=maybe", {})
    await ask(
        "commands: field beside the payload", "POST", f"{GARAGE}/commands", {"action": "Reset", "type": 1}
    )
    await ask("trigger: unknown message", "POST", f"{GARAGE}/trigger", {"requestedMessage": "Everything"})
    await ask("trigger: never connected", "POST", f"{V1}/chargepoints/NEW%201/trigger", bodies["trigger"])


async def authorize(player: Player) -> None:
    ask = player.ask
    path = f"{V1}/authorize"
    await ask("authorize: a token", "POST", path, {"id_tag": "alice-card"})
    await ask(
        "authorize: refused here", "POST", path, {"id_tag": "ALICE-CARD", "charge_point_id": "GARAGE 1"}
    )
    await ask("authorize: identify", "POST", path, {"id_tag": "BLOCKED", "purpose": "identify"})
    await ask("authorize: an unknown token", "POST", path, {"id_tag": "NOBODY"})
    await ask("authorize: blank", "POST", path, {"id_tag": "  "})
    await ask("authorize: bad fields", "POST", path, {"purpose": "stop", "connector_id": 0})
    await ask("authorize: unknown station", "POST", path, {"id_tag": "X", "charge_point_id": "NOBODY"})


async def deletions(player: Player) -> None:
    """After everything that needs the rows."""
    ask = player.ask
    await ask("rule: delete", "DELETE", f"{V1}/access-rules/1")
    await ask("site: delete with access rules", "DELETE", f"{V1}/sites/2")
    await ask("station: move to a site", "PATCH", f"{V1}/chargepoints/NEW%201", {"siteId": 1})
    await ask("site: delete with stations", "DELETE", f"{V1}/sites/1")
    await ask("station: delete", "DELETE", f"{V1}/chargepoints/NEW%201")
    await ask("station: delete with sessions", "DELETE", GARAGE)
    await ask("site: delete", "DELETE", f"{V1}/sites/1")
