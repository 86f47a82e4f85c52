"""The common rules: health, credentials, unknown addresses, methods, bodies and idempotency keys."""

from __future__ import annotations

from tests.api.recorded.playing import VIEWER, Player

V1 = "/api/v1"


async def play(player: Player) -> None:
    ask = player.ask
    await ask("health", "GET", "/health", key="")
    await ask("health: ready", "GET", "/health/ready", key=VIEWER)
    await ask("health: ready without a key", "GET", "/health/ready", key="")
    await ask("clients: none", "GET", "/clients", key=VIEWER)
    await ask("metrics", "GET", "/metrics", only_status=True)
    await ask("metrics without a key", "GET", "/metrics", key="")
    await ask("schema", "GET", "/api/schema/", only_status=True)
    await ask("docs", "GET", "/api/docs/", only_status=True)
    await ask("no key", "GET", f"{V1}/users", key="")
    await ask("wrong key", "GET", f"{V1}/users", key="ocs_wrong")
    await ask("other scheme", "GET", f"{V1}/users", key="", Authorization="Bearer x")
    await ask("unknown address", "GET", f"{V1}/nothing")
    await ask("unknown address of a station", "POST", f"{V1}/chargepoints/GARAGE%201/explode", {})
    await ask("another slash", "GET", f"{V1}/sites/", key=VIEWER)
    await ask("method of a list", "DELETE", f"{V1}/sites", only_status=False)
    await ask("method of a command", "GET", f"{V1}/chargepoints/GARAGE%201/reset")
    await ask("method: options", "OPTIONS", f"{V1}/sites")
    await ask("method of health", "POST", "/health", {})
    await ask("body: NUL", "POST", f"{V1}/sites", raw=b'{"name": "\\u0000"}')
    await ask("body: too deep", "POST", f"{V1}/sites", raw=b"[" * 2000 + b"]" * 2000)
    await ask("body: not UTF-8", "POST", f"{V1}/sites", raw=b'{"name": "\xff"}')
    await ask("body: too large", "POST", f"{V1}/sites", raw=b'{"name": "' + b"x" * 70_000 + b'"}')
    await ask("body: compressed", "POST", f"{V1}/sites", raw=b"{}", Content_Encoding="gzip")
    await ask("body: no content type", "POST", f"{V1}/sites", raw=b'{"name": "Untyped"}', Content_Type="")
    await idempotency(player)


async def idempotency(player: Player) -> None:
    ask = player.ask
    key = {"Idempotency_Key": "recorded-1"}
    await ask("idempotency: first", "POST", f"{V1}/sites", {"name": "Once"}, **key)
    await ask("idempotency: again", "POST", f"{V1}/sites", {"name": "Once"}, **key)
    await ask("idempotency: another body", "POST", f"{V1}/sites", {"name": "Twice"}, **key)
    await ask("idempotency: bad key", "POST", f"{V1}/sites", {"name": "X"}, Idempotency_Key="x" * 256)
