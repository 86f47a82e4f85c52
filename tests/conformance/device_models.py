"""Reports of variables, and commands that tests send over their own addresses."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.conformance.peer import Operator, Peer, Records, at, eventually

INTEGER = {"dataType": "integer", "supportsMonitoring": True}


async def asked(
    operator: Operator, peer: Peer, name: str, body: dict[str, Any], answer: Any
) -> tuple[int, dict[str, Any], list[Any]]:
    """Send a declared command that the station answers: the HTTP status, the body of the answer, the CALL."""
    path = f"/api/v1/chargepoints/{peer.identity}/{name}"
    sent = asyncio.create_task(operator.request("POST", path, body))
    call = await peer.next_call()
    await peer.answer(call, answer)
    return (*await sent, call)


async def shown(operator: Operator, peer: Peer, path: str) -> dict[str, Any]:
    """The data of a resource below the station."""
    status, answer = await operator.request("GET", f"/api/v1/chargepoints/{peer.identity}/{path}")
    assert status == 200, answer
    data: dict[str, Any] = answer["data"]
    return data


async def reported(operator: Operator, peer: Peer, query: str = "") -> dict[str, dict[str, Any]]:
    """The reported values of the station by key."""
    rows = (await shown(operator, peer, f"reported-values?limit=200{query}"))["reported"]
    return {row["key"]: row for row in rows}


def variable(component: str, name: str, value: str | None = "1", **more: Any) -> dict[str, Any]:
    """An entry of reportData."""
    attribute = {"value": value} if value is not None else {}
    mutability = more.pop("mutability", "")
    attribute |= {"mutability": mutability} if mutability else {}
    place = {"name": component} | more.pop("place", {})
    return {
        "component": place,
        "variable": {"name": name} | more.pop("instance", {}),
        "variableAttribute": [attribute, *more.pop("attributes", ())],
        "variableCharacteristics": INTEGER | more,
    }


def part(request_id: int, seq_no: int, data: list[dict[str, Any]], *, more: bool = False) -> dict[str, Any]:
    return {
        "requestId": request_id,
        "generatedAt": at(),
        "seqNo": seq_no,
        "tbc": more,
        "reportData": data,
    }


async def report(peer: Peer, request_id: int, *data: dict[str, Any]) -> None:
    """A whole report in one part."""
    assert await peer.call("NotifyReport", part(request_id, 0, list(data))) == {}


async def gathered(records: Records, peer: Peer, request_id: int, **columns: Any) -> None:
    """Wait until the row of the report has these columns: it is computed after the answer to a part."""

    def has_them() -> bool:
        rows = records.of("chargepoints_reportassembly", peer.identity)
        return any(columns.items() <= row.items() for row in rows if row["request_id"] == request_id)

    await eventually(has_them)
