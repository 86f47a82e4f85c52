"""Recipients of alert notices, and the log of notices."""

from __future__ import annotations

from tests.api.recorded.playing import OPERATOR, VIEWER, Player

RECIPIENTS, NOTICES = "/api/v1/alert-recipients", "/api/v1/alert-notices"


async def play(player: Player) -> None:
    ask = player.ask
    body = {
        "name": "Night watch",
        "address": "night@example.com",
        "minSeverity": "critical",
        "timezone": "Europe/Vienna",
        "quietHours": [{"days": "mon-fri", "from": "06:00", "to": "22:00"}],
    }
    made = await ask("alert recipient: create", "POST", RECIPIENTS, body)
    one = f"{RECIPIENTS}/{made['id']}"
    await ask("alert recipient: create again", "POST", RECIPIENTS, body)
    await ask("alert recipient: bad quiet hours", "POST", RECIPIENTS, {**body, "quietHours": [{}]})
    await ask("alert recipient: by an operator", "POST", RECIPIENTS, body, key=OPERATOR)
    await ask("alert recipients: list", "GET", f"{RECIPIENTS}?search=night", key=VIEWER)
    await ask("alert recipient: get", "GET", one)
    await ask("alert recipient: change", "PATCH", one, {"digest": "hourly"})
    await ask("alert recipient: test", "POST", f"{one}/test")
    await ask("alert recipient: test of a disabled one", "POST", f"{RECIPIENTS}/1/test")
    await ask("alert recipient: delete", "DELETE", one)
    await ask("alert recipient: unknown", "GET", one)
    await ask("alert notices: list", "GET", f"{NOTICES}?recipientId=1", key=VIEWER)
    await ask("alert notices: bad filter", "GET", f"{NOTICES}?state=lost")
    await ask("alert notice: get", "GET", f"{NOTICES}/1")
    await ask("alert notice: unknown", "GET", f"{NOTICES}/999999")
