"""The dialect of the legacy gateway (section 6): one list, announcements, no sessions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import orjson
import pytest
import pytest_asyncio
from redis.asyncio import BlockingConnectionPool, Redis

from ocpp_server.transport.queue.keys import QueueKeys
from tests.conformance.peer import TIMEOUT_S, V16, V201, Operator, Peer, Refused, eventually, fresh
from tests.distributed.cluster import Cluster
from tests.distributed.conftest import MakeCluster
from tests.distributed.queue.worker_pool import WorkerPool, log_of, processors, start_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


class LegacySocket:
    """The socket of one station at a legacy gateway."""

    def __init__(self, gateway: LegacyGateway, identity: str) -> None:
        self.gateway = gateway
        self.identity = identity

    async def send(self, text: str) -> None:
        await self.gateway.push(self.gateway.packed(self.identity, text))

    async def recv(self) -> str:
        while True:
            key = self.gateway.keys.responses(self.identity)
            found = await self.gateway.redis.brpop([key], timeout=1)  # type: ignore[misc]
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise asyncio.CancelledError  # redis-py loses one that arrives together with a reply
            if found:
                answer = orjson.loads(found[1])
                assert answer["message_type"] in (2, 3, 4), "a legacy gateway knows no control messages"
                return orjson.dumps(answer["payload"]).decode()


class LegacyGateway:
    name = "ws-1"

    def __init__(self, redis: Redis, prefix: str) -> None:
        self.redis = redis
        self.keys = QueueKeys(prefix)

    def packed(self, identity: str, text: str) -> bytes:
        frame = orjson.loads(text)
        return orjson.dumps(
            {
                "charge_point_id": identity,
                "message_type": frame[0],
                "message_id": frame[1],
                "payload": frame,
                "timestamp": now(),
                "ws_server_id": self.name,
            }
        )

    async def push(self, *envelopes: bytes) -> None:
        await self.redis.lpush(self.keys.shared_requests, *envelopes)  # type: ignore[misc]

    async def announce(self, event: str, identity: str, **fields: str) -> None:
        channel = self.keys.announced_connect if event == "connect" else self.keys.announced_disconnect
        news = {
            "event": event,
            "charge_point_id": identity,
            "ws_server_id": self.name,
            "timestamp": now(),
            "remote_addr": "192.0.2.9",
        }
        await self.redis.publish(channel, orjson.dumps(news | fields))

    async def listeners(self) -> int:
        """The number of processors that hear an announcement of a connection."""
        ((_, number),) = await self.redis.pubsub_numsub(self.keys.announced_connect)
        return int(number)

    def peer(self, identity: str, version: str = V16) -> Peer:
        return Peer(LegacySocket(self, identity), version, identity)  # type: ignore[arg-type]


def now(seconds: float = 0) -> str:
    moment = datetime.now(UTC) + timedelta(seconds=seconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@pytest.fixture(scope="module")
def cluster(make_cluster: MakeCluster) -> Cluster:
    return make_cluster(1, TRANSPORT_COMPAT="true")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def worker_pool(cluster: Cluster) -> AsyncIterator[WorkerPool]:
    async with processors(cluster, stations=20) as worker_pool:
        await eventually(lambda: log_of(worker_pool.log).count("processor.started") == 2, 60)
        yield worker_pool


@asynccontextmanager
async def _gateway(cluster: Cluster) -> AsyncIterator[LegacyGateway]:
    pool = BlockingConnectionPool.from_url(f"redis://{cluster.redis.address}/0", protocol=2, timeout=60)
    redis = Redis.from_pool(pool)
    try:
        yield LegacyGateway(redis, cluster.prefix)
    finally:
        await redis.aclose()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(cluster: Cluster, worker_pool: WorkerPool) -> AsyncIterator[LegacyGateway]:
    async with _gateway(cluster) as gateway:
        # Both processors must listen: a station announced earlier becomes known only by its first frame.
        async with asyncio.timeout(60):
            while await gateway.listeners() < 2:
                await asyncio.sleep(0.02)  # no event to await: other processes subscribe
        yield gateway


async def test_an_announced_station_charges(cluster: Cluster, gateway: LegacyGateway, identity: str) -> None:
    await gateway.announce("connect", identity)
    await eventually(lambda: cluster.is_online(identity))
    peer = gateway.peer(identity)
    await peer.boot()

    started = await peer.call("StartTransaction", start_of(identity))

    assert [row["id"] for row in cluster.transactions(identity)] == [started["transactionId"]]
    assert cluster.charge_point(identity)["remote_address"] == "192.0.2.9"
    assert await gateway.redis.sismember(gateway.keys.active, identity)  # type: ignore[misc]
    await eventually(lambda: identity in cluster.clients(cluster.servers[0]))


async def test_a_frame_that_is_faster_than_its_announcement_connects_once(
    cluster: Cluster, gateway: LegacyGateway, identity: str
) -> None:
    peer = gateway.peer(identity)
    await peer.boot()
    connection = cluster.charge_point(identity)["connection_id"]

    await gateway.announce("connect", identity)
    await peer.heartbeat()

    assert cluster.is_online(identity)
    assert cluster.charge_point(identity)["connection_id"] == connection


async def test_the_order_of_one_list_is_the_order_of_every_station(
    worker_pool: WorkerPool, gateway: LegacyGateway
) -> None:
    identities = [worker_pool.unused_identity() for _ in range(4)]
    peers = [gateway.peer(identity) for identity in identities]
    for peer in peers:
        await peer.boot()
    frames = [
        gateway.packed(identity, f'[2,"{identity}-{number}","DataTransfer",{{"vendorId":"x"}}]')
        for number in range(40)
        for identity in identities
    ]

    await gateway.push(*frames)

    answers = [[(await peer.next_frame())[1] for _ in range(40)] for peer in peers]
    assert answers == [[f"{identity}-{number}" for number in range(40)] for identity in identities]


async def test_a_command_reaches_the_station_and_a_disconnect_ends_the_next_one(
    cluster: Cluster, gateway: LegacyGateway, identity: str
) -> None:
    operator, peer = Operator(cluster.servers[0]), gateway.peer(identity)
    await gateway.announce("connect", identity)
    await peer.boot()
    asking = asyncio.create_task(operator.command(identity, "ClearCache"))
    await peer.answer(await peer.next_call(), {"status": "Accepted"})
    assert (await asking)[0] == 200
    asking = asyncio.create_task(operator.command(identity, "ClearCache", timeout=60))
    await peer.next_call()

    await gateway.announce("disconnect", identity)

    assert (await asyncio.wait_for(asking, TIMEOUT_S))[0] == 503
    await eventually(lambda: not cluster.is_online(identity))
    assert not await gateway.redis.sismember(gateway.keys.active, identity)  # type: ignore[misc]


async def test_a_late_announcement_of_an_ended_connection_changes_nothing(
    cluster: Cluster, gateway: LegacyGateway, identity: str
) -> None:
    await gateway.announce("connect", identity)
    peer = gateway.peer(identity)
    await peer.boot()

    await gateway.announce("disconnect", identity, timestamp=now(-60))
    await gateway.announce("disconnect", identity, ws_server_id="ws-2")

    await peer.heartbeat()
    assert cluster.is_online(identity)


async def test_the_ocpp_version_is_detected_from_the_boot(
    cluster: Cluster, gateway: LegacyGateway, identity: str
) -> None:
    await gateway.announce("connect", identity)
    peer = gateway.peer(identity, V201)

    await peer.boot()

    assert cluster.charge_point(identity)["ocpp_version"] == V201


async def test_a_message_without_a_station_becomes_a_dead_letter(
    gateway: LegacyGateway, identity: str
) -> None:
    peer = gateway.peer(identity)

    await gateway.push(b"{broken", orjson.dumps({"charge_point_id": 7}), b"[]")

    await peer.boot()
    async with asyncio.timeout(TIMEOUT_S):
        while await gateway.redis.llen(gateway.keys.dead) != 3:  # type: ignore[misc]
            await asyncio.sleep(0.02)  # poll: another process stores the dead letters


async def test_an_unknown_station_gets_no_answer(gateway: LegacyGateway) -> None:
    await gateway.announce("connect", "unknown-station")
    peer = gateway.peer("unknown-station")

    await peer.send([2, "1", "Heartbeat", {}])

    with pytest.raises(TimeoutError):
        await peer.next_frame(2)


async def test_S12_where_unknown_stations_are_accepted_only_a_boot_adds_one(
    make_cluster: MakeCluster,
) -> None:
    cluster = make_cluster(0, TRANSPORT_COMPAT="true")
    cluster.add(1, "processor")
    async with _gateway(cluster) as gateway:
        for is_announced in (True, False):
            peer = gateway.peer(fresh("NEW"), V201)
            if is_announced:
                await gateway.announce("connect", peer.identity)

            with pytest.raises(Refused) as refusal:
                await peer.call("Heartbeat")
            before = cluster.rows("SELECT id FROM chargepoints_chargepoint")
            answer = await peer.boot()
            await peer.heartbeat()

            assert (refusal.value.code, len(before)) == ("SecurityError", not is_announced)
            assert answer["status"] == "Accepted"
            row = cluster.charge_point(peer.identity)
            assert (row["is_online"], row["ocpp_version"], row["vendor"]) == (True, V201, "Vendor")
