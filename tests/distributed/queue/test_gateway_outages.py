"""The gateway while Redis or the database is away, full or flushed. No message is lost or queued twice."""

from __future__ import annotations

import asyncio
import itertools
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from websockets.exceptions import InvalidStatus

from tests.conformance.peer import Peer, eventually, fresh, station
from tests.distributed.cluster import LEASE_S, Cluster
from tests.distributed.conftest import MakeCluster
from tests.distributed.engines import Redis
from tests.distributed.queue.server_side import ServerSide
from tests.servers import LiveServer

LEASE_OF_GATEWAY_S = 1.5 * LEASE_S


@pytest.fixture(scope="module")
def own_redis() -> Iterator[Redis]:
    """A Redis for this module alone, which keeps its data when it is stopped."""
    engine = Redis(is_durable=True)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def cluster(own_redis: Redis, make_cluster: MakeCluster) -> Cluster:
    cluster = make_cluster(0, on=own_redis)
    cluster.add(2, "gateway")
    return cluster


@pytest.fixture
def gateway(cluster: Cluster) -> LiveServer:
    return cluster.servers[0]


@pytest.fixture
def server(cluster: Cluster) -> ServerSide:
    return ServerSide(cluster)


async def send_heartbeats(peer: Peer, count: int) -> None:
    for number in range(count):
        await peer.send([2, f"m{number}", "Heartbeat", {}])


def message_ids(count: int) -> list[str]:
    return [f"m{number}" for number in range(count)]


def queued(server: ServerSide, peer: Peer) -> list[str]:
    return [one.message_id for one in server.waiting(peer.identity) if not one.is_control]


def is_ready(gateway: LiveServer) -> bool:
    status, _ = gateway.request("GET", "/health/ready", key=None)
    return status == 200


async def refusal(gateway: LiveServer) -> tuple[int, str | None]:
    with pytest.raises(InvalidStatus) as refused:
        async with station(gateway, identity=fresh(), boot=False):
            pass
    response = refused.value.response
    return response.status_code, response.headers.get("Retry-After")


@contextmanager
def database_away(cluster: Cluster) -> Iterator[None]:
    """Refuse new connections to the database, and end the existing ones."""
    server_url, _, name = cluster.database_url.rpartition("/")
    with psycopg.connect(f"{server_url}/postgres", autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')  # type: ignore[call-overload]
        try:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
            )
            yield
        finally:
            connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')  # type: ignore[call-overload]


async def test_a_full_queue_stops_the_gateway_from_reading_until_it_is_emptied(
    gateway: LiveServer, server: ServerSide
) -> None:
    async with station(gateway, boot=False) as peer:
        talking = asyncio.create_task(send_heartbeats(peer, 300))
        length = await eventually(lambda: len(queued(server, peer)) > 50 and len(queued(server, peer)))
        await asyncio.sleep(1)
        # The limit is 50 messages; the frames already read from the socket may come on top.
        assert length <= len(queued(server, peer)) <= 51 + 2 * 16 + 3

        found: list[str] = []
        while len(found) < 300:
            message = await server.next_frame(peer.identity)
            found.append(message.message_id)

        await talking
        assert found == message_ids(300)


async def test_an_overfull_queue_closes_the_socket_and_refuses_the_station(
    gateway: LiveServer, server: ServerSide
) -> None:
    async with station(gateway, boot=False) as peer:
        await eventually(lambda: server.is_connected(peer.identity))
        server.redis.lpush(server.keys.requests(peer.identity), *(["{}"] * 501))

        await peer.send([2, "one too many", "Heartbeat", {}])

        assert await peer.closed() == 1013
    last = [one.event for one in await asyncio.to_thread(controls, server, peer.identity)]
    assert last == ["overflow", "disconnect"]
    with pytest.raises(InvalidStatus) as refused:
        async with station(gateway, identity=peer.identity, boot=False):
            pass
    assert refused.value.response.status_code == 503
    server.redis.delete(server.keys.requests(peer.identity))


def controls(server: ServerSide, identity: str) -> list[object]:
    from ocpp_server.transport.queue import envelope

    while True:
        texts = server.redis.lrange(server.keys.requests(identity), 0, 5)
        found = [envelope.parse(text) for text in reversed(texts) if text != "{}"]  # type: ignore[union-attr]
        if [one for one in found if one.event == "disconnect"]:
            return [one for one in found if one.event != "connect" and one.is_control]


async def test_a_hanging_redis_closes_no_socket_and_no_message_is_queued_twice(
    cluster: Cluster, gateway: LiveServer, server: ServerSide, own_redis: Redis
) -> None:
    async with station(gateway, boot=False) as peer:
        await send_heartbeats(peer, 3)
        await eventually(lambda: len(queued(server, peer)) == 3)
        own_redis.pause()
        try:
            # Redis runs this command when it resumes, although the gateway has already retried it.
            await peer.send([2, "retried", "Heartbeat", {}])
            await eventually(lambda: "gateway.redis_away" in gateway.log.read_text())
            status, retry_after = await refusal(gateway)
        finally:
            own_redis.resume()

        await eventually(lambda: is_ready(gateway))
        await peer.send([2, "after", "Heartbeat", {}])
        await eventually(lambda: "after" in queued(server, peer))
        server.send(peer.identity, '[3,"after",{}]')

        assert (status, retry_after) == (503, "10")
        assert queued(server, peer) == [*message_ids(3), "retried", "after"]
        assert await peer.next_frame() == [3, "after", {}]
        assert server.events(peer.identity) == ["connect"]


