"""Webhooks: the settings, tests, replays and the log. Their receiver does not exist."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

from tests.api.recorded.playing import OPERATOR, Player

V1 = "/api/v1"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
URL = "https://receiver.invalid/hook"


async def play(player: Player) -> None:
    ask, path = player.ask, f"{V1}/webhooks"
    before = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    token = await ask("webhooks: a token", "POST", f"{V1}/tokens", {"uid": "HOOKED01", "type": "RFID"})
    await ask("webhooks: its event", "PATCH", f"{V1}/tokens/{token['id']}", {"status": "blocked"})
    await wait_for_the_event(player, token["id"])
    body = {
        "name": "Billing",
        "url": URL,
        "secret": SECRET,
        "types": ["token.blocked"],
        "headers": {"Authorization": "Bearer recorded"},
    }
    made = await ask("webhooks: add", "POST", path, body)
    await ask("webhooks: add again", "POST", path, body)
    await ask("webhooks: unknown type", "POST", path, {**body, "types": ["meter.taken"]})
    await ask("webhooks: a private address", "POST", path, {**body, "url": "https://169.254.169.254/"})
    await ask("webhooks: a header of ours", "POST", path, {**body, "headers": {"Webhook-Id": "1"}})
    await ask("webhooks: unknown station", "POST", path, {**body, "station": "NOWHERE"})
    await ask("webhooks: a short secret", "POST", path, {**body, "name": "B", "secret": "whsec_YQ=="})
    await ask("webhooks: by an operator", "POST", path, body, key=OPERATOR)
    await ask("webhooks: list as an operator", "GET", path, key=OPERATOR)
    await ask("webhooks: list", "GET", f"{path}?state=active&search=billing")
    one = f"{path}/{made['id']}"
    await ask("webhooks: get", "GET", one)
    await ask("webhooks: change", "PATCH", one, {"timeoutS": 20, "contactEmail": "ann@example.com"})
    await ask("webhooks: rotate the secret", "POST", f"{one}/rotate-secret", {"overlapHours": 1})
    await ask("webhooks: test", "POST", f"{one}/test", {})
    await ask("webhooks: replay", "POST", f"{one}/replay", {"after": before})
    await wait_for_an_attempt(player, one)
    await ask("webhooks: pause", "POST", f"{one}/pause", {})
    await ask("webhooks: pause again", "POST", f"{one}/pause", {})
    await ask("webhooks: replay while paused", "POST", f"{one}/replay", {"after": before})
    await ask("webhooks: enable from now", "POST", f"{one}/enable", {"start": "now"})
    await deliveries(player, one)
    await ask("webhooks: delete", "DELETE", one, only_status=True)


async def deliveries(player: Player, one: str) -> None:
    ask, path = player.ask, f"{one}/deliveries"
    listed = await ask("webhooks: deliveries", "GET", f"{path}?state=failed")
    delivery = f"{path}/{listed['deliveries'][0]['id']}"
    await ask("webhooks: a delivery", "GET", delivery)
    await ask("webhooks: retry", "POST", f"{delivery}/retry", {})
    await ask("webhooks: retry a pending one", "POST", f"{delivery}/retry", {})


async def wait_for_the_event(player: Player, token: int) -> None:
    """A new webhook begins after the events that have numbers."""
    deadline, path = time.monotonic() + 30, f"{V1}/events?types=token.blocked&limit=500"
    while token not in [
        event["data"]["token_id"] for event in (await player.quiet("GET", path))["data"]["events"]
    ]:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)  # poll: the server numbers it


async def wait_for_an_attempt(player: Player, one: str) -> None:
    deadline = time.monotonic() + 30
    while not (await player.quiet("GET", one))["data"]["lastError"]:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)  # poll: the server sends
