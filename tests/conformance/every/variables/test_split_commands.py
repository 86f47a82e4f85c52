"""The generic command is sent in parts where the station's limits need it, and answered as one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.conformance.peer import V16, V21, V201, Operator, Peer, Records, station
from tests.servers import LiveServer

FIVE = [{"component": {"name": "C"}, "variable": {"name": f"V{n}"}} for n in range(5)]


async def answered(peer: Peer, asking: asyncio.Task[Any], reply: Any) -> tuple[list[Any], Any]:
    """The payloads of the CALLs until the operator has the answer, and that answer."""
    payloads: list[Any] = []

    async def serve() -> None:
        while True:
            call = await peer.next_call(60)
            payloads.append(call[3])
            answer = reply(call[3])
            if answer is not None:
                await peer.answer(call, answer)

    serving = asyncio.create_task(serve())
    answer = await asking
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    return payloads, answer


async def report_limit(operator: Operator, peer: Peer, action: str, most: int) -> None:
    """The station reports the most items of a message."""
    asked: dict[str, Any]
    reply: dict[str, Any]
    if peer.version == V16:
        names = {"GetConfiguration": "GetConfigurationMaxKeys", "SendLocalList": "SendLocalListMaxLength"}
        kind, asked = "GetConfiguration", {"key": [names[action]]}
        reply = {"configurationKey": [{"key": names[action], "value": str(most), "readonly": True}]}
    else:
        component = {"SendLocalList": "LocalAuthListCtrlr"}.get(action, "DeviceDataCtrlr")
        variable = {"name": "ItemsPerMessage"} | ({} if action == "SendLocalList" else {"instance": action})
        named = {"component": {"name": component}, "variable": variable}
        kind, asked = "GetVariables", {"getVariableData": [named]}
        result = {**named, "attributeStatus": "Accepted", "attributeValue": str(most)}
        reply = {"getVariableResult": [result]}
    asking = asyncio.create_task(operator.command(peer.identity, kind, asked))
    await answered(peer, asking, lambda payload: reply)


@pytest.mark.parametrize("version", [V201, V21])
async def test_2x_variables_are_set_in_parts_and_answered_as_one(
    server: LiveServer, operator: Operator, records: Records, version: str
) -> None:
    def reply(payload: dict[str, Any]) -> dict[str, Any]:
        items = [{key: item[key] for key in ("component", "variable")} for item in payload["setVariableData"]]
        words = ["Rejected" if item["variable"]["name"] == "V3" else "Accepted" for item in items]
        results = [{**item, "attributeStatus": word} for item, word in zip(items, words, strict=True)]
        return {"setVariableResult": results}

    async with station(server, version) as peer:
        await report_limit(operator, peer, "SetVariables", 2)
        wanted = {"setVariableData": [{**one, "attributeValue": "1"} for one in FIVE]}
        asking = asyncio.create_task(operator.command(peer.identity, "SetVariables", wanted))
        payloads, (status, data) = await answered(peer, asking, reply)

    assert [len(payload["setVariableData"]) for payload in payloads] == [2, 2, 1]
    assert (status, data["status"], data["code"]) == (200, "Rejected", "partial")
    assert (data["accepted"], data["items"], len(data["response"]["setVariableResult"])) == (4, 5, 5)
    rows = records.commands(peer.identity)[1:]
    assert [row["state"] for row in rows] == ["accepted", "partial", "accepted"]
    assert data["requestIds"] == [row["id"] for row in rows]
    assert data["requestId"] == rows[0]["id"]


async def test_a_part_without_an_answer_ends_the_command_and_the_answers_so_far_are_shown(
    server: LiveServer, operator: Operator, version: str
) -> None:
    is_16 = version == V16
    action = "GetConfiguration" if is_16 else "GetVariables"

    def reply(payload: dict[str, Any]) -> Any:
        if is_16:
            return {"unknownKey": payload["key"]} if "K0" in payload["key"] else None
        names = payload["getVariableData"]
        results = [{**one, "attributeStatus": "UnknownVariable"} for one in names]
        return {"getVariableResult": results} if FIVE[0] in names else None

    async with station(server, version) as peer:
        await report_limit(operator, peer, action, 2)
        wanted = {"key": [f"K{n}" for n in range(5)]} if is_16 else {"getVariableData": FIVE}
        asking = asyncio.create_task(operator.command(peer.identity, action, wanted, timeout=1))
        payloads, (status, data) = await answered(peer, asking, reply)

    assert len(payloads) == len(data["requestIds"]) == 2
    assert (status, data["requestId"]) == (408, data["requestIds"][1])
    (results,) = data["response"].values()
    assert len(results) == 2


async def test_a_local_list_is_not_split_and_nothing_is_sent(
    server: LiveServer, operator: Operator, version: str
) -> None:
    is_16 = version == V16
    entries: list[Any] = [
        {"idTag": f"T{n}"} if is_16 else {"idToken": {"idToken": f"T{n}", "type": "Central"}}
        for n in range(3)
    ]
    number = "listVersion" if is_16 else "versionNumber"
    async with station(server, version) as peer:
        await report_limit(operator, peer, "SendLocalList", 2)
        wanted = {number: 1, "updateType": "Full", "localAuthorizationList": entries}
        status, data = await operator.command(peer.identity, "SendLocalList", wanted)
        await peer.heartbeat()

    assert (status, data["code"], data["limit"]) == (409, "not-supported", 2)
    assert data["param"] == "payload.localAuthorizationList"
