"""Commands before the boot (1.6 4.2, 1.6J 5.4): none is sent until the station is accepted or sends another
message. The boots themselves are in `tests/conformance/v16/transactions/test_core.py`.
"""

from __future__ import annotations

import asyncio

import pytest

from tests.conformance.peer import V16, Operator, Peer, Records, Refused, eventually, fresh, station
from tests.servers import LiveServer


async def silent(peer: Peer) -> None:
    """Check that the station gets nothing for a while."""
    with pytest.raises(TimeoutError):
        await peer.next_call(2.5)


async def test_16_001_a_command_waits_for_the_boot(
    server: LiveServer, operator: Operator, records: Records
) -> None:
    identity = fresh()
    await operator.provision(identity)
    async with station(server, V16, identity, boot=False) as peer:
        asking = asyncio.create_task(operator.command(identity, "ClearCache"))
        await silent(peer)
        assert (await peer.boot())["status"] == "Accepted"
        await peer.answer(await peer.next_call(), {"status": "Accepted"})

        assert (await asking)[0] == 200
    assert [row["state"] for row in records.commands(identity)] == ["accepted"]


async def test_16_001d_after_a_reconnect_without_a_boot_another_message_is_enough(
    server: LiveServer, operator: Operator
) -> None:
    async with station(server) as peer:
        identity = peer.identity
    async with station(server, V16, identity, boot=False) as peer:
        asking = asyncio.create_task(operator.command(identity, "ClearCache"))
        await silent(peer)
        await peer.call("Heartbeat")
        await peer.answer(await peer.next_call(), {"status": "Accepted"})

        assert (await asking)[0] == 200


async def test_16_001d_a_command_that_may_not_be_sent_in_its_time_says_so(
    server: LiveServer, operator: Operator, records: Records
) -> None:
    """After 30 seconds it would be sent: tests/unit/transport/commands/test_queue.py."""
    async with station(server) as peer:
        identity = peer.identity
    async with station(server, V16, identity, boot=False) as peer:
        path = f"/api/v1/chargepoints/{identity}/commands"
        body = {"action": "ClearCache", "payload": {}, "timeout": 1}
        code, answer = await operator.request("POST", path, body)
        await peer.heartbeat()

    row = records.command(answer["data"]["requestId"])
    assert code == 408
    assert "ClearCache was not sent" in answer["message"] and "has to boot" in answer["message"]
    assert (row["state"], row["sent_at"]) == ("timeout", None)


@pytest.mark.parametrize("boots", [True, False])
async def test_16_001b_one_click_accepts_a_pending_station_and_asks_it_to_boot(
    server: LiveServer, operator: Operator, records: Records, boots: bool
) -> None:
    identity = fresh()
    await operator.provision(identity, registrationStatus="Pending")
    async with station(server, V16, identity, boot=False) as peer:
        if boots:
            assert (await peer.boot())["status"] == "Pending"
        else:
            with pytest.raises(Refused):
                await peer.call("Heartbeat")
        await operator.change(identity, registrationStatus="Accepted")
        trigger = await peer.next_call()
        await peer.answer(trigger, {"status": "Accepted"})
        boot = await peer.boot()
        await eventually(lambda: records.command(trigger[1])["effect"] == "seen")

    assert trigger[2:] == ["TriggerMessage", {"requestedMessage": "BootNotification"}]
    assert boot["status"] == "Accepted"


async def test_16_001b_a_pending_station_that_has_sent_nothing_gets_nothing(
    server: LiveServer, operator: Operator
) -> None:
    identity = fresh()
    await operator.provision(identity, registrationStatus="Pending")
    async with station(server, V16, identity, boot=False) as peer:
        asking = asyncio.create_task(operator.command(identity, "GetConfiguration"))
        await silent(peer)
        with pytest.raises(Refused):
            await peer.call("Heartbeat")  # refused, so it is no sign that the station has booted
        await silent(peer)
        assert (await peer.boot())["status"] == "Pending"
        await peer.answer(await peer.next_call(), {"configurationKey": []})

        assert (await asking)[0] == 200


async def test_16_001c_a_rejected_station_gets_nothing_that_was_queued_before(
    server: LiveServer, operator: Operator
) -> None:
    identity = fresh()
    await operator.provision(identity)
    async with station(server, V16, identity, boot=False) as peer:
        await operator.submit(identity, "ClearCache", timeout=5)
        await operator.change(identity, registrationStatus="Rejected")
        assert (await peer.boot())["status"] == "Rejected"
        await silent(peer)
