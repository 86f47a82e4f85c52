"""Monitors of a station that a test answers for, and what REST shows of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from tests.conformance.peer import V21, Operator, Peer, at

POWER = {"component": {"name": "ChargingStation"}, "variable": {"name": "Power"}}
STATE = {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "AvailabilityState"}}


def monitor(peer: Peer, number: int, type: str = "Delta", **more: Any) -> dict[str, Any]:
    """A monitor as the station reports it."""
    kind = {"eventNotificationType": "CustomMonitor"} if peer.version == V21 else {}
    return {"id": number, "transaction": False, "value": 1, "type": type, "severity": 8, **kind, **more}


def part(peer: Peer, request_id: int, seq_no: int, *monitors: Any, more: bool = False) -> dict[str, Any]:
    """A part of a report; `monitors` are pairs of a variable and its monitors."""
    rows = [{**place, "variableMonitoring": list(found)} for place, found in monitors]
    listed = {"monitor": rows} if rows else {}
    return {"requestId": request_id, "generatedAt": at(), "seqNo": seq_no, "tbc": more, **listed}


async def sent(
    operator: Operator,
    peer: Peer,
    command: str,
    body: Mapping[str, Any],
    answer: Callable[[dict[str, Any]], dict[str, Any]] | dict[str, Any],
    *,
    calls: int = 1,
) -> tuple[list[list[Any]], int, dict[str, Any]]:
    """Send a declared command, and answer its CALLs. Returns the CALLs, the status and the answer."""
    path = f"/api/v1/chargepoints/{peer.identity}/{command}"
    asking = asyncio.create_task(operator.request("POST", path, dict(body)))
    received = []
    for _ in range(calls):
        call = await peer.next_call()
        received.append(call)
        await peer.answer(call, answer(call[3]) if callable(answer) else answer)
    status, shown = await asking
    return received, status, shown


async def listed(operator: Operator, peer: Peer, path: str = "monitors") -> list[dict[str, Any]]:
    """The rows of a list of the station."""
    status, answer = await operator.request("GET", f"/api/v1/chargepoints/{peer.identity}/{path}")
    assert status == 200, answer
    key = {"monitors": "monitors", "event-streams": "eventStreams", "stream-messages": "streamMessages"}
    found: list[dict[str, Any]] = answer["data"][key[path.partition("?")[0]]]
    return found


async def ids(operator: Operator, peer: Peer) -> list[int]:
    """The station's numbers of its monitors, as REST shows them."""
    return [one["monitorId"] for one in await listed(operator, peer)]


def accepted(payload: dict[str, Any]) -> dict[str, Any]:
    """The answer to a SetVariableMonitoring that accepts every monitor, with ids from 1."""
    names = ("component", "variable", "type", "severity")
    return {
        "setMonitoringResult": [
            {"status": "Accepted", "id": item.get("id", number), **{name: item[name] for name in names}}
            for number, item in enumerate(payload["setMonitoringData"], 1)
        ]
    }
