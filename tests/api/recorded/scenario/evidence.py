"""Refused connections, deviations, quarantined messages and unknown tokens, with an operator's actions."""

from __future__ import annotations

from tests.api.recorded.playing import OPERATOR, VIEWER, Player

V1 = "/api/v1"


async def play(player: Player) -> None:
    ask = player.ask
    path = f"{V1}/refused-connections"
    await ask("refused connections: list", "GET", f"{path}?canBeAccepted=true", key=VIEWER)
    await ask("refused connection: get", "GET", f"{path}/1", key=VIEWER)
    await ask("refused connection: unknown", "GET", f"{path}/999999")
    await ask("refused connection: accept as a viewer", "POST", f"{path}/1/accept", {}, key=VIEWER)
    await ask("refused connection: unknown site", "POST", f"{path}/1/accept", {"siteId": 999999})
    await ask("refused connection: accept", "POST", f"{path}/1/accept", {"name": "Yard"}, key=OPERATOR)
    await ask("refused connection: accept again", "POST", f"{path}/1/accept", {})
    await ask("refused connection: another reason", "POST", f"{path}/2/accept", {})

    path = f"{V1}/deviations"
    await ask(
        "deviations: of a station", "GET", f"{path}?clientId=garage%201&kind=unknown-action", key=VIEWER
    )
    await ask("deviation: get", "GET", f"{path}/1", key=VIEWER)

    path = f"{V1}/quarantine"
    await ask("quarantine: resolved", "GET", f"{path}?isResolved=true", key=VIEWER)
    await ask("quarantined message: get", "GET", f"{path}/1", key=VIEWER)
    await ask("quarantined message: resolve as a viewer", "POST", f"{path}/1/resolve", {}, key=VIEWER)
    await ask("quarantined message: resolve", "POST", f"{path}/1/resolve", {}, key=OPERATOR)

    path = f"{V1}/unknown-tokens"
    await ask("unknown tokens: list", "GET", f"{path}?is_ignored=false&search=04aabb", key=VIEWER)
    await ask("unknown token: get", "GET", f"{path}/1", key=VIEWER)
    await ask("unknown token: add as a viewer", "POST", f"{path}/1/add", {}, key=VIEWER)
    await ask("unknown token: unknown user", "POST", f"{path}/1/add", {"user_id": 999999})
    await ask("unknown token: add", "POST", f"{path}/1/add", {"name": "Bob"}, key=OPERATOR)
    await ask("unknown token: add again", "POST", f"{path}/1/add", {})
    await ask("unknown token: ignore", "POST", f"{path}/2/ignore", {}, key=OPERATOR)

    many = {"transactionIds": [1001, 4711], "reason": "Their stations are gone."}
    await ask("end several: have ended, or are unknown", "POST", f"{V1}/transactions/end", many)

    await ask("settlements: list", "GET", f"{V1}/settlements?transactionId=1001", key=VIEWER)
    await ask("settlement: get", "GET", f"{V1}/settlements/1", key=VIEWER)
