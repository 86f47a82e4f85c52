"""The connections of a gateway: registered in Redis, replaced by newer ones, and removed at their end."""

from __future__ import annotations

from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from ocpp_server.transport.gateway.process import Gateway
from ocpp_server.transport.queue.gateway_side import QueueTooLong, Registration, Taken
from tests.redis_scripts import QueueBench
from tests.unit.transport.gateway.world import REPLACED, arrive_elsewhere, at, session_of, settle


async def test_a_connection_is_registered_with_its_fields_and_gets_the_fence(
    gateway: Gateway, bench: QueueBench
) -> None:
    station = at(gateway)

    await gateway.arrive(station.socket)

    stored = session_of(bench)
    assert (stored["session_id"], stored["ws_server_id"]) == ("s1", gateway.server_id)
    assert (stored["protocol"], stored["remote_addr"]) == ("ocpp1.6", "192.0.2.1")
    assert station.socket.fence == stored["fence"]
    assert gateway.sockets == {"s1": station.socket}
    assert not station.socket.is_leaving


async def test_a_newer_connection_closes_all_older_ones_of_its_station_and_no_other(gateway: Gateway) -> None:
    older, other, newer = at(gateway), at(gateway, "B", "sB"), at(gateway, "A", "s2")
    await gateway.arrive(older.socket)
    await gateway.arrive(other.socket)

    await gateway.arrive(newer.socket)
    await settle()

    assert (older.sent, other.sent, newer.sent) == ([REPLACED], [], [])


