"""Redis is flushed, stopped or suspended: requests that need it wait or are refused, and nothing is lost
(F17-F19, F23).
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager, nullcontext
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.conformance.peer import TIMEOUT_S, Operator, Peer, at, eventually, fresh, station
from tests.distributed.cluster import LEASE_S, Cluster
from tests.distributed.conftest import MakeCluster
from tests.distributed.engines import Redis
from tests.distributed.test_live_view import (
    STOP_WH,
    authorized,
    shared_transactions,
    started,
    started_as,
    stopped,
)
from tests.servers import LiveServer

BUDGET_S = 8


@pytest.fixture(scope="module")
def cluster(make_cluster: MakeCluster) -> Iterator[Cluster]:
    """Two processes with a separate Redis, because these tests stop and flush it."""
    redis = Redis()
    cluster = make_cluster(2, on=redis, OCPP_JOURNAL_BUDGET=f"{BUDGET_S}s")
    yield cluster
    cluster.stop()
    redis.close()


async def test_a_flush_under_load_loses_nothing_and_the_live_state_recovers_within_seconds(
    cluster: Cluster,
) -> None:
    uid = fresh("TAG")
    await Operator(cluster.servers[0]).add_token(uid)
    done: dict[str, list[tuple[int, int]]] = {}
    is_over = asyncio.Event()

    async def charge(peer: Peer) -> None:
        sessions = done[peer.identity] = []
        while not is_over.is_set() or len(sessions) < 3:
            number = (await started(peer, "NOBODY03"))["transactionId"]
            for reading in range(3):
                sample = {"timestamp": at(), "sampledValue": [{"value": str(500_000 + reading)}]}
                await peer.call(
                    "MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": [sample]}
                )
            await stopped(peer, number)
            sessions.append((number, STOP_WH))

    async with AsyncExitStack() as stack:
        quiet = await stack.enter_async_context(station(cluster.servers[0]))
        long_ago = (await started(quiet, uid))["transactionId"]
        peers = [await stack.enter_async_context(station(cluster.servers[n % 2])) for n in range(10)]
        charging = [asyncio.create_task(charge(peer)) for peer in peers]
        identities = sorted([quiet.identity, *(peer.identity for peer in peers)])
        for _ in range(3):
            await asyncio.sleep(0.4)  # the stations keep charging between the flushes
            cluster.redis.client.flushall()

        await eventually(lambda: sorted(registered(cluster)) == identities)
        await eventually(lambda: str(long_ago) in shared_transactions(cluster))
        for server in cluster.servers:
            await eventually(lambda server=server: sorted(cluster.clients(server)) == identities)
        is_over.set()
        await asyncio.gather(*charging)
        async with station(cluster.servers[1]) as other:
            again = await started_as(other, uid, "ConcurrentTx")
            await stopped(other, again["transactionId"])
        asking = asyncio.create_task(Operator(cluster.servers[1]).command(quiet.identity, "ClearCache"))
        await quiet.answer(await quiet.next_call(), {"status": "Accepted"})
        assert (await asking)[0] == 200

        for identity, sessions in done.items():
            rows = cluster.transactions(identity)
            stored = [(row["id"], int(row["meter_stop_wh"])) for row in rows if row["status"] != "active"]
            assert stored == sessions, identity
        numbers = [number for sessions in done.values() for number, _ in sessions]
        assert len(set(numbers)) == len(numbers)
    assert "Traceback" not in cluster.log()


async def test_redis_stopped_and_started_again(cluster: Cluster) -> None:
    here, there = cluster.servers
    operator, uid = Operator(here), fresh("TAG")
    await operator.add_token(uid)
    async with station(here) as charging, station(there) as waiting, station(there) as unlucky:
        running = (await started(charging, uid))["transactionId"]
        assert ready(here) == (200, [])

        cluster.redis.stop()

        # The readiness probe, commands and reads during the outage.
        await eventually(lambda: names_redis(here))
        status, answer = await operator.request(
            "POST",
            f"/api/v1/chargepoints/{charging.identity}/commands",
            {"action": "ClearCache", "payload": {}},
        )
        assert status == 503, answer
        assert cluster.rows("SELECT 1 FROM chargepoints_command WHERE state IN ('queued', 'sent')") == []
        assert (await operator.request("GET", "/api/v1/transactions"))[0] == 200

        # Stations that need no new number keep working; new connections are refused with Retry-After.
        await charging.heartbeat()
        assert await authorized(charging, uid) == "Accepted"
        await stopped(charging, running)
        refused = await refusal(there)
        assert refused.response.status_code == 503
        assert "Retry-After" in refused.response.headers

        # A start waits within the budget; beyond it the socket is closed without an answer.
        start = asyncio.create_task(started(unlucky, uid))
        await asyncio.wait([start])
        assert isinstance(start.exception(), ConnectionClosed)
        assert unlucky.socket.close_code == 1013
        start = asyncio.create_task(started(waiting, uid))
        await charging.heartbeat()

        cluster.redis.start()

        number = (await start)["transactionId"]
        assert number > running
        assert [row["id"] for row in cluster.transactions(waiting.identity)] == [number]
        assert cluster.transactions(unlucky.identity) == []
        await eventually(lambda: ready(here) == (200, []))
        await eventually(lambda: str(number) in shared_transactions(cluster))
        await eventually(
            lambda: sorted(cluster.clients(here)) == sorted([charging.identity, waiting.identity])
        )
        await command_reaches(here, waiting)
        for peer in (charging, waiting):
            await eventually(lambda peer=peer: cluster.is_online(peer.identity))
        # No answer during the outage was an error.
        peers = (charging, waiting, unlucky)
        assert [error for peer in peers for error in errors(cluster, peer.identity)] == []


async def test_a_hanging_redis_lets_every_request_end(cluster: Cluster) -> None:
    server = cluster.servers[0]
    async with station(server) as peer:
        cluster.redis.pause()
        try:
            command = Operator(server).request(
                "POST",
                f"/api/v1/chargepoints/{peer.identity}/commands",
                {"action": "ClearCache", "payload": {}},
            )
            heartbeat = asyncio.create_task(peer.heartbeat())
            status, _ = await asyncio.wait_for(command, TIMEOUT_S)
            await heartbeat
            assert status == 503
            assert await asyncio.to_thread(names_redis, server)
        finally:
            cluster.redis.resume()
        await eventually(lambda: ready(server) == (200, []))
        await command_reaches(server, peer)


@pytest.mark.parametrize(
    "is_noticed",
    [
        pytest.param(True, id="noticed", marks=pytest.mark.nightly),
        pytest.param(False, id="back before a process noticed"),
    ],
)
async def test_a_redis_that_restarts_with_an_older_copy_is_corrected_from_the_database(
    cluster: Cluster, is_noticed: bool
) -> None:
    here, there = cluster.servers
    operator, old_uid, new_uid = Operator(here), fresh("TAG"), fresh("TAG")
    for uid in (old_uid, new_uid):
        await operator.add_token(uid)
    async with station(here, identity=fresh("MOVES")) as before, station(there) as other:
        ended = (await started(before, old_uid))["transactionId"]
        await eventually(lambda: str(ended) in shared_transactions(cluster))
        cluster.redis.client.save()
        await stopped(before, ended)
        async with station(there, identity=before.identity) as moved:
            assert await before.closed() == 1001
            running = (await started(moved, new_uid))["transactionId"]

            with nullcontext() if is_noticed else held(cluster):
                cluster.redis.stop()
                cluster.redis.start()

            # In the old copy the station is at the first process and its first session still runs.
            await eventually(lambda: str(running) in shared_transactions(cluster))
            await eventually(lambda: str(ended) not in shared_transactions(cluster))
            await eventually(lambda: ready(here) == (200, []))
            await eventually(lambda: ready(there) == (200, []))
            await command_reaches(here, moved)
            number = (await started(other, old_uid))["transactionId"]
            assert number > running
            await started_as(other, new_uid, "ConcurrentTx")
            await eventually(lambda: cluster.is_online(moved.identity))
            await moved.heartbeat()


@contextmanager
def held(cluster: Cluster) -> Iterator[None]:
    """Suspend all server processes."""
    processes = [server.process for server in cluster.servers if server.process is not None]
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    yield
    for process in processes:
        process.send_signal(signal.SIGCONT)


async def test_F23_a_slow_redis_slows_requests_down_and_fails_none(cluster: Cluster) -> None:
    """Redis needs up to half a second for each command."""
    here, there = cluster.servers
    async with station(here) as peer, station(there) as other:
        is_over = asyncio.Event()

        async def stall() -> None:
            while not is_over.is_set():
                cluster.redis.pause()
                await asyncio.sleep(0.4)
                cluster.redis.resume()
                await asyncio.sleep(0.15)  # long enough for a busy machine

        stalling = asyncio.create_task(stall())
        try:
            for _ in range(3):
                number = (await started(peer, "NOBODY04"))["transactionId"]
                await stopped(peer, number)
                asking = asyncio.create_task(Operator(there).command(peer.identity, "ClearCache"))
                await peer.answer(await peer.next_call(), {"status": "Accepted"})
                assert (await asking)[0] == 200
                async with station(there) as newcomer:
                    await newcomer.heartbeat()
            async with asyncio.timeout(TIMEOUT_S):
                while await asyncio.to_thread(ready, here) != (200, []):
                    pass  # in a thread, because this loop has to resume Redis
            await other.heartbeat()
        finally:
            is_over.set()
            await stalling
        assert errors(cluster, peer.identity) == []


async def test_commands_that_hung_in_redis_leave_no_stale_connections_when_it_resumes(
    cluster: Cluster,
) -> None:
    here, there = cluster.servers
    async with AsyncExitStack() as stack:
        stays = await stack.enter_async_context(station(here))
        leaves = await stack.enter_async_context(station(there))
        cluster.redis.pause()
        try:
            # The registration of the refused station is in Redis' buffer and runs only after the refusal.
            assert (await refusal(there)).response.status_code == 503
            await leaves.socket.close()
            for _ in range(LEASE_S + 2):
                await asyncio.sleep(1)  # longer than a lease
                await stays.heartbeat()
        finally:
            cluster.redis.resume()

        await eventually(lambda: ready(here) == (200, []))
        for server in cluster.servers:
            await eventually(lambda server=server: cluster.clients(server) == [stays.identity])
        await eventually(lambda: registered(cluster) == [stays.identity])
        await command_reaches(there, stays)
        await eventually(lambda: not cluster.is_online(leaves.identity))


def ready(server: LiveServer) -> tuple[int, list[str]]:
    """The status of the readiness probe and the parts that are down."""
    status, answer = server.request("GET", "/health/ready")
    assert "parts" in answer["data"], (status, answer)
    return status, [name for name, part in answer["data"]["parts"].items() if not part["ok"]]


def names_redis(server: LiveServer) -> bool:
    """Whether the readiness probe fails and names Redis; parts that use Redis fail with it."""
    status, down = ready(server)
    return status == 503 and "redis" in down


async def command_reaches(server: LiveServer, peer: Peer) -> None:
    """Send commands until one succeeds: a process needs up to two seconds to reconnect to Redis."""

    async def serve() -> None:
        while True:
            await peer.answer(await peer.next_call(), {"status": "Accepted"})

    serving = asyncio.create_task(serve())
    async with asyncio.timeout(TIMEOUT_S):
        while (await Operator(server).command(peer.identity, "ClearCache", timeout=5))[0] != 200:
            pass
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


async def refusal(server: LiveServer, identity: str = "") -> InvalidStatus:
    try:
        async with station(server, identity=identity):
            raise AssertionError("the station was accepted")
    except InvalidStatus as refused:
        return refused


def errors(cluster: Cluster, identity: str) -> list[dict[str, Any]]:
    return cluster.rows(
        "SELECT m.action, m.error_code FROM chargepoints_message m JOIN chargepoints_chargepoint c"
        " ON c.id = m.charge_point_id WHERE c.identity = %s AND m.error_code <> ''",
        identity,
    )


def registered(cluster: Cluster) -> list[str]:
    found: list[str] = cluster.redis.client.zrange(f"{cluster.prefix}:clients", 0, -1)  # type: ignore[assignment]
    return found
