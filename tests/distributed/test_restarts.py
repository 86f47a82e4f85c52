"""A reset through one process, dropped at a second one; the boot arrives at a third."""

from __future__ import annotations

import asyncio

from tests.conformance.peer import Operator, eventually, fresh, station
from tests.distributed.cluster import Cluster


async def test_a_dropped_reset_follows_the_boot_at_another_process(shared: Cluster) -> None:
    web, old, new = shared.servers[:3]
    identity, operator = fresh(), Operator(web)
    async with station(old, identity=identity) as peer:
        asking = asyncio.create_task(operator.command(identity, "Reset", {"type": "Hard"}))
        call = await peer.next_call()
        peer.abort()
        status, data = await asking

    async with station(new, identity=identity):
        path = f"/api/v1/chargepoints/{identity}/commands/{call[1]}"

        await eventually(lambda: web.request("GET", path)[1]["data"]["effect"]["state"] == "seen")

    assert (status, data["status"]) == (202, "Sent")
    assert web.request("GET", path)[1]["data"]["state"] == "accepted"
