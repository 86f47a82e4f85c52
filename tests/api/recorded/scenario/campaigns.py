"""Campaigns, with a station that is offline."""

from __future__ import annotations

from typing import Any

from tests.api.recorded.playing import OPERATOR, VIEWER, Player

CAMPAIGNS = "/api/v1/campaigns"
UNTIL = "2099-01-01T00:00:00.000Z"
NEW: dict[str, Any] = {
    "name": "Restart",
    "kind": "command",
    "arguments": {"command": "reset", "fields": {"type": "Soft"}},
    "stations": {"clientIds": ["GARAGE 1"]},
    "deadlineAt": UNTIL,
}


async def play(player: Player) -> None:
    ask = player.ask
    made = await ask("campaign: create", "POST", CAMPAIGNS, NEW, key=OPERATOR)
    one = f"{CAMPAIGNS}/{made['id']}"
    await ask("campaign: bad fields", "POST", CAMPAIGNS, NEW | {"name": "", "atOnce": 0})
    await ask("campaign: bad command", "POST", CAMPAIGNS, NEW | {"arguments": {"command": "unlock"}})
    await ask("campaign: unknown station", "POST", CAMPAIGNS, NEW | {"stations": {"clientIds": ["NOBODY"]}})
    await ask("campaign: by a viewer", "POST", CAMPAIGNS, NEW, key=VIEWER)
    await ask("campaigns: list", "GET", f"{CAMPAIGNS}?state=running&kind=command", key=VIEWER)
    await ask("campaign: get", "GET", one)
    await ask("campaign: unknown", "GET", f"{CAMPAIGNS}/999999")
    await ask("campaign: stations", "GET", f"{one}/stations?state=waiting")
    await ask("campaign: pause", "POST", f"{one}/pause")
    await ask("campaign: pause again", "POST", f"{one}/pause")
    await ask("campaign: resume", "POST", f"{one}/resume")
    await ask("campaign: change", "PATCH", one, {"name": "Restart slowly", "atOnce": 5})
    await ask("campaign: delete a running one", "DELETE", one)
    await ask("campaign: cancel", "POST", f"{one}/cancel")
    await ask("campaign: change a cancelled one", "PATCH", one, {"atOnce": 1})
    await ask("campaign: retry a cancelled one", "POST", f"{one}/retry-failed")
    await ask("campaign: delete", "DELETE", one)
    skipping = await ask(
        "campaign: that skips offline stations", "POST", CAMPAIGNS, NEW | {"offline": "skip"}
    )
    two = f"{CAMPAIGNS}/{skipping['id']}"
    await player.until(two, lambda data: data["state"] == "finished")
    await ask("campaign: its offline station", "GET", f"{two}/stations")
    await ask("campaign: retry failed", "POST", f"{two}/retry-failed", {"deadlineAt": UNTIL})
