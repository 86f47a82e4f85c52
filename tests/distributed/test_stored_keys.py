"""Stored configuration keys: they are in the database, Redis has a copy, and changes reach every process."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.conformance.peer import Operator, Peer, eventually, fresh, station
from tests.distributed.cluster import Cluster
from tests.distributed.test_live_view import NEWS_S


async def test_a_change_at_one_process_reaches_all_others_and_redis(shared: Cluster) -> None:
    first, second = shared.servers[:2]
    identity = fresh()
    path = f"/api/v1/chargepoints/{identity}/configuration"
    async with station(second, identity=identity) as peer:
        assert await stored(peer, "HeartbeatInterval") == "300"

        # The operator at another process, then the station itself.
        for value in ("45", "46"):
            status, answer = await Operator(first).request(
                "PUT", path, {"key": "HeartbeatInterval", "value": value}
            )
            assert (status, answer["data"]["status"]) == (200, "Accepted")
            await eventually(
                lambda value=value: keys_in_redis(shared, identity) == {"HeartbeatInterval": value}
            )
            await until_stored(peer, "HeartbeatInterval", value)
        change = {"key": "BlinkRepeat", "value": "5"}
        assert await peer.call("ChangeConfiguration", change) == {"status": "Accepted"}
        assert await stored(peer, "BlinkRepeat") == "5"
        await eventually(lambda: keys_in_redis(shared, identity).get("BlinkRepeat") == "5")

        # A default is not stored, a secret is not copied to Redis, and a deleted station leaves no keys.
        await Operator(first).request("PUT", path, {"key": "BlinkRepeat", "value": "3"})
        await Operator(first).request("PUT", path, {"key": "AuthorizationKey", "value": "0aF1" * 8})
        await eventually(lambda: keys_in_redis(shared, identity) == {"HeartbeatInterval": "46"})
        await until_stored(peer, "BlinkRepeat", "3")
    status, answer = await Operator(first).request("DELETE", f"/api/v1/chargepoints/{identity}")
    assert status in (200, 204), answer
    await eventually(lambda: not keys_in_redis(shared, identity))
    assert not shared.redis.client.sismember(f"{shared.prefix}:business:stations", identity)


async def test_after_a_flush_redis_gets_the_stored_keys_from_the_database(shared: Cluster) -> None:
    identity = fresh()
    async with station(shared.servers[0], identity=identity):
        path = f"/api/v1/chargepoints/{identity}/configuration"
        await Operator(shared.servers[1]).request("PUT", path, {"key": "HeartbeatInterval", "value": "77"})
        await eventually(lambda: keys_in_redis(shared, identity) == {"HeartbeatInterval": "77"})

        keys = shared.redis.client.scan_iter(f"{shared.prefix}:*", count=1000)
        shared.redis.client.delete(*keys)

        await eventually(lambda: keys_in_redis(shared, identity) == {"HeartbeatInterval": "77"})


def keys_in_redis(cluster: Cluster, identity: str) -> dict[str, str]:
    found: dict[str, str] = cluster.redis.client.hgetall(f"{cluster.prefix}:config:{identity}")  # type: ignore[assignment]
    return found


async def stored(peer: Peer, key: str) -> Any:
    (entry,) = (await peer.call("GetConfiguration", {"key": [key]}))["configurationKey"]
    return entry["value"]


async def until_stored(peer: Peer, key: str, value: str) -> None:
    async with asyncio.timeout(NEWS_S):
        while await stored(peer, key) != value:
            pass
