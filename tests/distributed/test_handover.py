"""One identity on several processes: the newest connection wins, a late close changes nothing (F03-F05)."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress

import psycopg
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.conformance.peer import Operator, Peer, at, eventually, fresh, station
from tests.distributed.cluster import Cluster
from tests.distributed.conftest import MOVES
from tests.servers import LiveServer

START = {"connectorId": 1, "idTag": MOVES, "meterStart": 100}


async def test_the_newest_connection_wins_and_commands_follow_it(shared: Cluster) -> None:
    old_home, new_home, elsewhere, _ = shared.servers
    identity = fresh()
    async with station(old_home, identity=identity) as old, station(new_home, identity=identity) as new:
        assert await old.closed() == 1001

        asking = asyncio.create_task(Operator(elsewhere).command(identity, "ClearCache"))
        await new.answer(await new.next_call(), {"status": "Accepted"})

        status, _ = await asking
        assert status == 200
        # The heartbeat is answered after the old process has finished the late close of its socket.
        await eventually(lambda: "station.closing" in old_home.log.read_text())
        await new.heartbeat()
        assert shared.is_online(identity)
        await eventually(lambda: identity in shared.clients(elsewhere))
    await eventually(lambda: not shared.is_online(identity))
    await eventually(lambda: identity not in shared.clients(old_home))


async def test_an_open_message_is_finished_and_answered_before_the_new_process_loads(
    shared: Cluster,
) -> None:
    old_home, new_home = shared.servers[:2]
    identity = fresh()
    start = {**START, "timestamp": at()}
    async with AsyncExitStack() as stack:
        old = await connect(stack, old_home, identity)
        with psycopg.connect(shared.database_url) as lock:
            # The lock keeps the start from being stored: it is still open when the station reconnects.
            lock.execute("LOCK TABLE transactions_transaction IN EXCLUSIVE MODE")
            starting = asyncio.create_task(old.call("StartTransaction", start))
            await eventually(lambda: waits_for_a_lock(shared))
            arriving = asyncio.create_task(connect(stack, new_home, identity))
            await eventually(lambda: "station.replaced" in new_home.log.read_text())

            lock.rollback()
        new = await arriving
        first = await starting
        assert await old.closed() == 1001

        again = await new.call("StartTransaction", start)

        assert again == first
        assert [row["id"] for row in shared.transactions(identity)] == [first["transactionId"]]
        stop = {"transactionId": first["transactionId"], "meterStop": 200, "timestamp": at()}
        await new.call("StopTransaction", stop)


async def test_many_connections_of_one_identity_at_once_leave_exactly_one(shared: Cluster) -> None:
    identity = fresh()

    async def attempt(stack: AsyncExitStack, number: int) -> Peer | None:
        try:
            return await connect(stack, shared.servers[number % 4], identity)
        except InvalidStatus as refused:
            assert refused.response.status_code == 503
            return None

    async def is_alive(peer: Peer) -> bool:
        try:
            await peer.heartbeat()
        except ConnectionClosed:
            return False
        return True

    async with AsyncExitStack() as stack:
        arrived = await asyncio.gather(*(attempt(stack, number) for number in range(3)))
        alive = [peer for peer in arrived if peer]
        while len(alive) > 1:
            alive = [peer for peer in alive if await is_alive(peer)]

        asking = asyncio.create_task(Operator(shared.servers[0]).command(identity, "ClearCache"))
        await alive[0].answer(await alive[0].next_call(), {"status": "Accepted"})

        status, _ = await asking
        assert status == 200
        assert shared.is_online(identity)


async def test_commands_while_a_station_moves_are_neither_lost_nor_sent_twice(shared: Cluster) -> None:
    identity = fresh()
    seen: list[str] = []

    async def serve(peer: Peer) -> None:
        with suppress(ConnectionClosed):
            while True:
                call = await peer.next_call(60)
                seen.append(call[1])
                await peer.answer(call, {"status": "Accepted"})

    async def ask(number: int) -> int:
        status, _ = await Operator(shared.servers[number % 4]).command(identity, "ClearCache")
        return status

    asking: list[asyncio.Task[int]] = []
    serving = []
    async with AsyncExitStack() as stack:
        for move in range(3):  # further ones would wait (F04)
            peer = await connect(stack, shared.servers[move % 4], identity)
            serving.append(asyncio.create_task(serve(peer)))
            asking += [asyncio.create_task(ask(number)) for number in range(6)]
            # In every second round the station moves while commands are still open.
            await (asking[-1] if move % 2 else asyncio.gather(*asking[-6:]))
        answers = await asyncio.gather(*asking)
    await asyncio.gather(*serving)

    # Each command is sent once. A command that was open when the socket closed fails at once with 503.
    assert len(seen) == len(set(seen))
    assert set(answers) <= {200, 503}
    assert answers.count(200) >= 9


def waits_for_a_lock(cluster: Cluster) -> bool:
    return bool(
        cluster.rows(
            "SELECT 1 FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
            " WHERE NOT l.granted AND d.datname = current_database()"
        )
    )


async def connect(stack: AsyncExitStack, server: LiveServer, identity: str, *, boot: bool = True) -> Peer:
    """Connect a station until the stack ends. A newer connection may replace it before it has booted."""
    peer = await stack.enter_async_context(station(server, identity=identity, boot=False))
    if boot:
        with suppress(ConnectionClosed):
            await peer.boot()
    return peer
