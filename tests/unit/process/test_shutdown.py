"""The stop of a process: it refuses new sockets, answers open messages, and closes sockets in turn (F12)."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from ocpp_server.transport import shutdown
from tests.conformance.peer import Operator, Peer, at, eventually, station
from tests.servers import LiveServer

pytestmark = pytest.mark.slow
# The server closes a hundred sockets a second; without need of an order, fewer stations show the rule.
STATIONS, FEWER = 100, 40
GRACE_S = 20


@pytest.fixture
def server(tmp_path: Path, migrated_database: Path) -> Iterator[LiveServer]:
    server = LiveServer(tmp_path, template=migrated_database, SHUTDOWN_GRACE=f"{GRACE_S}s").start()
    yield server
    server.kill()


def send_sigterm(server: LiveServer) -> None:
    assert server.process is not None
    server.process.send_signal(signal.SIGTERM)


async def ended(server: LiveServer) -> int:
    assert server.process is not None
    return await asyncio.to_thread(server.process.wait, 60)


def stored(server: LiveServer, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(server.database)) as database:
        return database.execute(sql).fetchall()


@asynccontextmanager
async def crowd(server: LiveServer, count: int) -> AsyncIterator[list[Peer]]:
    async with AsyncExitStack() as stack:
        async with asyncio.TaskGroup() as group:
            joining = [group.create_task(stack.enter_async_context(station(server))) for _ in range(count)]
        yield [task.result() for task in joining]


async def test_F12_open_messages_are_answered_and_stored_and_none_gets_an_error(
    server: LiveServer,
) -> None:
    async with crowd(server, FEWER) as peers:
        answers = [asyncio.create_task(charge(peer)) for peer in peers]
        await eventually(lambda: stored(server, "SELECT COUNT(*) FROM transactions_transaction")[0][0] > 5)  # type: ignore[operator]

        send_sigterm(server)
        numbers = [number for peer_numbers in await asyncio.gather(*answers) for number in peer_numbers]

        codes = {await peer.closed() for peer in peers}
    assert await ended(server) == 0
    assert codes == {1001}
    kept = {number for (number,) in stored(server, "SELECT id FROM transactions_transaction")}
    # Each station has had an answer; how many have had a second one depends on the machine.
    assert len(numbers) >= FEWER and set(numbers) <= kept
    assert stored(server, "SELECT COUNT(*) FROM chargepoints_message WHERE error_code <> ''") == [(0,)]
    assert stored(server, "SELECT COUNT(*) FROM chargepoints_chargepoint WHERE is_online") == [(0,)]
    assert "Traceback" not in server.log.read_text()


async def charge(peer: Peer) -> list[int]:
    """Start and stop sessions until the socket is closed; the transaction ids of the answers."""
    numbers: list[int] = []
    try:
        while True:
            start = {"connectorId": 1, "idTag": peer.identity[-20:], "meterStart": 1, "timestamp": at()}
            numbers.append((await peer.call("StartTransaction", start))["transactionId"])
            stop = {"transactionId": numbers[-1], "meterStop": 2, "timestamp": at()}
            await peer.call("StopTransaction", stop)
    except ConnectionClosed:
        return numbers


async def test_F12_sockets_close_one_after_the_other_and_new_stations_are_refused(server: LiveServer) -> None:
    closings: list[float] = []
    async with crowd(server, STATIONS) as peers:
        waiting = [asyncio.create_task(closed_at(peer, closings)) for peer in peers]
        async with station(server) as late:
            # The server still answers requests while this answer is open.
            asking = asyncio.create_task(ask(server, late))
            call = await late.next_call()

            send_sigterm(server)
            await eventually(lambda: bool(closings))
            with pytest.raises(InvalidStatus) as refused:
                async with station(server):
                    raise AssertionError("it was let in")
            status, ready = await asyncio.to_thread(server.request, "GET", "/health/ready")
            await late.answer(call, {"status": "Accepted"})

            await asyncio.gather(*waiting)
            assert (await asking)[0] == 200
    assert refused.value.response.status_code == 503
    assert int(refused.value.response.headers["Retry-After"]) > 0
    assert (status, ready["data"]["parts"]["shutdown"]["ok"]) == (503, False)
    assert ready["data"]["code"] == "not-ready"
    assert await ended(server) == 0
    # The server closes a hundred sockets a second: the last of a hundred a second after the first.
    assert 0.5 < max(closings) - min(closings) < GRACE_S
    busiest = max(sum(moment <= other < moment + 0.25 for other in closings) for moment in closings)
    assert busiest < STATIONS * 0.75


async def test_stations_that_disconnect_at_the_same_moment_are_no_error(server: LiveServer) -> None:
    async with crowd(server, FEWER) as peers:
        send_sigterm(server)
        # The server has closed the first socket; the next ones belong to stations that disconnect too.
        await peers[0].closed()
        await asyncio.gather(*(peer.socket.close() for peer in peers))

    assert await ended(server) == 0
    assert "Traceback" not in server.log.read_text()
    assert stored(server, "SELECT COUNT(*) FROM chargepoints_chargepoint WHERE is_online") == [(0,)]


async def closed_at(peer: Peer, closings: list[float]) -> None:
    assert await peer.closed(2 * GRACE_S) == 1001
    closings.append(time.monotonic())


async def ask(server: LiveServer, peer: Peer) -> tuple[int, dict[str, Any]]:
    """Send a command to the station, with enough time for its answer."""
    return await Operator(server).command(peer.identity, "ClearCache", timeout=60)


async def test_F12_a_command_that_is_with_a_station_still_gets_its_answer(server: LiveServer) -> None:
    async with station(server) as peer:
        asking = asyncio.create_task(ask(server, peer))
        call = await peer.next_call()

        send_sigterm(server)
        await eventually(lambda: "shutdown.began" in server.log.read_text())
        await peer.answer(call, {"status": "Accepted"})

        status, data = await asking
        assert await peer.closed() == 1001
    assert (status, data["status"]) == (200, "Accepted")
    assert await ended(server) == 0


async def test_F12_a_second_signal_ends_at_once(server: LiveServer) -> None:
    async with station(server) as peer:
        asking = asyncio.create_task(ask(server, peer))
        await peer.next_call()
        send_sigterm(server)
        await eventually(lambda: "shutdown.began" in server.log.read_text())
        began = time.monotonic()

        send_sigterm(server)

        await ended(server)
        await asyncio.gather(asking, return_exceptions=True)
    assert time.monotonic() - began < GRACE_S / 2


class Socket:
    """A socket that closes at once."""

    is_awaited = False

    def __init__(self, sockets: set[Socket]) -> None:
        self.sockets = sockets
        self.closed: tuple[int, str] | None = None
        sockets.add(self)

    async def finish(self, code: int, reason: str) -> None:
        self.closed = code, reason
        self.sockets.discard(self)


async def test_the_grace_period_is_used_in_proportion_to_the_sockets() -> None:
    sockets: set[Socket] = set()
    some = [Socket(sockets) for _ in range(30)]
    shutdown.serve(lambda: sockets)
    began = time.monotonic()

    await shutdown.drain()

    assert {socket.closed for socket in some} == {(1001, shutdown.REASON)}
    assert 0.25 < time.monotonic() - began < 10
    shutdown.serve(tuple)


async def test_a_socket_that_opens_while_the_others_close_is_closed_too() -> None:
    sockets: set[Socket] = set()
    first = Socket(sockets)
    shutdown.serve(lambda: sockets)
    closing = shutdown.drain()
    late = Socket(sockets)

    await closing

    assert first.closed is not None and late.closed is not None
    shutdown.serve(tuple)


def test_listeners_are_called_once_when_a_shutdown_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr(shutdown, "_listeners", [])
    shutdown.on_begin(lambda: calls.append("began"))
    shutdown.serve(tuple)

    shutdown.begin()
    shutdown.begin()

    assert calls == ["began"]
    shutdown.serve(tuple)
