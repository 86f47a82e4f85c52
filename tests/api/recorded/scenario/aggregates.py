"""Aggregates and maintenance windows."""

from __future__ import annotations

from tests.api.recorded.playing import OPERATOR, VIEWER, Player

V1 = "/api/v1"
GARAGE = "clientId=GARAGE%201"


async def play(player: Player) -> None:
    await windows(player)
    await figures(player)


async def figures(player: Player) -> None:
    ask = player.ask
    days = "from=2026-01-05&to=2026-01-06"
    for kind, filter in (
        ("sites", "siteId=1"),
        ("stations", GARAGE),
        ("connectors", GARAGE),
        ("contracts", ""),
    ):
        await ask(f"aggregates: {kind}", "GET", f"{V1}/aggregates/{kind}?{days}&{filter}&limit=1", key=VIEWER)
    await ask("aggregates: months", "GET", f"{V1}/aggregates/stations?{days}&unit=month&{GARAGE}")
    await ask("aggregates: bad period", "GET", f"{V1}/aggregates/stations?from=2026-01-05&to=2026-01-04")
    await ask("uptime: list", "GET", f"{V1}/aggregates/uptime?{GARAGE}&month=2025-12", key=VIEWER)
    made = await ask("outages: list", "GET", f"{V1}/outages?{GARAGE}&cause=faulted", key=VIEWER)
    await ask("outage: get", "GET", f"{V1}/outages/{made['outages'][0]['id']}")
    await ask("outage: unknown", "GET", f"{V1}/outages/999999")


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
