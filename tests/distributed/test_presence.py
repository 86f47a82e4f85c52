"""Connections are leases: a killed process takes its own stations offline, and no others (F13, F15)."""

from __future__ import annotations

import asyncio
import signal

import pytest

from tests.conformance.peer import Operator, eventually, station
from tests.distributed.cluster import LEASE_S, Cluster
from tests.distributed.conftest import MakeCluster

PATIENCE = 10 * LEASE_S


@pytest.fixture(scope="module")
def cluster(make_cluster: MakeCluster) -> Cluster:
    return make_cluster(2)


async def test_a_process_that_was_taken_for_dead_gets_its_stations_back(cluster: Cluster) -> None:
    frozen, living = cluster.servers
    assert frozen.process is not None
    async with station(frozen) as peer:
        frozen.process.send_signal(
            signal.SIGSTOP
        )  # as under a debugger, or on a swapping or migrating machine
        try:
            await eventually(lambda: not cluster.is_online(peer.identity), PATIENCE)
        finally:
            frozen.process.send_signal(signal.SIGCONT)

        await peer.heartbeat()
        await eventually(lambda: cluster.is_online(peer.identity), PATIENCE)
        asking = asyncio.create_task(Operator(living).command(peer.identity, "ClearCache"))
        await peer.answer(await peer.next_call(), {"status": "Accepted"})
        status, _ = await asking
        assert status == 200


async def test_a_killed_process_takes_its_own_stations_offline_and_no_others(cluster: Cluster) -> None:
    dying, living = cluster.servers
    async with station(living) as safe, station(dying) as orphan:
        command = await Operator(living).submit(orphan.identity, "ClearCache")
        await orphan.next_call()
        await eventually(lambda: sorted(cluster.clients(living)) == sorted([safe.identity, orphan.identity]))

        dying.kill()

        # The lease has not expired yet, and still the caller does not wait for an answer of the dead process.
        asked = asyncio.get_running_loop().time()
        status, _ = await Operator(living).command(orphan.identity, "ClearCache", timeout=60)
        assert status == 503
        assert asyncio.get_running_loop().time() - asked < 30

        await eventually(lambda: not cluster.is_online(orphan.identity), PATIENCE)
        await eventually(lambda: cluster.clients(living) == [safe.identity], PATIENCE)
        assert cluster.is_online(safe.identity)
        state = "SELECT state FROM chargepoints_command WHERE id = %s"
        await eventually(lambda: cluster.rows(state, command) == [{"state": "disconnected"}])

        status, _ = await Operator(living).command(orphan.identity, "ClearCache")
        assert status == 503

        # A process that starts or stops does not change the stations of the others.
        (third,) = await asyncio.to_thread(cluster.add)
        async with station(third, identity=orphan.identity) as back:
            await back.heartbeat()
            await safe.heartbeat()
            assert cluster.is_online(safe.identity)
            assert cluster.is_online(back.identity)
            assert await asyncio.to_thread(third.stop) == 0
            assert await back.closed() in (1001, 1012)
        await safe.heartbeat()
        assert cluster.is_online(safe.identity)
        await eventually(lambda: not cluster.is_online(orphan.identity))
