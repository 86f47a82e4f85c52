"""The export and the erasure of a person, and the audit log."""

from __future__ import annotations

from tests.api.recorded.playing import OPERATOR, Player
from tests.api.recorded.seed import AUDIT_ENTRY

V1 = "/api/v1"


async def play(player: Player) -> None:
    ask = player.ask
    zoe = await ask("person: create", "POST", f"{V1}/users", {"name": "Zoe", "email": "zoe@example.com"})
    path = f"{V1}/users/{zoe['id']}"
    await ask("person: token", "POST", f"{V1}/tokens", {"uid": "ZOE-CARD", "user_id": zoe["id"]})
    await ask("person: export", "GET", f"{path}/export")
    await ask("person: export by an operator", "GET", f"{path}/export", key=OPERATOR)
    await ask("person: export of an unknown one", "GET", f"{V1}/users/999999/export")
    await ask("person: erase with a field", "POST", f"{path}/erase", {"force": True})
    await ask("person: erase", "POST", f"{path}/erase", {})
    await ask("person: erase twice", "POST", f"{path}/erase", {})
    log = f"{V1}/audit-log"
    await ask("audit log: by action", "GET", f"{log}?actor=ann&action=eraseUser")
    await ask("audit log: entry", "GET", f"{log}/{AUDIT_ENTRY}")
    await ask("audit log: unknown entry", "GET", f"{log}/999999999")
    await ask("audit log: unknown filter", "GET", f"{log}?path=/")
    await ask("audit log: by an operator", "GET", log, key=OPERATOR)
