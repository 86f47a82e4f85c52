"""Limits count over all processes: failed passwords (S03) and replaced connections (F04)."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from ocpp_server.transport.handshake.authentication import MAX_FAILURES
from tests.conformance.peer import Operator, Peer, eventually, fresh, known, station
from tests.distributed.cluster import Cluster
from tests.distributed.conftest import MakeCluster
from tests.servers import LiveServer

PASSWORD = "the-right-password"


async def test_S03_passwords_guessed_at_several_processes_are_counted_together(shared: Cluster) -> None:
    identity = fresh()
    await Operator(shared.servers[0]).provision(identity, password=PASSWORD, securityProfile=1)

    servers = [shared.servers[number % 3] for number in range(MAX_FAILURES)]
    codes = [await refused(server, identity, f"guess {number}") for number, server in enumerate(servers)]

    assert codes == [401] * MAX_FAILURES
    assert {await refused(server, identity, PASSWORD) for server in shared.servers} == {429}


async def test_F04_replacements_are_counted_over_all_processes_and_the_third_waits(shared: Cluster) -> None:
    identity = await known(shared.servers[0])
    async with AsyncExitStack() as stack:

        async def enter(server: LiveServer) -> Peer:
            while True:
                try:
                    return await stack.enter_async_context(station(server, identity=identity, boot=False))
                except InvalidStatus as refusal:
                    if refusal.response.status_code != 503:  # 503: try again later
                        raise
                    await asyncio.sleep(0.2)

        for server in shared.servers[:3]:
            older = await enter(server)
        # Two processes have one waiting connection each: still one event.
        waiting = [asyncio.create_task(enter(server)) for server in (shared.servers[3], shared.servers[0])]
        await eventually(lambda: security_events(shared, identity))
        await older.boot()
        assert not any(task.done() for task in waiting)
        await older.socket.close()
        done, left = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        await done.pop().result().heartbeat()
        for task in left:
            task.cancel()

    assert security_events(shared, identity) == [{"type": "DuplicateIdentity", "from_station": False}]


async def test_F04_the_newer_connection_waits_at_gateways_too(make_cluster: MakeCluster) -> None:
    cluster = make_cluster(0)
    cluster.add(role="processor")
    gateways = cluster.add(2, role="gateway")
    identity = await known(gateways[0])
    async with AsyncExitStack() as stack:

        async def enter(number: int) -> Peer:
            return await stack.enter_async_context(station(gateways[number], identity=identity, boot=False))

        for number in (0, 1, 0):
            older = await enter(number)
        newer = asyncio.create_task(enter(1))
        await eventually(lambda: security_events(cluster, identity))
        await older.boot()
        assert not newer.done()
        await older.socket.close()
        await (await newer).heartbeat()


def security_events(cluster: Cluster, identity: str) -> list[dict[str, Any]]:
    return cluster.rows(
        "SELECT e.type, e.from_station FROM chargepoints_securityevent e"
        " JOIN chargepoints_chargepoint c ON c.id = e.charge_point_id WHERE c.identity = %s",
        identity,
    )


async def refused(server: LiveServer, identity: str, password: str) -> int:
    with pytest.raises(InvalidStatus) as refusal:
        async with station(server, identity=identity, password=password, boot=False):
            raise AssertionError("the station was accepted")
    return int(refusal.value.response.status_code)


async def test_S03_failures_at_a_gateway_count_for_web_processes_too(make_cluster: MakeCluster) -> None:
    cluster = make_cluster(0)
    (web,), (gateway,) = cluster.add(role="web"), cluster.add(role="gateway")
    identity = fresh()
    await Operator(web).provision(identity, password=PASSWORD, securityProfile=1)

    codes = [await refused(gateway, identity, f"guess {number}") for number in range(MAX_FAILURES)]

    assert codes == [401] * MAX_FAILURES
    assert [await refused(server, identity, PASSWORD) for server in (gateway, web)] == [429, 429]
