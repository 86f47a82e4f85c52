"""Redis answers with errors: full, a replica, a broken disk, too many clients, a changed password (F17-F19).

Requests that need Redis are refused or wait, the operator sees why, and no process needs a restart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis as redis_client

from tests.conformance.peer import Operator, Peer, eventually, fresh, known, station
from tests.distributed.cluster import LEASE_S, Cluster
from tests.distributed.conftest import MakeCluster
from tests.distributed.engines import Redis
from tests.distributed.test_live_view import authorized, shared_transactions, started, started_as, stopped
from tests.distributed.test_outage import command_reaches, errors, names_redis, ready, refusal, registered
from tests.servers import free_port

# A process logs at most this many lines in an outage, however long it lasts.
LINES_OF_AN_OUTAGE = 3


class RedisFaults:
    """Ways to break Redis. Each method returns a function that repairs it again.

    The one open connection of this class works even when Redis refuses all others.
    """

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.client: Any = redis_client.Redis(
            *_address(redis), decode_responses=True, single_connection_client=True
        )

    def full(self) -> Callable[[], Any]:
        self.client.config_set("maxmemory", "1kb")
        return lambda: self.client.config_set("maxmemory", "0")

    def replica(self) -> Callable[[], Any]:
        self.client.replicaof("127.0.0.1", str(free_port()))
        return lambda: self.client.replicaof("NO", "ONE")

    def disk_broken(self) -> Callable[[], Any]:
        """Make snapshots fail: Redis then refuses writes."""
        obstacle = Path(self.redis.folder, "dump.rdb")
        obstacle.mkdir()
        self.client.config_set("save", "3600 1000000")
        self.client.bgsave()
        while self.client.info("persistence")["rdb_last_bgsave_status"] != "err":
            pass

        def repair() -> None:
            obstacle.rmdir()
            self.client.config_set("save", "")

        return repair

    def no_more_clients(self) -> Callable[[], Any]:
        self.client.config_set("maxclients", "1")
        self._disconnect_others()
        return lambda: self.client.config_set("maxclients", "1000")

    def another_password(self) -> Callable[[], Any]:
        self.client.config_set("requirepass", "another")
        self._disconnect_others()
        return lambda: self.client.config_set("requirepass", "")

    def _disconnect_others(self) -> None:
        for kind in ("normal", "pubsub"):
            self.client.client_kill_filter(_type=kind, skipme=True)


def _address(redis: Redis) -> tuple[str, int]:
    host, _, port = redis.address.rpartition(":")
    return host, int(port)


@pytest.fixture(scope="module")
def cluster(make_cluster: MakeCluster) -> Iterator[Cluster]:
    """Two processes with a separate Redis, which these tests break in several ways."""
    redis = Redis()
    cluster = make_cluster(2, on=redis, OCPP_JOURNAL_BUDGET="60s")
    yield cluster
    cluster.stop()
    redis.close()


@pytest.mark.parametrize(
    "break_redis",
    [
        pytest.param(RedisFaults.full, marks=pytest.mark.nightly),
        pytest.param(RedisFaults.replica, marks=pytest.mark.nightly),
        pytest.param(RedisFaults.disk_broken, marks=pytest.mark.nightly),
        pytest.param(RedisFaults.no_more_clients, marks=pytest.mark.nightly),
        RedisFaults.another_password,
    ],
    ids=lambda method: method.__name__,
)
async def test_requests_that_need_redis_are_refused_or_wait_and_recover_without_a_restart(
    cluster: Cluster, break_redis: Callable[[RedisFaults], Callable[[], Any]]
) -> None:
    here, there = cluster.servers
    operator, uid, other_uid = Operator(here), fresh("TAG"), fresh("TAG")
    for tag in (uid, other_uid):
        await operator.add_token(tag)
    async with station(here) as charging, station(there) as waiting, station(there) as going_on:
        number = (await started(charging, uid))["transactionId"]
        long_one = (await started(going_on, other_uid))["transactionId"]
        await eventually(lambda: {str(number), str(long_one)} <= shared_transactions(cluster).keys())
        before = outages(cluster)
        newcomer = await known(there)

        faults = RedisFaults(cluster.redis)
        repair = break_redis(faults)
        try:
            # The readiness probe and reads during the fault.
            for server in cluster.servers:
                await eventually(lambda server=server: names_redis(server))
            assert (await operator.request("GET", "/api/v1/transactions"))[0] == 200

            # Stations that need no new number keep working; new connections get Retry-After; a start waits.
            report = {"connectorId": 1, "errorCode": "NoError", "status": "Charging"}
            await charging.call("StatusNotification", report)
            assert await authorized(charging, uid) == "Accepted"
            await stopped(charging, number)
            refused = await refusal(there, newcomer)
            assert refused.response.status_code == 503
            assert "Retry-After" in refused.response.headers
            start = asyncio.create_task(started(waiting, other_uid))
            # Wait longer than a lease: no station may be treated as disconnected meanwhile.
            for _ in range(2 * LEASE_S + 2):
                await asyncio.sleep(0.5)
                await going_on.heartbeat()
                await charging.heartbeat()
            assert not start.done()
            # The process cannot be sure any more which process has the socket, so it refuses commands.
            status, headers, answer = await asyncio.to_thread(ask_for_command, here, charging)
            assert (status, headers.get("retry-after")) == (503, "10"), answer
            assert "Redis" in answer["message"]
            assert cluster.rows("SELECT 1 FROM chargepoints_command WHERE state IN ('queued', 'sent')") == []
            assert names_redis(here)
        finally:
            repair()
            faults.client.close()

        assert (await start)["transactionId"] > long_one
        for server in cluster.servers:
            await eventually(lambda server=server: ready(server) == (200, []))
        identities = sorted(peer.identity for peer in (charging, waiting, going_on))
        await eventually(lambda: sorted(registered(cluster)) == identities)
        for server in cluster.servers:
            await eventually(lambda server=server: cluster.clients(server) == identities)
        await eventually(lambda: all(cluster.is_online(identity) for identity in identities))
        # All processes know which session ended during the fault and which still runs.
        await eventually(lambda: str(number) not in shared_transactions(cluster))
        await started_as(waiting, uid, "Accepted")
        assert str(long_one) in shared_transactions(cluster)
        await command_reaches(here, waiting)
        await command_reaches(there, charging)
        peers = (charging, waiting, going_on)
        assert [error for peer in peers for error in errors(cluster, peer.identity)] == []
    assert 0 < outages(cluster) - before <= LINES_OF_AN_OUTAGE * len(cluster.servers)
    assert "Traceback" not in cluster.log()


def outages(cluster: Cluster) -> int:
    """Count the log lines of all processes about an outage of Redis."""
    return cluster.log().count("redis.away")


def ask_for_command(server: Any, peer: Peer) -> tuple[int, dict[str, str], Any]:
    return server.exchange(
        "POST", f"/api/v1/chargepoints/{peer.identity}/commands", {"action": "ClearCache", "payload": {}}
    )
