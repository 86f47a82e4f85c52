"""Display messages of OCPP 2.x; the cases have the numbers of the certification."""

from __future__ import annotations

import asyncio

import pytest

from tests.conformance.displays import stored
from tests.conformance.peer import station


@pytest.mark.parametrize(("status", "is_accepted"), [("Accepted", True), ("Unknown", True)])
async def test_TC_O_04_TC_O_05_clear_a_display_message(  # noqa: PLR0913, PLR0917 - fixtures
    server, operator, records, version, status, is_accepted
):
    async with station(server, version) as peer:
        path = f"/api/v1/chargepoints/{peer.identity}/clear-display-message"
        sent = asyncio.create_task(operator.request("POST", path, {"messageId": 5}))
        call = await peer.next_call()
        await peer.answer(call, {"status": status})
        code, answer = await sent

    assert call[2:] == ["ClearDisplayMessage", {"id": 5}]
    assert (code, answer["success"], answer["data"]["status"]) == (200, is_accepted, status)
    (command,) = records.commands(peer.identity)
    assert (command["id"], command["status"]) == (answer["data"]["requestId"], status)
    assert stored(records, peer) == []  # a message that this server does not know gets no row
