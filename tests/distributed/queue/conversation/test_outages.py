"""The database is away, a message fails repeatedly, a station floods the queue, processors are replaced."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import psycopg
import pytest

from tests.conformance.peer import Peer, at
from tests.distributed.cluster import Cluster
from tests.distributed.queue.worker_pool import FakeGateway, WorkerPool, socket_of

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_no_message_is_answered_without_the_database_and_then_all_in_order(
    cluster: Cluster, peer: Peer, identity: str
) -> None:
    name = cluster.database_url.rpartition("/")[2]
    with psycopg.connect(cluster.database_url.rpartition("/")[0] + "/postgres", autocommit=True) as admin:
        admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        for number in range(5):
            await peer.send([2, f"m-{number}", "DataTransfer", {"vendorId": "x", "data": str(number)}])
        with pytest.raises(TimeoutError):
            await peer.next_frame(3)  # longer than the journal's budget
        admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')

    answers = [await peer.next_frame(60) for _ in range(5)]

    assert [(kind, message_id) for kind, message_id, *_ in answers] == [(3, f"m-{n}") for n in range(5)]
    assert [row["message_id"] for row in messages(cluster, identity)] == [f"m-{n}" for n in range(5)]


async def test_a_message_that_failed_five_times_becomes_a_dead_letter_and_the_next_is_handled(
    cluster: Cluster, gateway: FakeGateway, peer: Peer, identity: str
) -> None:
    await fail_before(gateway, identity, attempts=5)
    await peer.send([2, "failing-1", "DataTransfer", {"vendorId": "x", "data": "psk=hunter2"}])
    frame = await peer.answer_to("failing-1")
    await peer.heartbeat()

    (letter,) = await gateway.redis.lrange(gateway.keys.dead_of(identity), 0, -1)  # type: ignore[misc]
    assert frame[:3] == [4, "failing-1", "InternalError"]
    assert "failing-1" in orjson.loads(letter)["envelope"]
    assert "psk=***" in letter and "hunter2" not in letter
    assert messages(cluster, identity) == []


async def test_a_failing_billing_message_is_quarantined_and_answered(
    cluster: Cluster, gateway: FakeGateway, peer: Peer, identity: str
) -> None:
    await fail_before(gateway, identity, attempts=5)
    stop = {"transactionId": 99, "meterStop": 200, "timestamp": at()}

    assert await peer.call("StopTransaction", stop) == {}

    (kept,) = cluster.rows(
        "SELECT q.* FROM transactions_quarantinedmessage q JOIN chargepoints_chargepoint c"
        " ON c.id = q.charge_point_id WHERE c.identity = %s",
        identity,
    )
    assert (kept["action"], orjson.loads(kept["payload"])) == ("StopTransaction", stop)


async def test_an_unreadable_envelope_becomes_a_dead_letter(
    gateway: FakeGateway, peer: Peer, identity: str
) -> None:
    await gateway.push(identity, b"{not json", b'{"charge_point_id": "x"}')

    await peer.heartbeat()

    assert await gateway.redis.llen(gateway.keys.dead_of(identity)) == 2  # type: ignore[misc]


async def test_a_flood_of_one_station_does_not_delay_the_others(
    cluster: Cluster, worker_pool: WorkerPool, gateway: FakeGateway, peer: Peer
) -> None:
    other = await gateway.connect(worker_pool.unused_identity())
    await other.boot()
    frames = [f'[2,"f-{number}","DataTransfer",{{"vendorId":"x"}}]' for number in range(800)]
    flooding = gateway.push(peer.identity, *map(socket_of(peer).packed, frames))

    # Both are sent together: a later call could come after the end of the flood.
    await asyncio.gather(flooding, other.call("DataTransfer", {"vendorId": "x"}))

    (others,) = messages(cluster, other.identity)
    answered = [await peer.next_frame() for _ in frames]
    before = [row for row in messages(cluster, peer.identity) if row["id"] < others["id"]]
    assert len(before) < len(frames)
    assert [frame[1] for frame in answered] == [f"f-{number}" for number in range(800)]


async def test_a_processor_that_is_replaced_finishes_its_claimed_messages(
    worker_pool: WorkerPool, gateway: FakeGateway, peer: Peer
) -> None:
    before = list(worker_pool.pids)
    await worker_pool.add(2)
    for number in range(50):
        await peer.send([2, f"d-{number}", "Heartbeat", {}])

    await asyncio.gather(*(worker_pool.stop(pid) for pid in before))

    # No claim had to expire, which would take ten seconds.
    answers = [await peer.next_frame(5) for _ in range(50)]
    assert [frame[1] for frame in answers] == [f"d-{number}" for number in range(50)]


async def fail_before(gateway: FakeGateway, identity: str, *, attempts: int) -> None:
    """Set the attempts as if this many processors had died while they handled the next message."""
    await gateway.redis.hset(gateway.keys.lease(identity), "attempts", str(attempts))  # type: ignore[misc]


def messages(cluster: Cluster, identity: str) -> list[dict[str, Any]]:
    """The logged messages of the station, without the boot."""
    return cluster.rows(
        "SELECT m.* FROM chargepoints_message m JOIN chargepoints_chargepoint c ON c.id = m.charge_point_id"
        " WHERE c.identity = %s AND m.action <> 'BootNotification' ORDER BY m.id",
        identity,
    )
