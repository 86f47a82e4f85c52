"""Sessions of a station that is offline: lists, readings, ending, settling and exports."""

from __future__ import annotations

from tests.api.recorded.playing import OPERATOR, VIEWER, Player

LIST = "/api/v1/transactions"
WHY = {"reason": "The vehicle has left."}


async def play(player: Player) -> None:
    await reading(player)
    await remote_control(player)
    await refused(player)
    await settling(player)


async def reading(player: Player) -> None:
    ask = player.ask
    await ask("sessions: list", "GET", LIST, key=VIEWER)
    await ask("sessions: filter", "GET", f"{LIST}?status=ended&suspect=true&limit=2&clientId=GARAGE%201")
    await ask("sessions: bad filter", "GET", f"{LIST}?status=done&from=noon")
    await ask("sessions: bad cursor", "GET", f"{LIST}?cursor=x")
    await ask("session: get", "GET", f"{LIST}/1000")
    await ask("session: get a suspect one", "GET", f"{LIST}/1001")
    await ask("session: unknown", "GET", f"{LIST}/4711")
    await ask("session: bad number", "GET", f"{LIST}/first")
    await ask("readings: list", "GET", f"{LIST}/1000/meter-values")
    await ask(
        "readings: page", "GET", f"{LIST}/1000/meter-values?limit=1&measurand=Energy.Active.Import.Register"
    )
    await ask("readings: unknown session", "GET", f"{LIST}/4711/meter-values")
    month = f"{LIST}/monthly-energy"
    await ask("energy of a month: not summed yet", "GET", f"{month}?month=2026-05", key=VIEWER)
    await ask("energy of a month: no month", "GET", f"{month}?month=May")
    await ask("export: sessions as CSV", "GET", f"{LIST}/export?to=2026-05-05T00:00:00Z")
    await ask("export: sessions as JSON", "GET", f"{LIST}/export?format=json&to=2026-05-05T00:00:00Z")
    await ask("export: sessions as XLSX", "GET", f"{LIST}/export?format=xlsx")
    await ask("export: sessions as PDF", "GET", f"{LIST}/export?format=pdf")


async def remote_control(player: Player) -> None:
    ask = player.ask
    start, stop = f"{LIST}/remote-start", f"{LIST}/remote-stop"
    wanted = {"clientId": "GARAGE 1", "idTag": "SOMEBODY", "connectorId": 1}
    await ask("remote start: offline", "POST", start, wanted)
    await ask("remote start: offline, without waiting", "POST", f"{start}?wait=false", wanted)
    await ask("remote start: unknown station", "POST", start, {**wanted, "clientId": "NOBODY"})
    await ask("remote start: bad fields", "POST", start, {"clientId": "GARAGE 1", "connectorId": 0})
    await ask("remote start: by a viewer", "POST", start, wanted, key=VIEWER)
    await ask("remote stop: offline", "POST", stop, {"transactionId": 1000})
    await ask(
        "remote stop: offline, without waiting", "POST", f"{stop}?wait=false", {"transactionId": "1000"}
    )
    await ask("remote stop: unknown", "POST", stop, {"transactionId": 4711})
    await ask("remote stop: unknown there", "POST", stop, {"transactionId": 4711, "clientId": "GARAGE 1"})
    await ask("remote stop: has ended", "POST", stop, {"transactionId": 1001})
    await ask("remote stop: no reference", "POST", stop, {"transactionId": None})


async def refused(player: Player) -> None:
    path = "/api/v1/refused-tokens"
    await player.ask("refused tokens: of Plug & Charge", "GET", f"{path}?purpose=contract", key=VIEWER)
    await player.ask("refused tokens: get", "GET", f"{path}/1", key=VIEWER)


async def settling(player: Player) -> None:
    ask = player.ask
    await ask("end: without a reason", "POST", f"{LIST}/1000/end", {})
    await ask("end: unknown", "POST", f"{LIST}/4711/end", WHY)
    await ask("end: a session", "POST", f"{LIST}/1000/end", WHY, key=OPERATOR)
    await ask("end: again", "POST", f"{LIST}/1000/end", WHY)
    await ask("settle: ignore", "POST", f"{LIST}/1001/settle", {**WHY, "fix": "ignore"})
    await ask("settle: not suspect", "POST", f"{LIST}/1004/settle", {**WHY, "fix": "ignore"})
    await ask("settle: has ended already", "POST", f"{LIST}/1002/settle", {**WHY, "fix": "close"})
    await ask("settle: unknown", "POST", f"{LIST}/4711/settle", {**WHY, "fix": "ignore"})
    await ask("settle: bad fields", "POST", f"{LIST}/1002/settle", {"fix": "magic", "energyWh": -1})
    path, fix = f"{LIST}/1002/settle", {**WHY, "fix": "correct-energy", "energyWh": 1500}
    await ask("settle: energy by an operator", "POST", path, fix, key=OPERATOR)
    await ask("settle: energy by an administrator", "POST", path, fix)
    path, fix = f"{LIST}/1003/settle", {**WHY, "fix": "merge", "into": 1003}
    await ask("settle: merge with itself", "POST", path, fix)
    await ask("settle: merge with an unknown one", "POST", path, {**fix, "into": 4711})
    await ask("settle: merge", "POST", path, {**fix, "into": 1004})
    path, many = f"{LIST}/settle", {**WHY, "transactionIds": [1003, 4711], "fix": "ignore"}
    await ask("settle several: one fails", "POST", path, many)
    await ask("settle several: bad fields", "POST", path, {**WHY, "transactionIds": [], "fix": "merge"})
