"""Alerts, their notes, and the rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.api.recorded.playing import OPERATOR, VIEWER, Player
from tests.api.recorded.seed import ALERT

V1 = "/api/v1"


async def play(player: Player) -> None:
    await alerts(player)
    await rules(player)


async def alerts(player: Player) -> None:
    ask, one = player.ask, f"{V1}/alerts/{ALERT}"
    await ask("alerts: list", "GET", f"{V1}/alerts?resolved=false&severity=warning", key=VIEWER)
    await ask("alerts: bad filter", "GET", f"{V1}/alerts?severity=bad", key=VIEWER)
    await ask("alerts: get", "GET", one, key=VIEWER)
    await ask(
        "alerts: statistics", "GET", f"{V1}/alerts/statistics?code=offline", key=VIEWER, only_status=True
    )
    await ask("alerts: unknown", "GET", f"{V1}/alerts/999999", key=VIEWER)
    await ask("alerts: by a viewer", "POST", f"{one}/acknowledge", {}, key=VIEWER)
    await ask("alerts: acknowledge", "POST", f"{one}/acknowledge", {"note": "On my way."}, key=OPERATOR)
    await ask("alerts: snooze in the past", "POST", f"{one}/snooze", {"until": "2020-01-01T00:00:00Z"})
    until = (datetime.now(UTC) + timedelta(minutes=5)).isoformat(timespec="seconds").replace("+00:00", "Z")
    await ask("alerts: snooze", "POST", f"{one}/snooze", {"until": until}, key=OPERATOR)
    await ask("alerts: assign", "POST", f"{one}/assign", {"assignee": None}, key=OPERATOR)
    await ask("alerts: assign to a stranger", "POST", f"{one}/assign", {"assignee": "nemo"}, key=OPERATOR)
    made = await ask("alerts: note", "POST", f"{one}/notes", {"text": "The fuse."}, key=OPERATOR)
    await ask("alerts: empty note", "POST", f"{one}/notes", {"text": " "}, key=OPERATOR)
    await ask("alerts: notes", "GET", f"{one}/notes", key=VIEWER)
    await ask("alerts: get a note", "GET", f"{one}/notes/{made['id']}", key=VIEWER)
    await ask("alerts: resolve", "POST", f"{one}/resolve", {"resolution": "fixed"}, key=OPERATOR)
    await ask("alerts: resolve again", "POST", f"{one}/resolve", {"resolution": "fixed"}, key=OPERATOR)


async def rules(player: Player) -> None:
    ask, path = player.ask, f"{V1}/alert-rules"
    listed = await ask("alert rules: list", "GET", f"{path}?code=fleet_offline", key=VIEWER)
    one = f"{path}/{listed['alertRules'][0]['id']}"
    await ask("alert rules: get", "GET", one, key=VIEWER)
    await ask("alert rules: change", "PATCH", one, {"parameters": {"stations": 5}, "forS": 60})
    await ask("alert rules: bad limit", "PATCH", one, {"parameters": {"stations": 1}})
    await ask("alert rules: by an operator", "PATCH", one, {"forS": 60}, key=OPERATOR)
    await ask("alert rules: reset", "POST", f"{one}/reset", {})
    await ask("alert rules: delete the one for all", "DELETE", one)
    body = {"code": "offline", "clientId": "GARAGE 1", "forS": 3600}
    made = await ask("alert rules: copy", "POST", path, body)
    await ask("alert rules: copy again", "POST", path, body)
    await ask("alert rules: copy for an unknown station", "POST", path, {**body, "clientId": "nope"})
    await ask("alert rules: copy without a place", "POST", path, {"code": "offline"})
    await ask("alert rules: delete", "DELETE", f"{path}/{made['id']}")
