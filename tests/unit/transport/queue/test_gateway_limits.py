"""The limits of a gateway's steps, its waits, and the outages after which it may not sweep."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from ocpp_server.transport.queue import envelope, gateway_side
from ocpp_server.transport.queue.gateway_side import (
    GatewayQueue,
    QueueTooLong,
    Sweeper,
    Taken,
    is_permanent,
    lease_ms,
    refresh_s,
)
from tests.logged import captured_logs
from tests.redis_scripts import QueueBench
from tests.unit.transport.instant import skip_waits

FIELDS = {"protocol": "ocpp1.6"}


@pytest.fixture
def queue(bench: QueueBench) -> GatewayQueue:
    return GatewayQueue("gw")


# -- connections ---------------------------------------------------------------------------------------


async def test_a_gateway_without_stations_renews_its_own_lease(
    bench: QueueBench, queue: GatewayQueue
) -> None:
    assert await queue.refresh(bench.wire, []) == ""

    assert bench.content() == {"gateways": {"gw": bench.now_ms + lease_ms()}}


async def test_a_connection_is_refused_while_more_than_500_messages_are_unread(
    bench: QueueBench, queue: GatewayQueue
) -> None:
    bench.push("A", *("1" for _ in range(499)))
    await queue.connect(bench.wire, "A", "s1", FIELDS)  # its control is the 500th message
    await queue.connect(bench.wire, "A", "s2", FIELDS)

    with pytest.raises(QueueTooLong):
        await queue.connect(bench.wire, "A", "s3", FIELDS)


async def test_the_processor_learns_of_a_connection_and_of_its_end_with_gateway_and_version(
    bench: QueueBench, queue: GatewayQueue
) -> None:
    before = int(datetime.now(UTC).timestamp())
    await queue.connect(bench.wire, "A", "s1", FIELDS)
    last_activity = int(bench.client.hget(bench.keys.session("A"), "last_activity"))
    await queue.close(bench.wire, [("A", "s1", "ocpp1.6", "bye")])

    controls = [envelope.parse(text) for text in bench.lists("requests:A")["requests:A"]]
    assert [(one.event, one.ws_server_id, one.protocol) for one in controls] == [
        ("connect", "gw", "ocpp1.6"),
        ("disconnect", "gw", "ocpp1.6"),
    ]
    assert all((one.charge_point_id, one.session_id) == ("A", "s1") for one in controls)
    assert before <= last_activity <= datetime.now(UTC).timestamp()


async def test_a_gateway_that_ends_leaves_nothing_behind(bench: QueueBench, queue: GatewayQueue) -> None:
    bench.client.zadd(bench.keys.gateways, {"gw": 1, "gw2": 1})
    bench.client.rpush(bench.keys.gateway_wakeups("gw"), "A")
    bench.client.hset(bench.keys.taken("gw"), "number", "1")
    bench.client.rpush(bench.keys.gateway_wakeups("gw2"), "A")

    await queue.resign(bench.wire)

    assert bench.content() == {"gateways": {"gw2": 1}, "gateway:gw2": ["A"]}


@pytest.mark.parametrize(("ttl", "lease", "refresh"), [(30, 45_000, 15.0), (7, 10_500, 3.5)])
def test_a_lease_is_renewed_three_times_before_it_ends(
    settings: Any, ttl: float, lease: int, refresh: float
) -> None:
    settings.REDIS_STATE_TTL = ttl

    assert (lease_ms(), refresh_s()) == (lease, refresh)


# -- answers -------------------------------------------------------------------------------------------


async def test_a_take_waits_for_a_wakeup_and_leaves_none_behind(
    bench: QueueBench, queue: GatewayQueue
) -> None:
    bench.connect("A")
    taking = asyncio.create_task(queue.take(bench.wire, 1, (), block_s=30))
    async with asyncio.timeout(30):
        # Until Redis has got the command: a take that does not wait would have ended by then.
        while not any(client["cmd"] == "blmove" for client in bench.client.client_list()):
            assert not taking.done()
            await asyncio.sleep(0)
    bench.client.lpush(bench.keys.responses("A"), "a1")
    bench.client.rpush(bench.keys.gateway_wakeups("gw"), "A")

    assert await taking == [Taken("A", "s1", 0, [b"a1"])]
    assert bench.lists("gateway:gw") == {}


async def test_the_wait_for_a_wakeup_is_no_outage(
    bench: QueueBench, queue: GatewayQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.wire.call("PING")
    loop = skip_waits(monkeypatch)
    began = loop.time()

    # The clock jumps to the moment when the reply is overdue.
    with pytest.raises(RedisConnectionError):
        await queue.take(bench.wire, 1, (), block_s=100)

    assert 102 <= loop.time() - began < 130


async def test_a_take_returns_the_answers_of_256_stations_and_16_of_each(
    bench: QueueBench, queue: GatewayQueue
) -> None:
    bench.connect("S0")
    bench.client.lpush(bench.keys.responses("S0"), *("a" for _ in range(17)))
    bench.client.rpush(bench.keys.gateway_wakeups("gw"), *(f"S{number}" for number in range(257)))

    found = await queue.take(bench.wire, 1, (), block_s=0)

    assert [taken.identity for taken in found] == [f"S{number}" for number in range(256)]
    assert len(found[0].answers) == 16
    assert bench.lists("gateway:gw") == {"gateway:gw": ["S0", "S256"]}


# -- errors --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "OOM command not allowed when used memory > 'maxmemory'.",
        "READONLY You can't write against a read only replica.",
        "MISCONF Redis is configured to save RDB snapshots",
        "NOREPLICAS Not enough good replicas to write.",
        "LOADING Redis is loading the dataset in memory",
        "BUSY Redis is busy running a script.",
        "MASTERDOWN Link with MASTER is down",
        "NOAUTH Authentication required.",
        "NOPERM this user has no permissions",
        "WRONGPASS invalid username-password pair",
        "ERR max number of clients reached",
        "ERR Error running script: OOM command not allowed",
    ],
)
def test_an_error_about_redis_is_temporary(text: str) -> None:
    assert not is_permanent(ResponseError(text))


def test_an_error_about_a_key_is_permanent_and_an_outage_is_not() -> None:
    assert is_permanent(ResponseError("WRONGTYPE Operation against a key holding the wrong kind of value"))
    assert not is_permanent(RedisConnectionError("WRONGTYPE"))


# -- sweeping ------------------------------------------------------------------------------------------


class Clock(SimpleNamespace):
    now: float = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Clock:
    settings.REDIS_STATE_TTL = 30
    clock = Clock()
    monkeypatch.setattr(gateway_side, "time", clock)
    return clock


def dead(bench: QueueBench, *identities: str) -> None:
    with bench.client.pipeline() as pipe:
        for number, identity in enumerate(identities):
            session = {"session_id": "s1", "ws_server_id": "gw", "protocol": "ocpp1.6"}
            pipe.hset(bench.keys.session(identity), mapping=session)
            pipe.zadd(bench.keys.clients, {identity: number})
        pipe.execute()


async def test_after_the_start_and_after_an_outage_gateways_have_half_a_lease_to_renew_their_leases(
    bench: QueueBench, clock: Clock
) -> None:
    dead(bench, "A")
    sweeper = Sweeper(bench.wire, bench.keys)

    started = clock.now
    assert await sweeper.sweep() == []
    clock.now = started + 22.495
    assert await sweeper.sweep() == []
    clock.now = started + 22.5
    assert await sweeper.sweep() == ["A"]
    assert bench.client.get(bench.keys.probe) == "sweep" and 50 < bench.client.ttl(bench.keys.probe) <= 60

    dead(bench, "B")
    with bench.full(), pytest.raises(ResponseError, match="OOM"):
        await sweeper.sweep()
    clock.now = back = started + 100
    assert await sweeper.sweep() == []
    clock.now = back + 22.495
    assert await sweeper.sweep() == []
    clock.now = back + 22.5
    with captured_logs() as lines:
        assert await sweeper.sweep() == ["B"]
        assert await sweeper.sweep() == []
    assert [(line["event"], line["stations"]) for line in lines] == [("gateway.swept", 1)]


async def test_the_processor_learns_when_a_station_was_swept(bench: QueueBench, clock: Clock) -> None:
    dead(bench, "A")
    sweeper = Sweeper(bench.wire, bench.keys)
    await sweeper.sweep()
    clock.now += 30

    with bench.news() as news:
        assert await sweeper.sweep() == ["A"]

    (text,) = bench.lists("requests:A")["requests:A"]
    at = datetime.strptime(json.loads(text)["timestamp"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    assert len(json.loads(text)["timestamp"]) == 24
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=1)
    assert news == [["", [["offline", "A"]]]]


async def test_a_sweep_takes_500_stations(bench: QueueBench, clock: Clock) -> None:
    names = [f"S{number}" for number in range(501)]
    dead(bench, *names)
    sweeper = Sweeper(bench.wire, bench.keys)
    await sweeper.sweep()
    clock.now += 30

    assert await sweeper.sweep() == names[:500]
    assert await sweeper.sweep() == names[500:]


async def test_a_swept_identity_may_be_no_utf_8(bench: QueueBench, clock: Clock) -> None:
    sweeper = Sweeper(bench.wire, bench.keys)
    await sweeper.sweep()
    clock.now += 30
    bench.client.hset(bench.keys.session("").encode() + b"\xff", "session_id", "s1")
    bench.client.zadd(bench.keys.clients, {b"\xff": 0})

    assert await sweeper.sweep() == ["\ufffd"]
    for name in (bench.keys.ended(""), bench.keys.requests("")):
        bench.client.delete(name.encode() + b"\xff")
