"""Changes of the security profile of connected stations of both dialects."""

from __future__ import annotations

from typing import Any

from tests.api.recorded.playing import OPERATOR, VIEWER, Player
from tests.api.recorded.scenario.devices import ACCEPTED, V1
from tests.conformance.changing_profiles import PASSWORD, PRIORITY, report_slots
from tests.conformance.peer import V16, V201, Peer, station


async def play(player: Player) -> None:
    for identity in ("REC-SP16", "REC-SP201"):
        body = {"clientId": identity, "password": PASSWORD}
        await player.ask(f"{identity} with a password", "POST", f"{V1}/chargepoints", body)
    how: dict[str, Any] = {"password": PASSWORD}
    async with (
        station(player.server, V16, "REC-SP16", **how) as old,
        station(player.server, V201, "REC-SP201", **how) as new,
    ):
        await changes(player, old, new)


async def changes(player: Player, old: Peer, new: Peer) -> None:
    name = "upgrade-security-profile"
    body = {"targetProfile": 2, "force": True, "reason": "The proxy works."}
    path, address = f"{V1}/chargepoints/{old.identity}/{name}", {"csmsUrl": "wss://csms.example.com/ocpp"}
    await player.ask(f"{name}: by an operator", "POST", path, body, key=OPERATOR)
    await player.ask(f"{name}: no TLS", "POST", path, {"targetProfile": 2})
    await player.ask(f"{name}: no reason", "POST", path, {"targetProfile": 2, "force": True})
    await player.ask(f"{name}: bad fields", "POST", path, {"targetProfile": 4, "window": 1})
    await player.ask(f"{name}: the present one", "POST", path, body | {"targetProfile": 1})
    await player.command(old, f"1.6 {name}: rejected", "POST", path, body, {"status": "Rejected"})
    await player.command(old, f"1.6 {name}: accepted", "POST", path, body, ACCEPTED)
    await player.ask(f"{name}: another one meanwhile", "POST", path, body | {"targetProfile": 3})
    below = f"{V1}/chargepoints/{old.identity}/security-profile-changes"
    shown = await player.ask("security profile changes", "GET", f"{below}?state=awaited", key=VIEWER)
    key = shown["securityProfileChanges"][0]["id"]
    await player.ask("security profile change: get", "GET", f"{below}/{key}")
    await player.ask("security profile change: unknown", "GET", f"{below}/0")
    await player.ask("station with two profiles", "GET", f"{V1}/chargepoints/{old.identity}")

    path = f"{V1}/chargepoints/{new.identity}/{name}"
    await player.ask(f"{name}: slots not reported", "POST", path, body | address)
    await report_slots(new)
    await player.ask(f"{name}: the slot in use", "POST", path, body | address | {"slot": 1})
    await player.ask(f"{name}: no address", "POST", path, body)
    results = {"setVariableResult": [{**PRIORITY, "attributeStatus": "Accepted"}]}
    await player.command(
        new, f"2.0.1 {name}: accepted", "POST", path, body | address, ACCEPTED, results, ACCEPTED
    )
