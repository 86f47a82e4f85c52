"""Variables of OCPP 2.x; the cases have the numbers of the certification."""

from __future__ import annotations

import asyncio

from tests.conformance.peer import station


async def test_TC_B_06_TC_B_09_get_and_set_variables(server, operator, version):
    async with station(server, version) as peer:
        variable = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
        for word in ("Accepted", "Rejected", "UnknownVariable", "RebootRequired"):
            sent = asyncio.create_task(
                operator.command(
                    peer.identity, "SetVariables", {"setVariableData": [variable | {"attributeValue": "60"}]}
                )
            )
            call = await peer.next_call()
            await peer.answer(call, {"setVariableResult": [variable | {"attributeStatus": word}]})
            code, data = await sent
            assert code == 200
            assert data["response"]["setVariableResult"][0]["attributeStatus"] == word
