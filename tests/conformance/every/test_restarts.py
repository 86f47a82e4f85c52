"""A reset drops the connection, as resets do; the command follows the boot (decision 0069)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.conformance.peer import V16, V21, V201, Operator, Peer, Records, eventually, fresh, station
from tests.servers import LiveServer


def reset(version: str, **more: Any) -> dict[str, Any]:
    return {"type": "Hard" if version == V16 else "Immediate", **more}


async def sent(operator: Operator, peer: Peer, payload: dict[str, Any], **how: Any) -> tuple[Any, list[Any]]:
    """The pending answer for the operator, and the CALL that the station has got."""
    asking = asyncio.create_task(operator.command(peer.identity, "Reset", payload, **how))
    return asking, await peer.next_call()


async def shown(operator: Operator, peer: Peer, command_id: str) -> dict[str, Any]:
    _, body = await operator.request("GET", f"/api/v1/chargepoints/{peer.identity}/commands/{command_id}")
    found: dict[str, Any] = body["data"]
    return found


async def test_a_reset_that_drops_the_line_follows_the_boot(
    server: LiveServer, operator: Operator, records: Records, version: str
) -> None:
    identity = fresh()
    async with station(server, version, identity) as peer:
        asking, call = await sent(operator, peer, reset(version))
        peer.abort()
        status, data = await asking
        waiting = await shown(operator, peer, call[1])

    async with station(server, version, identity) as peer:
        await eventually(lambda: records.command(call[1])["effect"] == "seen")
        done = await shown(operator, peer, call[1])

    assert (status, data["status"]) == (202, "Sent")
    assert (data["effect"]["name"], data["effect"]["state"]) == ("station-booted", "waiting")
    assert (waiting["state"], waiting["effect"]["state"], waiting["finishedAt"]) == ("sent", "waiting", None)
    assert (done["state"], done["effect"]["state"], done["errorCode"]) == ("accepted", "seen", "")
    assert done["finishedAt"]


async def test_a_station_that_returns_before_its_old_socket_is_closed_has_not_failed_either(
    server: LiveServer, operator: Operator, records: Records, version: str
) -> None:
    async with station(server, version) as old:
        asking, call = await sent(operator, old, reset(version))
        async with station(server, version, old.identity):
            status, _ = await asking
            await eventually(lambda: records.command(call[1])["effect"] == "seen")

    assert status == 202
    assert records.command(call[1])["state"] == "accepted"


async def test_an_accepted_reset_follows_the_boot_too(
    server: LiveServer, operator: Operator, records: Records, version: str
) -> None:
    async with station(server, version) as peer:
        asking, call = await sent(operator, peer, reset(version))
        await peer.answer(call, {"status": "Accepted"})
        status, data = await asking
        waiting = await shown(operator, peer, call[1])

    async with station(server, version, peer.identity) as peer:
        await eventually(lambda: records.command(call[1])["effect"] == "seen")

    assert (status, data["status"], "effect" in data) == (200, "Accepted", False)
    assert (waiting["state"], waiting["effect"]["state"]) == ("accepted", "waiting")


@pytest.mark.parametrize("version", [V201, V21])
async def test_2x_a_triggered_boot_notification_is_no_boot_and_an_evse_has_none(
    server: LiveServer, operator: Operator, records: Records, version: str
) -> None:
    async with station(server, version) as peer:
        asking, whole = await sent(operator, peer, reset(version))
        await peer.answer(whole, {"status": "Scheduled"})
        await asking
        asking, one = await sent(operator, peer, reset(version, evseId=1))
        await peer.answer(one, {"status": "Accepted"})
        await asking
        described = {"reason": "Triggered", "chargingStation": {"vendorName": "V", "model": "M"}}
        await peer.call("BootNotification", described)
        await peer.heartbeat()

        assert records.command(whole[1])["effect"] == "waiting"
        assert records.command(one[1])["effect"] == ""
        asking, _ = await sent(operator, peer, reset(version, evseId=1))
        peer.abort()
        status, data = await asking

    assert (status, data["code"]) == (503, "went-offline")


async def test_a_reset_without_an_answer_in_time_notes_the_boot(
    server: LiveServer, operator: Operator, records: Records
) -> None:
    async with station(server, V16) as peer:
        asking, call = await sent(operator, peer, reset(V16), timeout=1)
        status, _ = await asking
    async with station(server, V16, peer.identity):
        await eventually(lambda: records.command(call[1])["effect"] == "seen")

    assert status == 408
    assert records.command(call[1])["state"] == "timeout"
