"""What a gateway does every second: it closes silent sockets, sweeps, answers probes, and polls."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from ocpp_server import live
from ocpp_server.transport.gateway.process import Gateway
from ocpp_server.transport.queue.gateway_side import Registration
from tests.redis_scripts import QueueBench
from tests.unit.transport.gateway.world import (
    Clock,
    Refreshes,
    Station,
    Sweeps,
    arrive_elsewhere,
    at,
    call,
    session_of,
    settle,
)
from tests.unit.transport.instant import skip_waits

LEASE_S = 45.0


# -- silent sockets, sweeps and probes -----------------------------------------------------------------


async def test_a_silent_socket_is_closed(gateway: Gateway, refreshes: Refreshes, clock: Clock) -> None:
    silent = at(gateway)
    await gateway.arrive(silent.socket)
    clock.now += 50
    fresh = at(gateway, "B", "sB")
    await gateway.arrive(fresh.socket)

    clock.now += 11
    await gateway._tick()
    await settle()

    assert (silent.sent, fresh.sent) == ([(1001, "No message was received for too long.")], [])


async def test_dead_gateways_are_swept_ten_times_in_the_lifetime_of_their_lease(
    gateway: Gateway, refreshes: Refreshes, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweeps = Sweeps(gateway, clock, monkeypatch)

    for _ in range(91):
        await gateway._tick()
        clock.now += 0.5

    assert [at - 1000 for at in sweeps.times] == [LEASE_S / 10 * number for number in range(11)]


async def test_a_sweep_is_not_early(
    gateway: Gateway, refreshes: Refreshes, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweeps = Sweeps(gateway, clock, monkeypatch)

    await gateway._tick()
    clock.now += LEASE_S / 10 - 0.0001
    await gateway._tick()

    assert len(sweeps.times) == 1


async def test_a_clock_that_begins_at_zero_delays_no_renewal_and_no_sweep(
    gateway: Gateway, refreshes: Refreshes, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock of a machine begins when it is switched on."""
    clock.now = 0.0
    sweeps = Sweeps(gateway, clock, monkeypatch)

    await gateway._tick()
    gateway.up_since = None
    gateway.uplink._back()
    await gateway._tick()

    assert (len(refreshes.pairs), len(sweeps.times)) == (2, 1)


async def test_the_stations_of_a_dead_gateway_become_offline(
    gateway: Gateway, bench: QueueBench, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ocpp_server.transport.queue.gateway_side.time", clock)
    await arrive_elsewhere(bench, "s1")
    bench.client.zadd(bench.keys.clients, {"A": 1})

    await gateway._tick()
    assert session_of(bench) != {}  # it may still renew its leases after an outage
    clock.now += LEASE_S / 2
    await gateway._tick()

    assert session_of(bench) == {}


async def test_a_probed_socket_is_pinged(gateway: Gateway, refreshes: Refreshes) -> None:
    pings: list[str] = []
    station = Station(uplink=gateway.uplink, silence=lambda: 5.0, ping=lambda: pings.append("s1"))
    await gateway.arrive(station.socket)
    await live.state().probes.request("s1")

    await gateway._tick()

    assert pings == ["s1"]


# -- overdue stations ----------------------------------------------------------------------------------


async def test_at_most_256_stations_that_wait_are_polled_at_once(
    gateway: Gateway, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def connect(*_: Any, **__: Any) -> Registration:
        return Registration("1", {})

    monkeypatch.setattr(gateway.queue, "connect", connect)
    for number in range(300):
        station = at(gateway, f"CP-{number}", f"s{number}")
        await gateway.arrive(station.socket)
        if number % 100 != 7:
            station.says(call("1"))
    clock.now += 1

    overdue = gateway._overdue()

    assert overdue == [f"CP-{number}" for number in range(300) if number % 100 != 7][:256]


async def test_a_station_that_waits_for_nothing_is_not_polled(gateway: Gateway, clock: Clock) -> None:
    waits, idle = at(gateway), at(gateway, "B", "sB")
    for station in (waits, idle):
        await gateway.arrive(station.socket)
    waits.says(call("1"))

    assert gateway._overdue() == []
    clock.now += 1
    assert gateway._overdue() == ["A"]


# -- the pace ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ttl", "pace"), [(30.0, 1.0), (2.0, 0.5)])
async def test_the_keeper_ticks_every_second_or_twice_between_renewals(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, settings: Any, ttl: float, pace: float
) -> None:
    settings.REDIS_STATE_TTL = ttl
    loop = skip_waits(monkeypatch, only_jumps=True)
    began, times = loop.time(), []

    async def tick() -> None:
        times.append(round(loop.time() - began, 2))
        if len(times) == 3:
            raise asyncio.CancelledError

    monkeypatch.setattr(gateway, "_tick", tick)
    with pytest.raises(asyncio.CancelledError):
        await gateway._keep()

    assert times == [pace, 2 * pace, 3 * pace]
    monkeypatch.undo()


@pytest.mark.parametrize("is_away", [True, False])
async def test_a_failed_tick_is_followed_by_the_next_one_and_only_that_of_redis_is_an_outage(
    gateway: Gateway, refreshes: Refreshes, monkeypatch: pytest.MonkeyPatch, is_away: bool
) -> None:
    monkeypatch.setattr("ocpp_server.transport.gateway.process.TICK_S", 0.001)
    await gateway._tick()
    gateway.sockets.clear()
    error = RedisConnectionError("Redis is away.") if is_away else ValueError("no letters")
    before, again = len(refreshes.pairs), asyncio.Event()

    async def refresh(_wire: Any, _pairs: Any) -> str:
        if not refreshes.errors:
            refreshes.errors.append(error)
            raise error
        again.set()
        return ""

    monkeypatch.setattr(gateway.queue, "refresh", refresh)
    gateway._refresh_at = 0.0
    keeper = asyncio.create_task(gateway._keep())
    async with asyncio.timeout(5):
        await again.wait()
    keeper.cancel()

    assert before == 1
    assert (gateway.error == "Redis is away.") is is_away
