"""Campaigns with several processes: the elected one sends, also when it is killed and started again."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from tests.conformance.peer import Operator, Peer, eventually, station
from tests.distributed.cluster import Cluster
from tests.distributed.conftest import MakeCluster
from tests.servers import LiveServer

STATIONS = 8
CLAIM_DIES_S = 30  # `stepping.CLAIM_DIES`


async def answer_all(peer: Peer, sent: list[str]) -> None:
    """Accept every command that comes; note who got one."""
    while True:
        call = await peer.next_call(600)
        sent.append(peer.identity)
        await peer.answer(call, {"status": "Accepted"})


async def accept(peer: Peer) -> None:
    """Accept one command; a second one would come before the answer to the heartbeat."""
    await peer.answer(await peer.next_call(), {"status": "Accepted"})
    await peer.heartbeat()


async def start(web: LiveServer, peers: list[Peer]) -> str:
    """Create a campaign for these stations and return its URL."""
    body = {
        "name": "Campaign",
        "kind": "command",
        "arguments": {"command": "clear-cache"},
        "stations": {"clientIds": [peer.identity for peer in peers]},
        "canary": False,
        "atOnce": 3,
    }
    status, answer = await Operator(web).request("POST", "/api/v1/campaigns", body)
    assert status == 201, answer
    return f"/api/v1/campaigns/{answer['data']['id']}"


async def test_a_campaign_reaches_the_stations_of_every_process(shared: Cluster) -> None:
    async with AsyncExitStack() as stack:
        peers = [await stack.enter_async_context(station(server)) for server in shared.servers]
        await eventually(lambda: all(shared.is_online(peer.identity) for peer in peers))

        one = await start(shared.servers[0], peers)
        await asyncio.gather(*map(accept, peers))

        ended = "SELECT finished_at FROM chargepoints_campaign WHERE id = %s"
        await eventually(lambda: shared.rows(ended, int(one.rpartition("/")[2]))[0]["finished_at"])
    _, answer = await Operator(shared.servers[1]).request("GET", one)
    assert (answer["data"]["state"], answer["data"]["counts"]["done"]) == ("finished", len(peers))


@pytest.mark.nightly
async def test_a_killed_housekeeper_sends_nothing_twice_and_forgets_no_station(
    make_cluster: MakeCluster,
) -> None:
    cluster = make_cluster(1)
    (web,) = cluster.servers
    (keeper,) = cluster.add(role="housekeeping")
    sent: list[str] = []
    async with AsyncExitStack() as stack:
        peers = [await stack.enter_async_context(station(web)) for _ in range(STATIONS)]
        serving = [asyncio.create_task(answer_all(peer, sent)) for peer in peers]
        await eventually(lambda: all(cluster.is_online(peer.identity) for peer in peers))
        await start(web, peers)
        for number in (1, 5):
            # The first answer of a batch, while the housekeeper may be about to send the others.
            await eventually(lambda number=number: len(sent) >= number, timeout=4 * CLAIM_DIES_S)
            await asyncio.to_thread(keeper.kill)
            await asyncio.to_thread(keeper.start)

        ended = "SELECT finished_at FROM chargepoints_campaign"
        await eventually(lambda: cluster.rows(ended)[0]["finished_at"], timeout=4 * CLAIM_DIES_S)
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)

    states = cluster.rows(
        "SELECT state, count(*) AS stations FROM chargepoints_campaignstation GROUP BY state"
    )
    assert states == [{"state": "done", "stations": STATIONS}]
    assert sorted(sent) == sorted(peer.identity for peer in peers)
