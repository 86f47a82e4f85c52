"""A gateway from its start to its end, and what it reports to probes."""

from __future__ import annotations

import asyncio
import os
import re
import socket
from collections.abc import Callable
from typing import Any

import psutil
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from ocpp_server.storage.journal import JournalUnavailable, journal
from ocpp_server.transport import shutdown
from ocpp_server.transport.gateway.process import Gateway
from ocpp_server.transport.handshake import first_boot
from tests.redis_scripts import QueueBench
from tests.unit.transport.gateway.world import Clock, at, call, session_of

IS_UP = {"ok": True, "detail": "Redis accepts frames."}


async def until(is_true: Callable[[], Any]) -> None:
    """Wait for what another task does. Redis answers within a millisecond."""
    async with asyncio.timeout(10):
        while not is_true():
            await asyncio.sleep(0.001)


def connections(settings: Any) -> int:
    """The number of connections of this process to Redis."""
    found = psutil.Process().net_connections("tcp")
    ports = [one.raddr.port for one in found if one.raddr and one.status == psutil.CONN_ESTABLISHED]
    return ports.count(settings.REDIS_PORT)


async def test_each_gateway_has_a_name_of_its_own_that_begins_with_its_host_and_process(
    bench: QueueBench,
) -> None:
    first, second = Gateway(), Gateway()

    place = re.escape(f"{socket.gethostname()}.{os.getpid()}.")
    assert re.fullmatch(place + "[0-9a-f]{8}", first.server_id)
    assert first.server_id != second.server_id


async def test_a_started_gateway_is_registered_and_open(gateway: Gateway, bench: QueueBench) -> None:
    assert not gateway.is_open

    await gateway.start()

    assert bench.client.zscore(bench.keys.gateways, gateway.server_id) is not None
    assert gateway.is_open


@pytest.mark.django_db(transaction=True)
async def test_a_started_gateway_can_store_refused_connections(gateway: Gateway) -> None:
    await gateway.start()

    assert await journal.run(lambda: "stored") == "stored"


async def test_a_gateway_that_goes_away_is_not_open(gateway: Gateway) -> None:
    await gateway.start()

    shutdown.begin()

    assert not gateway.is_open


async def test_a_gateway_does_not_start_without_redis(
    gateway: Gateway, settings: Any, unused_tcp_port: int
) -> None:
    settings.REDIS_PORT = unused_tcp_port

    with pytest.raises(RedisConnectionError):
        await gateway.start()

    assert not gateway.is_open
    settings.REDIS_PORT = 1


async def test_a_started_gateway_pushes_frames_and_delivers_answers(
    gateway: Gateway, bench: QueueBench
) -> None:
    await gateway.start()
    station = at(gateway)
    await gateway.arrive(station.socket)

    station.says(call("1"))
    await until(lambda: len(bench.lists("requests:A").get("requests:A", ())) == 2)
    bench.client.lpush(bench.keys.responses("A"), '{"charge_point_id":"A","payload":[3,"1",{}]}')
    bench.client.rpush(bench.keys.gateway_wakeups(gateway.server_id), "A")
    await until(lambda: station.sent)

    assert station.sent == ['[3,"1",{}]']


