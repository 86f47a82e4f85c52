"""Features of all lists, and the commands of all stations."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.api.recorded.playing import VIEWER, Player

V1 = "/api/v1"


async def play(player: Player) -> None:
    await commands(player)
    await tags(player)
    await chosen(player)
    await deleted(player)


async def commands(player: Player) -> None:
    ask = player.ask
    listed = await ask(
        "all commands: list", "GET", f"{V1}/commands?clientId=REC-16&action=ClearCache&limit=1"
    )
    one = f"{V1}/commands/{listed['commands'][0]['requestId']}"
    await ask("all commands: get by the id alone", "GET", f"{one}?wait=1", key=VIEWER)
    await ask("all commands: bad wait", "GET", f"{one}?wait=soon", key=VIEWER)
    await ask("all commands: unknown", "GET", f"{V1}/commands/nothing?wait=1")
    await ask("all commands: unfinished ones", "GET", f"{V1}/commands?isFinished=false&state=accepted")


async def tags(player: Player) -> None:
    ask, station = player.ask, f"{V1}/chargepoints/REC-16"
    await ask("tags: change", "PATCH", station, {"tags": ["Fast", "north", "fast"]})
    await ask("tags: bad one", "PATCH", station, {"tags": ["a,b"]})
    await ask("tags: stations with one", "GET", f"{V1}/chargepoints?tag=FAST")
    await ask(
        "tags: a campaign for one",
        "POST",
        f"{V1}/campaigns",
        {
            "name": "Restart the fast ones",
            "kind": "command",
            "arguments": {"command": "reset", "fields": {}},
            "stations": {"tag": "fast"},
            "deadlineAt": "2099-01-01T00:00:00.000Z",
        },
    )


async def chosen(player: Player) -> None:
    ask, stations = player.ask, f"{V1}/chargepoints"
    await ask("rows: fields", "GET", f"{stations}?fields=clientId,tags&limit=2&ordering=clientId")
    await ask("rows: unknown field", "GET", f"{stations}?fields=password")
    await ask("rows: expand", "GET", f"{V1}/firmware-updates?fields=id&expand=chargePoint,command&limit=1")
    await ask("rows: unknown expansion", "GET", f"{stations}?expand=owner")
    await ask("rows: fields of one", "GET", f"{stations}/REC-16?fields=clientId,siteId&expand=site")


async def deleted(player: Player) -> None:
    ask, notes = player.ask, f"{V1}/chargepoints/REC-16/notes"
    note = await ask("deletions: a note", "POST", notes, {"text": "For a moment"})
    await ask("deletions: delete it", "DELETE", f"{notes}/{note['id']}")
    today = datetime.now(UTC).date().isoformat()
    await ask("deletions: list", "GET", f"{notes}?deleted_from={today}T00:00:00Z")
    await ask("deletions: with a filter", "GET", f"{notes}?deleted_from={today}T00:00:00Z&author=me")
    await ask("deletions: too long ago", "GET", f"{notes}?deleted_from=2020-01-01", only_status=True)
