"""Changes in one process reach all others: tokens, running transactions, transaction numbers."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import AsyncExitStack
from typing import Any

import orjson

from tests.conformance.peer import Operator, Peer, at, eventually, fresh, station
from tests.distributed.cluster import Cluster

STOP_WH = 1_000_000
# A process may cache a token for half a minute; a published change must arrive far sooner.
NEWS_S = 15
_readings = itertools.count(1)


async def test_a_token_blocked_in_one_process_is_refused_by_all(shared: Cluster) -> None:
    operator, uid = Operator(shared.servers[0]), fresh("TAG")
    token = await operator.add_token(uid)
    async with AsyncExitStack() as stack:
        peers = [await stack.enter_async_context(station(server)) for server in shared.servers]
        assert {await authorized(peer, uid) for peer in peers} == {"Accepted"}

        status, answer = await operator.request("PATCH", f"/api/v1/tokens/{token}", {"status": "blocked"})
        assert status == 200, answer

        for peer in peers:
            await until(lambda peer=peer: authorized(peer, uid), "Blocked")


async def test_a_token_in_use_at_one_process_is_refused_as_concurrent_at_another(shared: Cluster) -> None:
    uid = fresh("TAG")
    await Operator(shared.servers[0]).add_token(uid)
    async with station(shared.servers[1]) as here, station(shared.servers[2]) as there:
        first = await started(here, uid)
        assert first["idTagInfo"]["status"] == "Accepted"
        await eventually(lambda: str(first["transactionId"]) in shared_transactions(shared))

        second = await started_as(there, uid, "ConcurrentTx")

        await stopped(there, second["transactionId"])
        await stopped(here, first["transactionId"])
        await eventually(lambda: str(first["transactionId"]) not in shared_transactions(shared))
        third = await started_as(there, uid, "Accepted")
        await stopped(there, third["transactionId"])


async def test_numbers_are_never_issued_twice(shared: Cluster) -> None:
    async with AsyncExitStack() as stack:
        peers = [await stack.enter_async_context(station(shared.servers[n % 4])) for n in range(20)]
        # The first number after a start of Redis is above those in the database; processes that need it at
        # the same moment may leave out a hundred numbers.
        first = (await started(peers[0], "NOBODY01"))["transactionId"]

        answers = [
            answer
            for _ in range(3)
            for answer in await asyncio.gather(*(started(peer, "NOBODY01") for peer in peers))
        ]

    numbers = [answer["transactionId"] for answer in answers]
    assert sorted(numbers) == list(range(first + 1, first + 61))
    assert first >= 1000


async def test_the_live_view_holds_connectors_and_running_transactions(shared: Cluster) -> None:
    client, prefix = shared.redis.client, shared.prefix
    async with station(shared.servers[0]) as peer:
        report = {"connectorId": 1, "errorCode": "NoError", "status": "Preparing"}
        await peer.call("StatusNotification", report)
        number = (await started(peer, "NOBODY02"))["transactionId"]

        await eventually(lambda: str(number) in shared_transactions(shared))
        running = orjson.loads(shared_transactions(shared)[str(number)])
        connectors = client.hgetall(f"{prefix}:business:connectors:{peer.identity}")
        session = client.hgetall(f"{prefix}:session:{peer.identity}")

        assert running["station"] == peer.identity
        assert orjson.loads(connectors["1.1"])["status"] == "Preparing"
        assert client.sismember(f"{prefix}:business:stations", peer.identity)
        assert session["session_id"] == shared.charge_point(peer.identity)["connection_id"]
        assert client.zscore(f"{prefix}:clients", peer.identity)
        await stopped(peer, number)
    await eventually(lambda: not client.exists(f"{prefix}:session:{peer.identity}"))
    assert client.zscore(f"{prefix}:clients", peer.identity) is None


def shared_transactions(cluster: Cluster) -> dict[str, str]:
    found: dict[str, str] = cluster.redis.client.hgetall(f"{cluster.prefix}:business:transactions")  # type: ignore[assignment]
    return found


async def authorized(peer: Peer, uid: str) -> str:
    return str((await peer.call("Authorize", {"idTag": uid}))["idTagInfo"]["status"])


async def started(peer: Peer, uid: str) -> dict[str, Any]:
    # Each start has another reading: an identical start would count as a repetition.
    start = {"connectorId": 1, "idTag": uid, "meterStart": next(_readings), "timestamp": at()}
    return await peer.call("StartTransaction", start)


async def started_as(peer: Peer, uid: str, wanted: str) -> dict[str, Any]:
    """Start and stop until the answer has this status: changes from other processes arrive with a delay."""
    async with asyncio.timeout(NEWS_S):
        while (answer := await started(peer, uid))["idTagInfo"]["status"] != wanted:
            await stopped(peer, answer["transactionId"])
    return answer


async def stopped(peer: Peer, number: int) -> None:
    await peer.call("StopTransaction", {"transactionId": number, "meterStop": STOP_WH, "timestamp": at()})


async def until(ask: Any, wanted: str) -> None:
    """Repeat the request until it returns this value: changes reach other processes with a delay."""
    async with asyncio.timeout(NEWS_S):
        while await ask() != wanted:
            pass