async def test_a_started_gateway_keeps_its_leases(
    gateway: Gateway, bench: QueueBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ocpp_server.transport.gateway.process.TICK_S", 0.001)
    await gateway.start()
    bench.client.zrem(bench.keys.gateways, gateway.server_id)

    gateway.up_since = None

    await until(lambda: bench.client.zscore(bench.keys.gateways, gateway.server_id))
    await until(lambda: gateway.is_open)


# -- the end -------------------------------------------------------------------------------------------


async def test_a_stopped_gateway_closes_its_sockets_and_leaves_nothing_in_redis(
    gateway: Gateway, bench: QueueBench, settings: Any
) -> None:
    bench.client.ping()
    before = connections(settings)
    await gateway.start()
    assert connections(settings) > before
    station = at(gateway)
    await gateway.arrive(station.socket)
    station.says('[3,"c1",{}]')
    bench.client.rpush(bench.keys.gateway_wakeups(gateway.server_id), "nobody")

    stopping = asyncio.create_task(gateway.stop())
    await until(lambda: station.sent)
    gateway.leave(station.socket, "The socket was closed with 1001.")
    await stopping

    assert station.sent == [(1001, "The server is going away.")]
    assert session_of(bench) == {}
    assert len(bench.lists("requests:A")["requests:A"]) == 3
    content = bench.content()
    assert "server:gateways" not in content
    assert [name for name in content if gateway.server_id in name] == []
    assert connections(settings) == before


async def test_a_stopped_gateway_leaves_no_task_and_no_thread(gateway: Gateway) -> None:
    await gateway.start()

    await gateway.stop()

    assert asyncio.all_tasks() == {asyncio.current_task()}
    with pytest.raises(JournalUnavailable):
        await journal.run(lambda: None)


async def test_a_gateway_stops_without_redis(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    async def resign(_wire: Any) -> None:
        raise RedisConnectionError("Redis is away.")

    await gateway.start()
    monkeypatch.setattr(gateway.queue, "resign", resign)

    await gateway.stop()

    with pytest.raises(JournalUnavailable):
        await journal.run(lambda: None)


@pytest.mark.parametrize("what", ["uplink", "journal"])
async def test_a_second_beyond_the_grace_period_is_left_to_the_last_writes(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    given: list[float] = []
    await gateway.start()
    shutdown.end_now()
    if what == "uplink":

        async def stop(timeout: float) -> None:
            given.append(timeout)

        monkeypatch.setattr(gateway.uplink, "stop", stop)
    else:
        limited = asyncio.timeout

        def noted(seconds: float) -> asyncio.Timeout:
            given.append(seconds)
            return limited(seconds)

        monkeypatch.setattr("asyncio.timeout", noted)

    await gateway.stop()

    assert given[-1] == 1.0


async def test_the_sockets_of_unknown_stations_are_closed_too(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[int] = []

    class Unknown:
        is_awaited = False

        async def finish(self, code: int, _reason: str) -> None:
            closed.append(code)
            first_boot._waiting.clear()

    monkeypatch.setattr(first_boot, "_waiting", {Unknown()})
    await gateway.start()

    await gateway.stop()

    assert closed == [1001]


# -- probes --------------------------------------------------------------------------------------------


async def test_a_gateway_that_can_write_is_ready(gateway: Gateway) -> None:
    await gateway.start()

    assert await gateway.status() == {"redis": IS_UP}


async def test_a_gateway_that_was_not_started_is_not_ready(gateway: Gateway) -> None:
    assert await gateway.status() == {
        "redis": {"ok": False, "detail": "Redis can't be used (not connected yet)."}
    }


async def test_a_redis_that_refuses_to_write_is_reported_with_its_error(
    gateway: Gateway, bench: QueueBench
) -> None:
    await gateway.start()

    with bench.full():
        parts = await gateway.status()

    assert parts["redis"]["ok"] is False
    assert "OOM" in parts["redis"]["detail"]


async def test_a_redis_that_does_not_answer_within_a_second_is_reported(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refresh(_wire: Any, _pairs: Any) -> str:
        await asyncio.Event().wait()
        return ""

    await gateway.start()
    monkeypatch.setattr("ocpp_server.transport.gateway.process.TICK_S", 0.001)
    monkeypatch.setattr(gateway.queue, "refresh", refresh)

    assert await gateway.status() == {"redis": {"ok": False, "detail": "Redis can't be used (TimeoutError)."}}


async def test_an_outage_that_lasts_shows_its_latest_error(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    errors = iter(["first", "second"])

    async def refresh(_wire: Any, _pairs: Any) -> str:
        raise RedisConnectionError(next(errors))

    await gateway.start()
    monkeypatch.setattr(gateway.queue, "refresh", refresh)

    details = [(await gateway.status())["redis"]["detail"] for _ in range(2)]

    assert details == ["Redis can't be used (first).", "Redis can't be used (second)."]


async def test_a_gateway_that_goes_away_is_not_ready(gateway: Gateway) -> None:
    await gateway.start()
    shutdown.begin()

    assert await gateway.status() == {
        "redis": IS_UP,
        "shutdown": {"ok": False, "detail": "The gateway is going away."},
    }
