"""Campaigns through real sockets: stations that accept, reject, never answer, drop out, or are offline."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.conformance.campaigning import created, ended, results
from tests.conformance.peer import V16, V201, Operator, Peer, Records, eventually, fresh, known, station
from tests.servers import LiveServer

SOFT = {"type": "Soft"}


async def create(
    operator: Operator, stations: list[str], command: str, fields: dict[str, Any], **options: Any
) -> str:
    """Create a campaign of a command and return its URL."""
    return await created(operator, "command", {"command": command, "fields": fields}, stations, **options)


@pytest.fixture
async def yard(server: LiveServer) -> AsyncIterator[Callable[..., Any]]:
    """Make connected stations."""
    async with AsyncExitStack() as stack:

        async def make(version: str = V16, prefix: str = "CP") -> Peer:
            return await stack.enter_async_context(station(server, version, fresh(prefix)))

        yield make


async def test_each_behaviour_has_its_own_result(server, operator, records, yard) -> None:
    names = ("accepts", "rejects", "fails", "silent", "drops")
    peers = {name: await yard(V201 if name == "rejects" else V16, name) for name in names}
    offline = await known(server)
    one = await create(
        operator,
        [*(peer.identity for peer in peers.values()), offline],
        "availability",
        {"type": "Inoperative", "timeout": 2},
        offline="skip",
    )

    calls = {name: await peer.next_call() for name, peer in peers.items()}
    await peers["accepts"].answer(calls["accepts"], {"status": "Accepted"})
    await peers["rejects"].answer(calls["rejects"], {"status": "Rejected"})
    await peers["fails"].send([4, calls["fails"][1], "InternalError", "broken", {}])
    peers["drops"].abort()
    campaign = await ended(operator, one, records)

    assert await results(operator, one) == {
        peers["accepts"].identity: "done",
        peers["rejects"].identity: "failed rejected",
        peers["fails"].identity: "failed error",
        peers["silent"].identity: "failed no-answer",
        peers["drops"].identity: "failed connection-lost",
        offline: "offline offline",
    }
    assert campaign["state"] == "finished"
    assert {call[2] for call in calls.values()} == {"ChangeAvailability"}
    for peer in peers.values():  # each was sent to once
        (command,) = records.commands(peer.identity)
        assert command["actor"] == f"campaign {campaign['id']}"


async def test_a_reset_is_done_with_the_boot_that_follows(server, operator, records, yard) -> None:
    peer = await yard()
    one = await create(operator, [peer.identity], "reset", SOFT)
    await peer.answer(await peer.next_call(), {"status": "Accepted"})
    await eventually(lambda: records.commands(peer.identity)[0]["effect"] == "waiting")
    assert await results(operator, one) in ({peer.identity: "sent"}, {peer.identity: "claimed"})

    await peer.boot()
    await ended(operator, one, records)

    assert await results(operator, one) == {peer.identity: "done"}


async def test_a_rejection_is_tried_again(server, operator, records, yard) -> None:
    peer = await yard()
    one = await create(operator, [peer.identity], "clear-cache", {}, attempts=2, retryPauseS=0)

    await peer.answer(await peer.next_call(), {"status": "Rejected"})
    await peer.answer(await peer.next_call(), {"status": "Accepted"})
    await ended(operator, one, records)

    assert await results(operator, one) == {peer.identity: "done"}
    _, answer = await operator.request("GET", f"{one}/stations")
    assert answer["data"]["stations"][0]["attempts"] == 2


async def test_a_rejecting_canary_stops_the_campaign(server, operator, records, yard) -> None:
    peers = [await yard() for _ in range(3)]
    one = await create(
        operator, [peer.identity for peer in peers], "clear-cache", {}, canary=True, failureLimitPercent=20
    )
    first = min(peers, key=lambda peer: peer.identity.casefold())
    await first.answer(await first.next_call(), {"status": "Rejected"})

    number = int(one.rpartition("/")[2])
    state = "SELECT state FROM chargepoints_campaign WHERE id = ?"
    await eventually(lambda: records.rows(state, number)[0]["state"] == "paused")

    for peer in peers:
        await peer.heartbeat()  # and no call came before its answer
    assert sorted((await results(operator, one)).values()) == ["failed rejected", "waiting", "waiting"]
    _, answer = await operator.request("POST", f"{one}/resume")
    assert answer["data"]["state"] == "running"
    for peer in peers:
        if peer is not first:
            await peer.answer(await peer.next_call(), {"status": "Accepted"})
    await ended(operator, one, records)
    assert sorted((await results(operator, one)).values()) == ["done", "done", "failed rejected"]


async def test_a_station_that_comes_online_gets_its_turn(server, operator, records) -> None:
    identity = await known(server)
    await operator.change(identity, registrationStatus="Accepted")
    one = await create(operator, [identity], "clear-cache", {})

    async with station(server, V16, identity) as peer:
        await peer.answer(await peer.next_call(), {"status": "Accepted"})
        await ended(operator, one, records)

    assert await results(operator, one) == {identity: "done"}


async def test_a_killed_server_sends_nothing_twice_and_leaves_no_station_out(make_server) -> None:
    server = make_server()
    operator, records = Operator(server), Records(server.database)
    names = sorted(fresh() for _ in range(2))
    async with station(server, V16, names[0]) as first, station(server, V16, names[1]):
        one = await create(operator, names, "clear-cache", {}, atOnce=1)
        assert (await first.next_call())[2] == "ClearCache"
        server.kill()
    server.start()

    async with station(server, V16, names[0]) as first, station(server, V16, names[1]) as second:
        await second.answer(await second.next_call(), {"status": "Accepted"})
        await ended(operator, one, records)
        await first.heartbeat()

    assert await results(operator, one) == {names[0]: "failed connection-lost", names[1]: "done"}
    assert len(records.commands(names[0])) == 1
