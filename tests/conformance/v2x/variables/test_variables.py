"""Variables of OCPP 2.x; the cases have the numbers of the certification."""

from __future__ import annotations

import asyncio

from tests.conformance.peer import station


async def test_TC_B_09_a_variable_is_set_or_not(server, operator, records, version):
    async with station(server, version) as peer:
        variable = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
        for word in ("Accepted", "Rejected", "UnknownVariable", "RebootRequired"):
            sent = asyncio.create_task(
                operator.command(
                    peer.identity, "SetVariables", {"setVariableData": [variable | {"attributeValue": "60"}]}
                )
            )
            call = await peer.next_call()
            assert call[2] == "SetVariables"
            assert call[3] == {"setVariableData": [variable | {"attributeValue": "60"}]}
            await peer.answer(call, {"setVariableResult": [variable | {"attributeStatus": word}]})
            code, data = await sent
            assert code == 200
            assert data["response"]["setVariableResult"][0]["attributeStatus"] == word
            is_set = word in ("Accepted", "RebootRequired")
            assert records.command(call[1])["state"] == ("accepted" if is_set else "rejected")
