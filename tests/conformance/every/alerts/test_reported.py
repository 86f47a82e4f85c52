"""Alarms of a station's monitors, and unknown tokens at one station, open alerts in a running server."""

from __future__ import annotations

from typing import Any

from tests.conformance.peer import V16, V21, Peer, at, eventually, station
from tests.servers import LiveServer

HOT = {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "Temperature"}}


def found(quick: LiveServer, code: str, peer: Peer, state: str = "open") -> list[Any]:
    path = f"/api/v1/alerts?code={code}&state={state}&station={peer.identity}"
    status, answer = quick.request("GET", path)
    assert status == 200, answer
    alerts: list[Any] = answer["data"]["alerts"]
    return alerts


async def test_an_alarm_of_a_monitor_and_its_end(quick: LiveServer) -> None:
    async with station(quick, V21) as peer:

        async def notify(number: int, value: str, **more: Any) -> None:
            event = {**HOT, "eventId": number, "timestamp": at(), "trigger": "Alerting", "actualValue": value}
            event |= {"eventNotificationType": "CustomMonitor", "variableMonitoringId": 3, "severity": 1}
            await peer.call("NotifyEvent", {"generatedAt": at(), "seqNo": 0, "eventData": [event | more]})

        await notify(1, "91.5", techInfo="Fan 2")
        (alert,) = await eventually(lambda: found(quick, "temperature", peer))
        await notify(2, "60", cleared=True)
        (ended,) = await eventually(lambda: found(quick, "temperature", peer, "resolved"))

    assert alert["title"] == f"EVSE(1).Temperature of {peer.identity} is 91.5"
    assert alert["detail"] == "Severity 1, hardware failure. Value 91.5.\nThe station says: Fan 2"
    assert (ended["id"], ended["resolution"]) == (alert["id"], "recovered")


async def test_tokens_that_are_tried_out(quick: LiveServer) -> None:
    async with station(quick, V16) as peer:
        for number in range(10):
            await peer.call("Authorize", {"idTag": f"GUESS{number}"})
        (alert,) = await eventually(lambda: found(quick, "token_guessing", peer))

    assert alert["title"] == f"10 different unknown tokens at {peer.identity} in 10 minutes"
    assert "GUESS" not in str(alert)
