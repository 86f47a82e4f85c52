"""The gateway puts frames of stations into the queue unchanged and sends them the answers from the queue."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from tests.conformance.peer import (
    TIMEOUT_S,
    V16,
    V21,
    V201,
    Operator,
    Peer,
    eventually,
    fresh,
    known,
    station,
)
from tests.distributed.cluster import Cluster
from tests.distributed.conftest import MakeCluster
from tests.distributed.queue.server_side import ServerSide
from tests.servers import LiveServer

WRITE_TIMEOUT_S = 6


@pytest.fixture(scope="module")
def cluster(make_cluster: MakeCluster) -> Cluster:
    cluster = make_cluster(0, OCPP_WRITE_TIMEOUT=f"{WRITE_TIMEOUT_S}s")
    cluster.add(2, "gateway")
    return cluster


@pytest.fixture
def gateway(cluster: Cluster) -> LiveServer:
    return cluster.servers[0]


@pytest.fixture
def server(cluster: Cluster) -> ServerSide:
    return ServerSide(cluster)


async def test_frames_of_a_station_are_queued_in_order_between_its_connect_and_its_disconnect(
    gateway: LiveServer, server: ServerSide
) -> None:
    async with station(gateway, V201, boot=False) as peer:
        for number in range(40):
            await peer.send([2, f"m{number}", "Heartbeat", {}])

        await eventually(lambda: len(server.frames(peer.identity)) == 40)
    await eventually(lambda: "disconnect" in server.events(peer.identity))

    queued = server.waiting(peer.identity)
    assert [one.event for one in queued] == ["connect", *[""] * 40, "disconnect"]
    assert [one.message_id for one in queued[1:-1]] == [f"m{number}" for number in range(40)]
    assert [one.seq for one in queued[1:-1]] == list(range(1, 41))
    assert len({(one.session_id, one.ws_server_id, one.protocol) for one in queued}) == 1
    assert queued[0].protocol == V201
    assert not server.is_connected(peer.identity)


@pytest.mark.parametrize(
    "frame",
    [
        '[2,"a","MeterValues",{"v":1.10,"big":9007199254740993,"é":"\\u00e9\\ud83d\\ude00"}]',
        '[ 3 , "b" , { } ]',
        '[2,"c","DataTransfer",{"data":"\\ud800"}]',
        "not JSON at all",
        '{"a": 1}',
        "",
        '[2,"d","X",{"n":1e999}]',
    ],
)
async def test_a_frame_keeps_every_byte(gateway: LiveServer, server: ServerSide, frame: str) -> None:
    async with station(gateway, boot=False) as peer:
        await peer.send_raw(frame)

        message = await server.next_frame(peer.identity)

    assert message.frame == frame


async def test_a_station_with_frames_is_ready_and_its_wake_up_is_pushed_once(
    gateway: LiveServer, server: ServerSide
) -> None:
    server.redis.delete(server.keys.wakeups)
    async with station(gateway, boot=False) as peer:
        for _ in range(5):
            await peer.send([2, "m", "Heartbeat", {}])
        await eventually(lambda: len(server.frames(peer.identity)) == 5)

        assert server.redis.zscore(server.keys.ready, peer.identity) is not None
        assert server.redis.llen(server.keys.wakeups) == 1


@pytest.mark.parametrize("version", [V16, V201, V21])
async def test_answers_reach_the_station_in_order(
    gateway: LiveServer, server: ServerSide, version: str
) -> None:
    async with station(gateway, version, boot=False) as peer:
        await eventually(lambda: server.is_connected(peer.identity))
        texts = [f'[3,"{number}",{{"power":1.{number}0}}]' for number in range(50)]

        for text in texts:
            server.send(peer.identity, text)

        assert [await asyncio.wait_for(peer.socket.recv(), TIMEOUT_S) for _ in texts] == texts


async def test_an_answer_without_a_wake_up_is_found_while_the_station_waits(
    gateway: LiveServer, server: ServerSide
) -> None:
    async with station(gateway, boot=False) as peer:
        await peer.send([2, "waits", "Heartbeat", {}])
        await server.next_frame(peer.identity)

        server.send(peer.identity, '[3,"waits",{}]', rings=False)

        assert await peer.next_frame() == [3, "waits", {}]


async def test_an_answer_for_another_session_is_dropped(gateway: LiveServer, server: ServerSide) -> None:
    async with station(gateway, boot=False) as peer:
        await eventually(lambda: server.is_connected(peer.identity))

        server.send(peer.identity, '[3,"old",{}]', session_id="the one before")
        server.send(peer.identity, '[3,"new",{}]')

        assert await peer.next_frame() == [3, "new", {}]


async def test_an_answer_to_the_old_socket_is_not_sent_to_the_new_one(
    gateway: LiveServer, server: ServerSide
) -> None:
    identity = await known(gateway)
    async with station(gateway, identity=identity, boot=False):
        await eventually(lambda: server.is_connected(identity))
    await eventually(lambda: not server.is_connected(identity))
    server.redis.lpush(server.keys.responses(identity), '{"charge_point_id":"x","payload":[3,"late",{}]}')

    async with station(gateway, identity=identity, boot=False) as peer:
        await eventually(lambda: server.is_connected(identity))
        server.send(identity, '[3,"new",{}]')

        assert await peer.next_frame() == [3, "new", {}]


async def test_a_close_request_is_carried_out_after_the_answers_before_it(
    gateway: LiveServer, server: ServerSide
) -> None:
    async with station(gateway, boot=False) as peer:
        await eventually(lambda: server.is_connected(peer.identity))

        server.send(peer.identity, '[3,"last",{}]')
        server.close(peer.identity, 1002, "Too many broken frames in a row.")

        assert await peer.next_frame() == [3, "last", {}]
        assert await peer.closed() == 1002
    await eventually(lambda: "disconnect" in server.events(peer.identity))


async def test_a_station_with_broken_keys_does_not_disturb_others(
    gateway: LiveServer, server: ServerSide
) -> None:
    async with station(gateway, boot=False) as broken, station(gateway, boot=False) as other:
        await eventually(lambda: server.is_connected(broken.identity) and server.is_connected(other.identity))
        server.redis.set(server.keys.requests(broken.identity), "not a list")

        await asyncio.gather(
            broken.send([2, "b", "Heartbeat", {}]), *(other.send([2, "o", "Heartbeat", {}]) for _ in range(5))
        )

        assert await broken.closed() == 1011
        await eventually(lambda: len(server.frames(other.identity)) == 5)
    await eventually(lambda: "disconnect" in server.events(other.identity))


@pytest.mark.nightly
async def test_a_station_that_does_not_read_is_disconnected_and_delays_no_other(
    gateway: LiveServer, server: ServerSide
) -> None:
    large = json.dumps([3, "x", {"data": "x" * 200_000}])
    async with (
        station(gateway, boot=False, max_queue=1) as unread,
        station(gateway, boot=False) as other,
    ):
        await eventually(lambda: server.is_connected(unread.identity) and server.is_connected(other.identity))
        for _ in range(100):
            server.send(unread.identity, large)

        asked = asyncio.get_running_loop().time()
        server.send(other.identity, '[3,"quick",{}]')
        assert await other.next_frame() == [3, "quick", {}]

        assert asyncio.get_running_loop().time() - asked < WRITE_TIMEOUT_S
        await eventually(lambda: not server.is_connected(unread.identity))
        assert server.is_connected(other.identity)


async def test_the_gateway_checks_passwords_as_the_server_does(cluster: Cluster, gateway: LiveServer) -> None:
    (web,) = cluster.add(1, "web")
    identity = fresh()
    await Operator(web).provision(identity, password="a-password-of-16-chars")

    with pytest.raises(InvalidStatus) as refused:
        async with station(gateway, identity=identity, password="something-else-long", boot=False):
            pass
    async with station(gateway, identity=identity, password="a-password-of-16-chars", boot=False) as peer:
        assert peer.socket.subprotocol == V16

    assert refused.value.response.status_code == 401
    assert refused.value.response.headers["WWW-Authenticate"].startswith("Basic")


async def test_a_binary_frame_closes_the_socket_with_1003(gateway: LiveServer) -> None:
    async with station(gateway, boot=False) as peer:
        await peer.send_raw(b"\x00\x01")

        assert await peer.closed() == 1003


async def test_a_refused_station_gets_the_same_answer_as_from_the_server_and_is_recorded(
    cluster: Cluster, gateway: LiveServer
) -> None:
    with pytest.raises(InvalidStatus) as too_long:
        async with station(gateway, identity="x" * 300):
            pass
    async with station(gateway, offers=["ocpp9.9"], boot=False) as peer:
        code = await peer.closed()

    assert too_long.value.response.status_code == 404
    assert code == 1002
    await eventually(
        lambda: cluster.rows(
            "SELECT * FROM chargepoints_refusedconnection WHERE identity = %s AND code = 1002", peer.identity
        )
    )


async def test_handshakes_and_plain_requests_have_the_same_rules_as_at_the_server(cluster: Cluster) -> None:
    gateway = LiveServer(
        cluster.folder / "other-settings",
        role="gateway",
        **cluster.environment,
        OCPP_ALLOWED_ORIGINS="null",
        OCPP_NO_COMMON_SUBPROTOCOL="refuse",
    ).start()
    cluster.servers.append(gateway)

    async def status_of(**how: Any) -> int:
        try:
            async with station(gateway, boot=False, **how):
                return 101
        except InvalidStatus as refused:
            return refused.response.status_code

    given = ("null", "file://", "https://evil.example")
    assert [await status_of(origin=text) for text in given] == [101, 101, 403]
    assert await status_of(offers=["ocpp0.1"]) == 400
    assert await status_of(identity="x" * 49) == 404
    page = gateway.exchange("GET", "/ocpp/CP-1", key=None, Accept="text/html")
    assert (page[0], page[1]["upgrade"]) == (426, "websocket")
    assert f"ws://127.0.0.1:{gateway.port}/ocpp/" in page[2] and page[2].startswith("<!doctype html>")

    gateway.host = "::1"
    assert await status_of() == 101


async def test_the_newest_connection_wins_wherever_the_old_one_is(
    cluster: Cluster, server: ServerSide
) -> None:
    here, there = cluster.servers[:2]
    identity = await known(cluster.servers[0])
    async with (
        station(here, identity=identity, boot=False) as first,
        station(there, identity=identity, boot=False) as second,
    ):
        assert await first.closed() == 1001
        async with station(there, identity=identity, boot=False) as third:
            assert await second.closed() == 1001

            await third.send([2, "new", "Heartbeat", {}])
            await eventually(lambda: server.frames(identity))
            server.send(identity, '[3,"new",{}]')

            assert await third.next_frame() == [3, "new", {}]
            assert server.is_connected(identity)
            # The late closes of the older sockets have changed nothing.
            assert server.events(identity) == ["connect"] * 3
    await eventually(lambda: server.events(identity)[-1] == "disconnect")


async def test_many_connections_of_one_identity_at_once_leave_exactly_one(
    cluster: Cluster, server: ServerSide
) -> None:
    identity = await known(cluster.servers[0])
    peers: dict[int, Peer] = {}

    async def attempt(number: int) -> int | None:
        try:
            async with station(cluster.servers[number % 2], identity=identity, boot=False) as peer:
                peers[number] = peer
                return await peer.closed(10 * TIMEOUT_S)
        except InvalidStatus as refused:
            return refused.response.status_code

    attempts = [asyncio.create_task(attempt(number)) for number in range(10)]
    # From the third replacement on the newest one of each gateway waits, and the others are refused.
    await eventually(lambda: sum(each.done() for each in attempts) >= 7)
    await eventually(lambda: sum(not attempts[number].done() for number in peers) == 1)

    (left,) = [number for number in peers if not attempts[number].done()]
    await peers[left].send([2, "left", "Heartbeat", {}])
    await eventually(lambda: server.frames(identity))
    assert not attempts[left].done()
    for each in attempts:
        each.cancel()
    ends = await asyncio.gather(*attempts, return_exceptions=True)
    assert {end for end in ends if not isinstance(end, asyncio.CancelledError)} <= {1001, 503}


async def test_probes_and_metrics_of_the_gateway(cluster: Cluster, gateway: LiveServer) -> None:
    async with station(gateway, V21, boot=False):
        alive, _ = gateway.request("GET", "/health", key=None)
        ready, open_answer = gateway.request("GET", "/health/ready", key=None)
        _, parts = gateway.request("GET", "/health/ready")
        refused, _ = gateway.request("GET", "/metrics", key=None)
        status, text = gateway.request("GET", "/metrics")
        elsewhere, _ = gateway.request("GET", "/api/v1/chargepoints")

    assert (alive, ready, refused, status, elsewhere) == (200, 200, 401, 200, 404)
    assert "parts" not in open_answer["data"] and open_answer["message"] == "The gateway is ready."
    assert parts["data"]["parts"]["redis"]["ok"]
    assert 'version="ocpp2.1"} 1.0' in text


async def test_a_stopping_gateway_delivers_open_answers_and_disconnects_its_stations(
    make_cluster: MakeCluster,
) -> None:
    cluster = make_cluster(0)
    (gateway,) = cluster.add(1, "gateway")
    server = ServerSide(cluster)
    async with station(gateway, boot=False) as peer:
        await peer.send([2, "open", "Heartbeat", {}])
        message = await server.next_frame(peer.identity)

        stopping = asyncio.create_task(asyncio.to_thread(gateway.stop))
        await eventually(lambda: "shutdown.began" in gateway.log.read_text())
        server.answer(peer.identity, message, {"currentTime": "2026-01-01T00:00:00Z"})

        assert (await peer.next_frame())[:2] == [3, "open"]
        assert await peer.closed() == 1001
    assert await stopping == 0
    assert server.events(peer.identity) == ["disconnect"]
    assert not server.is_connected(peer.identity)
    assert server.redis.zcard(server.keys.gateways) == 0
    assert "Traceback" not in gateway.log.read_text()


async def test_a_silent_station_is_disconnected_and_an_active_one_is_not(
    make_cluster: MakeCluster,
) -> None:
    cluster = make_cluster(0, OCPP_HEARTBEAT_INTERVAL="2s", OCPP_PING_INTERVAL="0s")
    (gateway,) = cluster.add(1, "gateway")
    server = ServerSide(cluster)
    async with station(gateway, boot=False) as silent, station(gateway, boot=False) as talker:

        async def talk() -> None:
            while True:
                await talker.send([2, "alive", "Heartbeat", {}])
                await asyncio.sleep(0.5)

        talking = asyncio.create_task(talk())
        assert await silent.closed() == 1001
        assert server.is_connected(talker.identity)
        talking.cancel()


@pytest.mark.parametrize("path", ["/health", "/metrics", "/nowhere"])
def test_the_size_of_a_body_is_limited_and_its_connection_ends_with_the_answer(
    gateway: LiveServer, path: str
) -> None:
    for size, status in ((300 << 20, 405 if path == "/health" else 413), (100, 405)):
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=TIMEOUT_S)
        with contextlib.closing(connection):
            connection.putrequest("POST", path)
            connection.putheader("Content-Length", str(size))
            connection.endheaders()
            answer = connection.getresponse()
            body = json.load(answer)

        assert (answer.status, body["success"], answer.headers["Connection"]) == (status, False, "close")
