"""Commands between processes: one receives the HTTP request, another has the station's socket."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from tests.conformance.peer import Operator, Peer, fresh, station
from tests.distributed.cluster import Cluster

STATIONS = 50


async def test_a_command_sent_to_one_process_reaches_a_station_at_another(shared: Cluster) -> None:
    here, there = shared.servers[:2]
    async with station(there) as peer:
        asking = asyncio.create_task(Operator(here).command(peer.identity, "ClearCache"))

        call = await peer.next_call()
        await peer.answer(call, {"status": "Rejected"})

        status, data = await asking
        assert call[2] == "ClearCache"
        assert (status, data["status"], data["requestId"]) == (200, "Rejected", call[1])


async def test_each_caller_gets_its_own_answer_with_fifty_commands_through_four_processes(
    shared: Cluster,
) -> None:
    servers = shared.servers

    async def serve(peer: Peer) -> None:
        call = await peer.next_call(60)
        # Only this station gives this answer, and only to this command.
        await peer.answer(call, {"status": "Accepted", "data": f"{peer.identity}/{call[3]['data']}"})

    async def ask(number: int, identity: str) -> str:
        payload = {"vendorId": "test", "data": str(number)}
        operator = Operator(servers[(number + 1) % len(servers)])
        status, data = await operator.command(identity, "DataTransfer", payload, timeout=60)
        assert status == 200, data
        return str(data["response"]["data"])

    async with AsyncExitStack() as stack:
        peers = [
            await stack.enter_async_context(station(servers[number % len(servers)]))
            for number in range(STATIONS)
        ]
        serving = [asyncio.create_task(serve(peer)) for peer in peers]

        answers = await asyncio.gather(*(ask(number, peer.identity) for number, peer in enumerate(peers)))

        await asyncio.gather(*serving)
    assert answers == [f"{peer.identity}/{number}" for number, peer in enumerate(peers)]


async def test_commands_of_several_processes_reach_a_station_one_after_the_other(shared: Cluster) -> None:
    identity = fresh()
    async with station(shared.servers[0], identity=identity) as peer:
        asking = [
            asyncio.create_task(
                Operator(shared.servers[number % 4]).command(
                    identity, "DataTransfer", {"vendorId": "test", "data": str(number)}, timeout=60
                )
            )
            for number in range(12)
        ]
        seen = []
        for _ in asking:
            call = await peer.next_call()
            # A second call in flight would arrive before the answer to this heartbeat.
            await peer.heartbeat()
            seen.append(call[3]["data"])
            await peer.answer(call, {"status": "Accepted", "data": call[3]["data"]})
        answers = await asyncio.gather(*asking)

    assert sorted(seen, key=int) == [str(number) for number in range(12)]
    assert [data["response"]["data"] for _, data in answers] == [str(number) for number in range(12)]


async def test_a_command_to_an_offline_station_is_refused_at_once(shared: Cluster) -> None:
    identity = fresh()
    async with station(shared.servers[0], identity=identity):
        pass

    status, _ = await Operator(shared.servers[1]).command(identity, "ClearCache")

    assert status == 503
