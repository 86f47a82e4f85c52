"""The leases of a gateway: renewed in time, restored when Redis has lost them, and swept after its death."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_server.transport.gateway.process import Gateway
from ocpp_server.transport.queue.gateway_side import Registration
from tests.redis_scripts import QueueBench
from tests.unit.transport.gateway.world import (
    REPLACED,
    Clock,
    Refreshes,
    arrive_elsewhere,
    at,
    call,
    session_of,
    settle,
)

REFRESH_S = 15.0


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
