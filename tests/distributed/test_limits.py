"""Limits count over all processes: failed passwords (S03) and replaced connections (F04)."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest
from websockets.exceptions import InvalidStatus

from ocpp_server.transport.handshake.authentication import MAX_FAILURES
from ocpp_server.transport.presence import MAX_REPLACED
from tests.conformance.peer import Operator, eventually, fresh, station
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


async def test_F04_two_devices_with_one_identity_are_detected_over_several_processes(shared: Cluster) -> None:
    identity = fresh()
    async with AsyncExitStack() as stack:
        for number in range(MAX_REPLACED + 1):
            server = shared.servers[number % 4]
            peer = await stack.enter_async_context(station(server, identity=identity, boot=False))
        await peer.boot()

        (event,) = await eventually(
            lambda: shared.rows(
                "SELECT e.type, e.from_station FROM chargepoints_securityevent e"
                " JOIN chargepoints_chargepoint c ON c.id = e.charge_point_id WHERE c.identity = %s",
                identity,
            )
        )

    assert event == {"type": "DuplicateIdentity", "from_station": False}


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