async def test_the_highest_number_of_redis_is_the_newest_connection(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As texts, "9" would be newer than "10"."""
    fences = iter(["9", "10"])

    async def connect(*_: Any, **__: Any) -> Registration:
        return Registration(next(fences), {})

    monkeypatch.setattr(gateway.queue, "connect", connect)
    older, newer = at(gateway), at(gateway, "A", "s2")

    await gateway.arrive(older.socket)
    await gateway.arrive(newer.socket)
    await settle()

    assert (older.sent, newer.sent) == ([REPLACED], [])


async def test_a_connection_whose_registration_is_late_is_closed_by_the_newer_one(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    older, newer = at(gateway), at(gateway, "A", "s2")
    connect = gateway.queue.connect

    async def late(wire: Any, identity: str, session: str, fields: Any, **more: Any) -> Registration:
        registration = await connect(wire, identity, session, fields, **more)
        if session == "s1":
            await gateway.arrive(newer.socket)
        return registration

    monkeypatch.setattr(gateway.queue, "connect", late)

    await gateway.arrive(older.socket)
    await settle()

    assert (older.sent, newer.sent) == ([REPLACED], [])


async def test_a_connection_that_is_replaced_elsewhere_while_it_arrives_is_closed(
    gateway: Gateway, bench: QueueBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = gateway.queue.connect

    async def overtaken(*arguments: Any, **more: Any) -> Registration:
        registration = await connect(*arguments, **more)
        await arrive_elsewhere(bench, "s2")
        await gateway._deliver(Taken("A", "", 0, []))  # the wake-up for the newer connection
        return registration

    monkeypatch.setattr(gateway.queue, "connect", overtaken)
    station = at(gateway)

    await gateway.arrive(station.socket)
    await settle()

    assert station.sent == [REPLACED]


async def test_a_connection_that_arrives_undisturbed_makes_one_call(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    refreshed: list[Any] = []

    async def refresh(_wire: Any, pairs: Any) -> str:
        refreshed.append(pairs)
        return "k" * len(pairs)

    monkeypatch.setattr(gateway.queue, "refresh", refresh)

    await gateway.arrive(at(gateway).socket)

    assert refreshed == []


async def test_a_station_with_a_full_queue_does_not_arrive(gateway: Gateway, bench: QueueBench) -> None:
    bench.client.lpush(bench.keys.requests("A"), *["m"] * 501)
    station = at(gateway)

    with pytest.raises(QueueTooLong):
        await gateway.arrive(station.socket)

    assert gateway.sockets == {}
    assert station.socket.ended == "The connection was not opened."


async def test_a_connection_that_may_be_registered_is_ended_in_redis_too(
    gateway: Gateway, bench: QueueBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = gateway.queue.connect

    async def unconfirmed(*arguments: Any, **more: Any) -> Registration:
        await connect(*arguments, **more)
        raise RedisConnectionError("The reply is lost.")

    monkeypatch.setattr(gateway.queue, "connect", unconfirmed)

    with pytest.raises(RedisConnectionError):
        await gateway.arrive(at(gateway).socket)
    gateway.uplink.start()
    await gateway.uplink.stop(5)

    assert session_of(bench) == {}


# -- the end -------------------------------------------------------------------------------------------


async def test_a_closed_socket_is_removed_and_its_end_is_pushed_with_the_reason(
    gateway: Gateway, bench: QueueBench
) -> None:
    station = at(gateway)
    await gateway.arrive(station.socket)

    gateway.leave(station.socket, "The socket was closed with 1000.")
    gateway.uplink.start()
    await gateway.uplink.stop(5)

    assert gateway.sockets == {}
    assert station.socket.ended == "The socket was closed with 1000."
    assert session_of(bench) == {}
    assert "The socket was closed with 1000." in bench.lists("requests:A")["requests:A"][-1]


async def test_the_end_of_an_older_connection_leaves_the_newer_one(
    gateway: Gateway, bench: QueueBench
) -> None:
    older, newer = at(gateway), at(gateway, "A", "s2")
    await gateway.arrive(older.socket)
    await gateway.arrive(newer.socket)

    gateway.leave(older.socket, "Replaced.")
    gateway.leave(older.socket, "Replaced.")
    await arrive_elsewhere(bench, "s3")
    await gateway._deliver(Taken("A", "", 0, []))
    await settle()

    assert gateway.sockets == {"s2": newer.socket}
    assert newer.sent == [REPLACED]


async def test_a_connection_is_replaced_after_the_end_of_an_older_one(gateway: Gateway) -> None:
    first, second, third = (at(gateway, "A", session) for session in ("s1", "s2", "s3"))
    await gateway.arrive(first.socket)
    await gateway.arrive(second.socket)
    gateway.leave(first.socket, "Replaced.")

    await gateway.arrive(third.socket)
    await settle()

    assert (second.sent, third.sent) == ([REPLACED], [])


async def test_a_station_that_has_left_can_come_back(gateway: Gateway) -> None:
    before, after = at(gateway), at(gateway, "A", "s2")
    await gateway.arrive(before.socket)
    gateway.leave(before.socket, "Closed.")

    await gateway.arrive(after.socket)
    await settle()

    assert before.sent == after.sent == []
    assert gateway.sockets == {"s2": after.socket}


async def test_the_leases_of_closed_sockets_are_not_renewed(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    refreshed: list[Any] = []

    async def refresh(_wire: Any, pairs: Any) -> str:
        refreshed.extend(pairs)
        return "k" * len(pairs)

    left, stays = at(gateway), at(gateway, "B", "sB")
    await gateway.arrive(left.socket)
    await gateway.arrive(stays.socket)
    gateway.leave(left.socket, "Closed.")
    monkeypatch.setattr(gateway.queue, "refresh", refresh)

    await gateway._tick()

    assert refreshed == [("B", "sB")]


# -- answers -------------------------------------------------------------------------------------------


async def test_answers_go_to_the_socket_of_their_session_with_the_length_of_the_queue(
    gateway: Gateway,
) -> None:
    station, other = at(gateway), at(gateway, "B", "sB")
    await gateway.arrive(station.socket)
    await gateway.arrive(other.socket)

    await gateway._deliver(Taken("A", "s1", 51, [b'{"charge_point_id":"A","payload":[3,"1",{}]}'] * 2))

    assert (station.sent, other.sent) == (['[3,"1",{}]'] * 2, [])
    assert station.socket.is_stopped


async def test_a_wake_up_for_a_connection_elsewhere_closes_the_one_here(
    gateway: Gateway, bench: QueueBench
) -> None:
    station, other = at(gateway), at(gateway, "B", "sB")
    await gateway.arrive(station.socket)
    await gateway.arrive(other.socket)
    await arrive_elsewhere(bench, "s2")

    await gateway._deliver(Taken("A", "", 0, []))
    await settle()

    assert (station.sent, other.sent) == ([REPLACED], [])


async def test_a_wake_up_for_an_unknown_station_changes_nothing(gateway: Gateway) -> None:
    station = at(gateway)
    await gateway.arrive(station.socket)

    await gateway._deliver(Taken("B", "", 0, []))
    await settle()

    assert station.sent == []
    assert station.socket.must_refresh is False