async def test_a_restart_of_redis_loses_no_message_and_queues_none_twice(
    gateway: LiveServer, server: ServerSide, own_redis: Redis
) -> None:
    async with station(gateway, boot=False) as peer:
        numbers = itertools.count()
        going = True

        async def keep_talking() -> None:
            while going:
                await peer.send([2, f"m{next(numbers)}", "Heartbeat", {}])
                await asyncio.sleep(0.005)

        talking = asyncio.create_task(keep_talking())
        found: list[str] = []

        def drain() -> bool:
            while (message := server.take(peer.identity)) is not None:
                if not message.is_control:
                    found.append(message.message_id)
            return True

        for _ in range(3):
            target = len(found) + 100
            await eventually(lambda target=target: drain() and len(found) >= target)  # type: ignore[misc]
            own_redis.stop()
            await asyncio.sleep(0.5)
            own_redis.start()
        await eventually(lambda: is_ready(gateway))
        going = False
        await talking
        count = next(numbers)
        await eventually(lambda: drain() and len(found) >= count, 120)

        assert found == message_ids(count)
        assert server.is_connected(peer.identity)


async def test_while_redis_has_no_memory_new_stations_are_refused_and_others_stay(
    gateway: LiveServer, server: ServerSide
) -> None:
    async with station(gateway, boot=False) as peer:
        await send_heartbeats(peer, 3)
        await eventually(lambda: len(queued(server, peer)) == 3)
        server.redis.config_set("maxmemory", "1")
        try:
            await peer.send([2, "kept", "Heartbeat", {}])
            await eventually(lambda: not is_ready(gateway))
            assert (await refusal(gateway)) == (503, "10")
        finally:
            server.redis.config_set("maxmemory", "0")

        await eventually(lambda: queued(server, peer) == [*message_ids(3), "kept"])
        await eventually(lambda: is_ready(gateway))
        assert server.is_connected(peer.identity)


async def test_after_a_flush_the_same_socket_is_registered_again_and_works(
    gateway: LiveServer, server: ServerSide
) -> None:
    async with station(gateway, boot=False) as talker, station(gateway, boot=False) as listener:
        await send_heartbeats(talker, 3)
        await eventually(lambda: len(queued(server, talker)) == 3)

        server.redis.flushall()
        await send_heartbeats(talker, 2)

        await eventually(lambda: queued(server, talker) == message_ids(2))
        assert server.events(talker.identity) == ["connect"]
        # A silent station is registered again with the next renewal of the lease.
        await eventually(lambda: server.is_connected(listener.identity))
        server.send(listener.identity, '[3,"found",{}]')
        assert await listener.next_frame() == [3, "found", {}]


async def test_the_stations_of_a_killed_gateway_are_disconnected_within_the_lease(
    make_cluster: MakeCluster,
) -> None:
    cluster = make_cluster(0)
    dying, living = cluster.add(2, "gateway")
    server = ServerSide(cluster)
    async with station(dying, boot=False) as orphan, station(living, boot=False) as safe:
        await orphan.send([2, "last", "Heartbeat", {}])
        await eventually(lambda: server.frames(orphan.identity))

        dying.kill()

        await eventually(
            lambda: server.events(orphan.identity) == ["connect", "disconnect"], 10 * LEASE_OF_GATEWAY_S
        )
        assert not server.is_connected(orphan.identity)
        assert server.is_connected(safe.identity)
        assert server.events(safe.identity) == ["connect"]
        async with station(living, identity=orphan.identity, boot=False):
            await eventually(lambda: server.is_connected(orphan.identity))


async def test_a_gateway_that_was_taken_for_dead_resumes_its_connections(
    cluster: Cluster, server: ServerSide
) -> None:
    frozen, _ = cluster.servers
    assert frozen.process is not None
    async with station(frozen, boot=False) as peer:
        await send_heartbeats(peer, 3)
        await eventually(lambda: len(queued(server, peer)) == 3)
        frozen.process.send_signal(signal.SIGSTOP)
        try:
            await eventually(lambda: "disconnect" in server.events(peer.identity), 10 * LEASE_OF_GATEWAY_S)
        finally:
            frozen.process.send_signal(signal.SIGCONT)

        await peer.send([2, "back", "Heartbeat", {}])

        await eventually(lambda: "back" in queued(server, peer))
        assert queued(server, peer) == [*message_ids(3), "back"]
        assert server.events(peer.identity) == ["connect", "disconnect", "connect"]
        assert server.is_connected(peer.identity)


async def test_while_the_database_is_away_sockets_stay_open_and_new_ones_are_refused(
    make_cluster: MakeCluster,
) -> None:
    cluster = make_cluster(0, OCPP_JOURNAL_BUDGET="1s")
    (gateway,) = cluster.add(1, "gateway")
    server = ServerSide(cluster)
    async with station(gateway, boot=False) as peer:
        await eventually(lambda: server.is_connected(peer.identity))
        with database_away(cluster):
            status, retry_after = await refusal(gateway)
            await peer.send([2, "meanwhile", "Heartbeat", {}])
            await eventually(lambda: queued(server, peer) == ["meanwhile"])

        assert (status, retry_after) == (503, "10")

        async def can_connect() -> bool:
            try:
                async with station(gateway, identity=fresh(), boot=False):
                    return True
            except InvalidStatus:
                return False

        async with asyncio.timeout(60):
            while not await can_connect():
                await asyncio.sleep(0.1)
