"""The leases of a gateway: renewed in time, restored when Redis has lost them, and swept after its death."""

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
    REPLACED,
    Clock,
    Station,
    arrive_elsewhere,
    at,
    call,
    session_of,
    settle,
)
from tests.unit.transport.instant import skip_waits

REFRESH_S, LEASE_S = 15.0, 45.0


class Refreshes:
    """The renewals of a gateway. `states` are the letters that Redis returns; by default all are kept."""

    def __init__(self, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pairs: list[list[tuple[str, str]]] = []
        self.states = ""
        self.errors: list[BaseException] = []
        monkeypatch.setattr(gateway.queue, "refresh", self._refresh)

    async def _refresh(self, _wire: Any, pairs: Any) -> str:
        self.pairs.append(list(pairs))
        if self.errors:
            raise self.errors.pop(0)
        return self.states or "k" * len(pairs)


class Sweeps:
    """The sweeps of a gateway by the clock of the test."""

    def __init__(self, gateway: Gateway, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
        self.times: list[float] = []
        self._clock = clock
        monkeypatch.setattr(gateway, "_sweeper", self)

    async def sweep(self) -> list[str]:
        self.times.append(self._clock.now)
        return []


@pytest.fixture
def refreshes(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> Refreshes:
    return Refreshes(gateway, monkeypatch)


# -- renewed -------------------------------------------------------------------------------------------


async def test_the_leases_of_the_gateway_and_its_sockets_are_renewed(
    gateway: Gateway, bench: QueueBench
) -> None:
    await gateway.arrive(at(gateway).socket)
    before = bench.client.zscore(bench.keys.clients, "A")
    bench.client.zadd(bench.keys.clients, {"A": 1})

    await gateway._tick()

    assert bench.client.zscore(bench.keys.clients, "A") >= before
    assert bench.client.zscore(bench.keys.gateways, gateway.server_id) >= before


async def test_leases_are_renewed_every_15_seconds_and_at_once_after_an_outage(
    gateway: Gateway, refreshes: Refreshes, clock: Clock
) -> None:
    times: list[float] = []

    async def tick(seconds: float) -> None:
        clock.now += seconds
        before = len(refreshes.pairs)
        await gateway._tick()
        times.extend([clock.now - 1000.0] * (len(refreshes.pairs) - before))

    await tick(0)
    await tick(REFRESH_S - 0.1)
    await tick(0.1)
    await tick(1)
    gateway.up_since = None
    await tick(1)
    await tick(REFRESH_S - 0.1)

    assert times == [0.0, REFRESH_S, REFRESH_S + 2]


async def test_a_renewal_ends_an_outage(gateway: Gateway, clock: Clock) -> None:
    assert not gateway.is_open

    await gateway._tick()
    assert gateway.up_since == clock.now
    clock.now += REFRESH_S
    await gateway._tick()

    assert gateway.up_since == clock.now - REFRESH_S
    assert gateway.is_open


async def test_the_end_of_an_outage_elsewhere_renews_all_leases_with_the_next_tick(
    gateway: Gateway, bench: QueueBench, refreshes: Refreshes
) -> None:
    """The uplink notices the end first: a push has succeeded."""
    station = at(gateway)
    await gateway.arrive(station.socket)
    await gateway._tick()
    gateway.up_since = None

    station.says(call("1"))
    gateway.uplink.start()
    await gateway.uplink.stop(5)
    assert gateway.up_since is not None
    await gateway._tick()

    assert len(refreshes.pairs) == 2


async def test_one_call_renews_256_leases_and_one_without_sockets_that_of_the_gateway(
    gateway: Gateway, refreshes: Refreshes, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def connect(*_: Any, **__: Any) -> Registration:
        return Registration("1", {})

    monkeypatch.setattr(gateway.queue, "connect", connect)
    await gateway._tick()
    for number in range(257):
        await gateway.arrive(at(gateway, f"CP-{number}", f"s{number}").socket)
    gateway.up_since = None

    await gateway._tick()

    assert [len(pairs) for pairs in refreshes.pairs] == [0, 256, 1]
    renewed = [pair for pairs in refreshes.pairs for pair in pairs]
    assert renewed == [(f"CP-{number}", f"s{number}") for number in range(257)]


async def test_a_station_whose_answers_wait_is_polled(
    gateway: Gateway, refreshes: Refreshes, monkeypatch: pytest.MonkeyPatch
) -> None:
    polled: list[str] = []
    monkeypatch.setattr(gateway.downlink, "poll", polled.append)
    for identity in "AB":
        await gateway.arrive(at(gateway, identity, identity).socket)
    refreshes.states = "ka"

    await gateway._tick()

    assert polled == ["B"]


# -- replaced and lost ---------------------------------------------------------------------------------


async def test_a_session_that_was_replaced_is_closed(gateway: Gateway, bench: QueueBench) -> None:
    replaced, kept = at(gateway), at(gateway, "B", "sB")
    await gateway.arrive(replaced.socket)
    await gateway.arrive(kept.socket)
    await arrive_elsewhere(bench, "s2")

    await gateway._tick()
    await settle()

    assert (replaced.sent, kept.sent) == ([REPLACED], [])


async def test_a_session_that_redis_has_lost_is_restored_with_its_fence(
    gateway: Gateway, bench: QueueBench
) -> None:
    station = at(gateway)
    await gateway.arrive(station.socket)
    bench.clear()

    await gateway._tick()
    await settle()

    assert session_of(bench)["session_id"] == "s1"
    assert session_of(bench)["fence"] == station.socket.fence
    assert station.sent == []


async def test_a_lost_session_is_not_restored_over_a_newer_one(
    gateway: Gateway, bench: QueueBench, refreshes: Refreshes
) -> None:
    station = at(gateway)
    await gateway.arrive(station.socket)
    await arrive_elsewhere(bench, "s2")
    refreshes.states = "m"  # the newer one arrives after this reply

    await gateway._tick()
    await settle()

    assert session_of(bench)["session_id"] == "s2"
    assert station.sent == [REPLACED]


async def test_a_session_whose_keys_are_broken_is_closed(
    gateway: Gateway, bench: QueueBench, refreshes: Refreshes
) -> None:
    station = at(gateway)
    await gateway.arrive(station.socket)
    bench.client.delete(bench.keys.session("A"))
    bench.client.set(bench.keys.session("A"), "broken")
    refreshes.states = "m"

    await gateway._tick()
    await settle()

    assert station.sent == [REPLACED]


async def test_an_outage_during_the_restoring_closes_no_socket(
    gateway: Gateway, refreshes: Refreshes, bench: QueueBench
) -> None:
    station = at(gateway)
    await gateway.arrive(station.socket)
    bench.clear()
    refreshes.states = "m"

    with bench.full(), pytest.raises(Exception, match="OOM"):
        await gateway._tick()
    await settle()

    assert station.sent == []


async def test_a_session_of_which_frames_wait_is_restored_by_the_uplink(
    gateway: Gateway, bench: QueueBench
) -> None:
    station = at(gateway)
    await gateway.arrive(station.socket)
    bench.clear()

    station.says(call("1"))
    gateway.uplink.start()
    await gateway.uplink.stop(5)

    assert call("1") in bench.lists("requests:A")["requests:A"][-1]
    assert station.sent == []


async def test_a_socket_that_was_closed_during_the_renewal_is_left_alone(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed, replaced = at(gateway), at(gateway, "B", "sB")
    await gateway.arrive(closed.socket)
    await gateway.arrive(replaced.socket)

    async def refresh(_wire: Any, _pairs: Any) -> str:
        gateway.leave(closed.socket, "Closed.")
        return "rr"

    monkeypatch.setattr(gateway.queue, "refresh", refresh)

    await gateway._tick()
    await settle()

    assert (closed.sent, replaced.sent) == ([], [REPLACED])


async def test_a_reply_for_fewer_sockets_is_an_error(gateway: Gateway, refreshes: Refreshes) -> None:
    for identity in "AB":
        await gateway.arrive(at(gateway, identity, identity).socket)
    refreshes.states = "k"

    with pytest.raises(ValueError, match="zip"):
        await gateway._tick()


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
    loop = skip_waits(monkeypatch, is_exact=True)
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
