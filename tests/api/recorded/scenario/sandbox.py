"""Virtual stations: created, plugged, tapped, unplugged, deleted; and a test key."""

from __future__ import annotations

from tests.api.recorded.playing import VIEWER, Player

STATIONS = "/api/v1/sandbox/stations"


async def play(player: Player) -> None:
    ask = player.ask
    key = (
        await ask(
            "test key: create",
            "POST",
            "/api/v1/api-keys",
            {"name": "CI", "role": "operator", "is_test": True},
        )
    )["key"]
    # So slow that its energy stays 0.
    body = {"clientId": "TEST-REC", "ocppVersion": "2.0.1", "speed": 1, "powerW": 1000}
    await ask("virtual station: create", "POST", STATIONS, body, key=key)
    path = f"{STATIONS}/TEST-REC"
    await ask("virtual station: exists", "POST", STATIONS, {"clientId": "test-rec"}, key=key)
    await ask("virtual station: bad identity", "POST", STATIONS, {"clientId": "CP-7"}, key=key)
    await ask("virtual station: by a viewer", "POST", STATIONS, {}, key=VIEWER)
    await ask("virtual station: plug", "POST", f"{path}/plug", {"connectorId": 1}, key=key)
    await ask("virtual station: plug again", "POST", f"{path}/plug", {}, key=key)
    await ask(
        "virtual station: plug a connector that is none", "POST", f"{path}/plug", {"connectorId": 4}, key=key
    )
    await ask("virtual station: tap", "POST", f"{path}/tap", {"token": "TEST-CARD-1"}, key=key)
    await ask("virtual station: tap another token", "POST", f"{path}/tap", {"token": "CARD-2"}, key=key)
    failing = {"action": "Reset", "answer": "NoAnswer"}
    await ask("virtual station: fail next", "POST", f"{path}/fail-next", failing, key=key)
    await ask("virtual station: get", "GET", path, key=VIEWER)
    await ask("virtual stations: list", "GET", f"{STATIONS}?ocppVersion=2.0.1&search=rec", key=key)
    await ask("virtual station: unplug", "POST", f"{path}/unplug", {}, key=key)
    await ask("virtual station: unplug again", "POST", f"{path}/unplug", {}, key=key)
    await ask("virtual station: delete", "DELETE", path, key=key)
    await ask("virtual station: unknown", "GET", path, key=key)
