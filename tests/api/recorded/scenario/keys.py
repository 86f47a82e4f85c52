"""API keys: made, changed, rolled and revoked."""

from __future__ import annotations

from tests.api.recorded.playing import OPERATOR, VIEWER, Player

KEYS = "/api/v1/api-keys"
LATER = "2035-01-01T00:00:00Z"


async def play(player: Player) -> None:
    ask = player.ask
    body = {"name": "billing", "scopes": ["transactions:read"], "personal_data": False, "expires_at": LATER}
    made = await ask("key: create", "POST", KEYS, body)
    path = f"{KEYS}/{made['id']}"
    await ask("key: get", "GET", path)
    await ask("keys: list", "GET", f"{KEYS}?search=bill")
    await ask("keys: usable", "GET", f"{KEYS}?usable=true&search=bill")
    await ask("keys: by an operator", "GET", KEYS, key=OPERATOR)
    await ask("key: unknown scope", "POST", KEYS, {"name": "x", "scopes": ["everything"]})
    await ask("key: a viewer that writes", "POST", KEYS, {"name": "x", "scopes": ["tokens:write"]})
    await ask("key: unknown site", "POST", KEYS, {"name": "x", "sites": [999999]})
    await ask("key: hidden data and a higher role", "POST", KEYS, {
        "name": "x", "role": "operator", "personal_data": False,
    })  # fmt: skip
    await ask("key: within its scopes", "GET", "/api/v1/transactions?limit=1", key=made["key"])
    await ask("key: beyond its scopes", "GET", "/api/v1/tokens", key=made["key"])
    await ask("key: a search for personal data", "GET", "/api/v1/transactions?idTag=A", key=made["key"])
    await ask("key: change", "PATCH", path, {"name": "bills"})
    rolled = await ask("key: roll", "POST", f"{path}/roll", {"overlap": 60, "expires_at": LATER})
    await ask("key: requests", "GET", f"{KEYS}/{rolled['id']}/requests")
    await ask("key: revoke", "DELETE", path)
    await ask("key: change a revoked one", "PATCH", path, {"name": "x"})
    await ask("key: roll a revoked one", "POST", f"{path}/roll", {})
    await ask("key: unknown", "GET", f"{KEYS}/999999", key=VIEWER)
