"""F37-F42: stations that do not read, flood, flap, connect all at once, or send more often than needed."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import statistics
import sys
import time

import pytest
from websockets.exceptions import ConnectionClosed

from tests.conformance.messages import status
from tests.conformance.peer import V16, Operator, Peer, Records, eventually, fresh, station
from tests.distributed.reconnecting import FastStation, connect_all, percentile
from tests.servers import ROOT, LiveServer

_numbers = itertools.count(1)
TALKATIVE = {"OCPP_STATION_RATE": "0", "OCPP_LOG_HEARTBEATS": "on"}


def narrow(server: LiveServer) -> socket.socket:
    """A connected socket with a small receive buffer."""
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    narrow.connect(("127.0.0.1", server.port))
    narrow.setblocking(False)
    return narrow


class NonReadingStation:
    """A station that sends Heartbeats until the answers fill all buffers, and reads no answer."""

    def __init__(self, server: LiveServer, peer: Peer) -> None:
        self._peer = peer
        self._records = Records(server.database)
        peer.socket.transport.pause_reading()
        self._sending = asyncio.create_task(self._send())

    async def _send(self) -> None:
        with contextlib.suppress(ConnectionClosed, OSError):
            for number in range(10_000):
                await self._peer.send([2, f"{number:036}", "Heartbeat", {}])
                await asyncio.sleep(0)  # otherwise no other task of this process would run

    async def is_full(self) -> None:
        """Wait until the server reads no more, because this station reads no answers."""
        before, taken = -1, 0
        while before != taken or taken < 100:
            before = taken
            await asyncio.sleep(1)  # no event to await: the server stops reading
            taken = len(self._records.of("chargepoints_message", self._peer.identity))
        assert taken < 9_000, "everything went through"

    def abort(self) -> None:
        self._sending.cancel()
        self._peer.abort()


async def slowest_heartbeat(peer: Peer, count: int) -> float:
    longest = 0.0
    for _ in range(count):
        before = time.monotonic()
        await peer.heartbeat()
        longest = max(longest, time.monotonic() - before)
    return longest


async def test_F37_a_station_that_does_not_read_is_disconnected_and_others_are_unaffected(make_server):
    server = make_server(OCPP_WRITE_TIMEOUT="8s", **TALKATIVE)
    records, identity = Records(server.database), fresh("DEAF")
    async with station(server) as other, station(server, V16, identity, sock=narrow(server)) as peer:
        non_reading = NonReadingStation(server, peer)
        await non_reading.is_full()

        longest = await slowest_heartbeat(other, 20)
        await eventually(lambda: not records.charge_point(identity)["is_online"])

        non_reading.abort()
        assert longest < 4  # a station that waited for this one would wait for the timeout
        assert records.charge_point(identity)["close_code"] == 1011
        async with station(server, V16, identity) as again:
            await again.heartbeat()


async def test_F37_a_station_that_does_not_read_is_replaced_at_once_when_it_reconnects(make_server):
    server = make_server(OCPP_WRITE_TIMEOUT="60s", **TALKATIVE)
    identity = fresh("DEAF")
    async with station(server, V16, identity, sock=narrow(server)) as peer:
        non_reading = NonReadingStation(server, peer)
        await non_reading.is_full()

        began = time.monotonic()
        async with station(server, V16, identity) as again:
            await again.heartbeat()
        took = time.monotonic() - began

        non_reading.abort()
    assert took < 30  # shorter than the timeout


async def test_F37_a_command_for_a_station_that_does_not_read_ends_with_its_deadline(make_server):
    server = make_server(OCPP_WRITE_TIMEOUT="60s", **TALKATIVE)
    identity = fresh("DEAF")
    async with station(server) as other, station(server, V16, identity, sock=narrow(server)) as peer:
        non_reading = NonReadingStation(server, peer)
        await non_reading.is_full()

        stuck = asyncio.create_task(Operator(server).command(identity, "ClearCache", timeout=2))
        asked = asyncio.create_task(Operator(server).command(other.identity, "ClearCache"))
        await other.answer(await other.next_call(), {"status": "Accepted"})

        assert (await asked)[1]["status"] == "Accepted"
        assert (await stuck)[1]["status"] == "Timeout"
        non_reading.abort()


async def test_F38_a_flood_is_slowed_down_and_everything_answered(make_server):
    server = make_server(OCPP_STATION_RATE="50")
    count = 400
    async with station(server) as flooder, station(server) as other:
        began = time.monotonic()
        for number in range(count):
            await flooder.send([2, f"n{number}", "Heartbeat", {}])
        longest = await slowest_heartbeat(other, 20)
        answers = [await flooder.next_frame() for _ in range(count)]
        took = time.monotonic() - began

    assert [answer[:2] for answer in answers] == [[3, f"n{number}"] for number in range(count)]
    # The server takes 250 messages at once, then 50 a second.
    assert took > 2.5
    assert longest < took / 2  # no other station waits for the flood


async def test_F38_a_flood_of_readings_is_never_answered_with_an_error(make_server):
    server = make_server(OCPP_STATION_RATE="100")
    count = 700
    async with station(server) as flooder:
        identity = flooder.identity
        for number in range(count):
            values = [{"timestamp": "2026-01-01T00:00:00Z", "sampledValue": [{"value": str(number)}]}]
            await flooder.send([2, f"n{number}", "MeterValues", {"connectorId": 1, "meterValue": values}])
        answers = [await flooder.next_frame() for _ in range(count)]

    assert [answer for answer in answers if answer[0] != 3] == []
    assert [int(row["raw"]) for row in Records(server.database).meter_values(identity)] == list(range(count))


async def test_F39_a_status_that_flaps_is_always_answered_and_the_last_one_is_stored(server, records):
    async with station(server) as peer:
        for number in range(100):
            word = "Available" if number % 2 else "Faulted"
            assert await peer.call("StatusNotification", status(1, word)) == {}

    rows = records.of("chargepoints_connector", peer.identity)
    assert [row["status"] for row in rows] == ["Available"]


async def test_F42_frequent_heartbeats_are_answered_and_write_almost_nothing(make_server):
    server = make_server(OCPP_LOG_HEARTBEATS="off", OCPP_STATION_RATE="0")
    async with station(server) as peer:
        before, began = await written(server), time.monotonic()
        for _ in range(300):
            await peer.heartbeat()
        after, took = await written(server), time.monotonic() - began

    assert after - before <= 10 + took  # the housekeeping writes from time to time
    assert Records(server.database).of("chargepoints_message", peer.identity, "t.id")[1:] == []


async def written(server: LiveServer) -> int:
    """The number of units that the journal has written."""
    _, answer = await Operator(server).request("GET", "/health/ready")
    return int(answer["data"]["parts"]["journal"]["committed"])


@pytest.mark.load
async def test_F37_F38_a_flooding_and_a_non_reading_station_do_not_double_the_p99_of_the_others(
    make_server,
):
    server = make_server(OCPP_LOG_HEARTBEATS="on")
    invalid_clients = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.conformance.invalid_clients",
        str(server.port),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    fast_stations = [FastStation(f"GOOD-{number}") for number in range(50)]
    await connect_all(fast_stations, [server], over_s=1)

    # Both are measured in turns, so that other load on the machine affects both.
    p99s: dict[str, list[float]] = {"off": [], "on": []}
    for _ in range(4):
        for word in ("off", "on"):
            invalid_clients.stdin.write(f"{word}\n".encode())
            assert (await invalid_clients.stdout.readline()).strip() == word.encode()
            p99s[word].append(percentile(await waits(fast_stations, seconds=5), 99))

    invalid_clients.stdin.close()
    await invalid_clients.wait()
    await asyncio.gather(*(fast_station.leave() for fast_station in fast_stations))
    print({word: [f"{p99 * 1000:.1f} ms" for p99 in each] for word, each in p99s.items()})
    alone, beside = (statistics.median(p99s[word]) for word in ("off", "on"))
    # Times below ten milliseconds depend on the machine.
    assert beside <= 2 * max(alone, 0.010)


async def waits(fast_stations: list[FastStation], *, seconds: float, every_s: float = 0.5) -> list[float]:
    """The seconds that readings waited for their answers; each station sends one every half second."""

    async def one(number: int, fast_station: FastStation) -> list[float]:
        waited = []
        due = time.monotonic() + every_s * number / len(fast_stations)
        for reading in range(int(seconds / every_s)):
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            await fast_station.call(
                b'[2,"%d","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":'
                b'"2026-01-01T00:00:00Z","sampledValue":[{"value":"%d"}]}]}]' % (next(_numbers), reading)
            )
            waited.append(time.monotonic() - due)
            due += every_s
        return waited

    return [
        wait
        for each in await asyncio.gather(*map(one, range(len(fast_stations)), fast_stations))
        for wait in each
    ]
