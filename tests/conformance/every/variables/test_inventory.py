"""Reading all variables of a 2.x station asks for a report; a station that never connected is offline."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.conformance.peer import V21, V201, Operator, Peer, at, fresh, station
from tests.servers import LiveServer

TWO_X = pytest.mark.parametrize("version", [V201, V21])


def live(identity: str, end: str = "") -> str:
    return f"/api/v1/chargepoints/{identity}/configuration/live{end}"


def part(request_id: int, number: int, *, more: bool) -> dict[str, Any]:
    variable = {
        "component": {"name": "OCPPCommCtrlr", "evse": {"id": 1}},
        "variable": {"name": f"Setting{number}"},
        "variableAttribute": [{"value": str(number), "mutability": "ReadOnly" if number else "ReadWrite"}],
    }
    head = {"requestId": request_id, "generatedAt": at(), "seqNo": number, "tbc": more}
    return {**head, "reportData": [variable]}


@pytest.mark.parametrize("end", ["", "?keys=HeartbeatInterval"])
async def test_a_station_that_never_connected_is_503(
    server: LiveServer, operator: Operator, end: str
) -> None:
    identity = fresh()
    await operator.provision(identity)

    status, body = await operator.request("GET", live(identity, end))

    assert (status, body["data"]["code"]) == (503, "offline")
    assert "has never connected" in body["message"]


@TWO_X
async def test_a_2x_station_that_is_offline_is_503_without_keys_too(
    server: LiveServer, operator: Operator, version: str
) -> None:
    async with station(server, version) as peer:
        pass

    status, _ = await operator.request("GET", live(peer.identity))

    assert status == 503


async def _requested(peer: Peer) -> tuple[list[Any], int]:
    call = await peer.next_call()
    assert (call[2], call[3]["reportBase"]) == ("GetBaseReport", "FullInventory")
    return call, call[3]["requestId"]


@TWO_X
async def test_without_keys_the_variables_of_a_report_are_the_answer(
    server: LiveServer, operator: Operator, version: str
) -> None:
    async with station(server, version) as peer:
        asking = asyncio.create_task(operator.request("GET", live(peer.identity, "?timeout=60")))
        call, number = await _requested(peer)
        await peer.answer(call, {"status": "Accepted"})
        await peer.call("NotifyReport", part(number, 1, more=False))
        await peer.call("NotifyReport", part(number, 0, more=True))
        status, body = await asking

    assert (status, body["data"]["requestId"]) == (200, call[1])
    assert body["data"]["configuration"] == {
        "OCPPCommCtrlr(1).Setting0": {"value": "0", "readonly": False},
        "OCPPCommCtrlr(1).Setting1": {"value": "1", "readonly": True},
    }


@TWO_X
async def test_a_report_that_takes_longer_is_202_and_the_next_request_waits_for_the_same_one(
    server: LiveServer, operator: Operator, version: str
) -> None:
    async with station(server, version) as peer:
        asking = asyncio.create_task(operator.request("GET", live(peer.identity, "?timeout=1")))
        call, number = await _requested(peer)
        await peer.answer(call, {"status": "Accepted"})
        early, body = await asking
        assert (early, body["data"]["requestId"], "configuration" in body["data"]) == (202, call[1], False)

        asking = asyncio.create_task(operator.request("GET", live(peer.identity, "?timeout=60")))
        # Answered a second later: the request before it waits at the server by then.
        early, body = await operator.request("GET", live(peer.identity, "?timeout=1"))
        assert (early, body["data"]["requestId"]) == (202, call[1])
        await peer.call("NotifyReport", part(number, 0, more=True))
        await peer.call("NotifyReport", part(number, 1, more=False))
        status, body = await asking
        await peer.heartbeat()

    assert (status, body["data"]["requestId"], len(body["data"]["configuration"])) == (200, call[1], 2)
    assert not peer.calls  # no second GetBaseReport


@TWO_X
@pytest.mark.parametrize(
    ("words", "success"),
    [(["EmptyResultSet"], True), (["Rejected"], False), (["NotSupported", "NotSupported"], False)],
)
async def test_a_report_that_is_empty_or_refused(
    server: LiveServer, operator: Operator, version: str, words: list[str], success: bool
) -> None:
    async with station(server, version) as peer:
        path = f"/api/v1/chargepoints/{peer.identity}/get-configuration"
        asking = asyncio.create_task(operator.request("POST", path, {}))
        for word in words:
            await peer.answer(await peer.next_call(), {"status": word})
        status, body = await asking

    assert (status, body["success"], body["data"]["status"]) == (200, success, words[-1])
