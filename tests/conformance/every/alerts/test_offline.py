"""A station whose socket ends opens an alert in a running server, and resolves it when it is back."""

from __future__ import annotations

from typing import Any

from tests.conformance.messages import status
from tests.conformance.peer import V16, eventually, station
from tests.servers import LiveServer


async def test_a_station_that_goes_offline_and_returns(quick: LiveServer) -> None:
    def ask(method: str, path: str, body: Any = None) -> Any:
        code, answer = quick.request(method, f"/api/v1/{path}", body)
        assert code == 200, answer
        return answer["data"]

    (rule,) = ask("GET", "alert-rules?code=offline")["alertRules"]
    ask("PATCH", f"alert-rules/{rule['id']}", {"forS": 0, "keepForS": 0})
    async with station(quick, V16) as peer:
        await peer.call("StatusNotification", status(1, "Available"))

    def found(state: str) -> Any:
        return ask("GET", f"alerts?code=offline&state={state}&station={peer.identity}")["alerts"]

    (alert,) = await eventually(lambda: found("open"))
    assert alert["key"] == f"offline:{peer.identity}"
    async with station(quick, V16, identity=peer.identity):
        (resolved,) = await eventually(lambda: found("resolved"))

    of_server = (resolved["id"], resolved["resolution"], resolved["resolvedBy"])
    assert of_server == (alert["id"], "recovered", "server")
    stream = f"events?types=alert.*&station={peer.identity}"
    events = await eventually(lambda: _two(ask("GET", stream)["events"]))
    assert [event["type"] for event in events] == ["alert.opened", "alert.resolved"]


def _two(events: list[Any]) -> list[Any]:
    return events if len(events) == 2 else []
