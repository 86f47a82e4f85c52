"""Aggregates and maintenance windows."""

from __future__ import annotations

from tests.api.recorded.playing import OPERATOR, VIEWER, Player

V1 = "/api/v1"


async def play(player: Player) -> None:
    await windows(player)


async def windows(player: Player) -> None:
    ask, path = player.ask, f"{V1}/maintenance-windows"
    body = {"clientId": "GARAGE 1", "from": "2026-01-05T08:00:00Z", "until": "2026-01-05T10:00:00Z"}
    made = await ask("maintenance window: create", "POST", path, body, key=OPERATOR)
    await ask("maintenance window: bad fields", "POST", path, {**body, "until": body["from"]})
    await ask("maintenance window: by a viewer", "POST", path, body, key=VIEWER)
    await ask("maintenance windows: list", "GET", f"{path}?clientId=GARAGE%201", key=VIEWER)
    one = f"{path}/{made['id']}"
    await ask("maintenance window: get", "GET", one)
    await ask("maintenance window: unknown", "GET", f"{path}/999999")
    await ask("maintenance window: change", "PATCH", one, {"note": "New cable"})
    await ask("maintenance window: outdated", "PATCH", one, {"note": "x"}, If_Match='"old"')
    await ask("maintenance window: delete", "DELETE", one)
