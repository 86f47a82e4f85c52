"""Probes of the sockets of a process: each is pinged, and confirmed when its station answers."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from ocpp_server import live
from ocpp_server.transport import probing
from ocpp_server.transport.probing import Prober


class Socket:
    """`heard_at` is when the station was last heard; None where that is unknown."""

    def __init__(self, clock: SimpleNamespace) -> None:
        self._clock = clock
        self.heard_at: float | None = clock.now - 5
        self.pings: list[float] = []

    def ping(self) -> None:
        self.pings.append(self._clock.now)

    def silence_s(self) -> float | None:
        return None if self.heard_at is None else self._clock.now - self.heard_at


class World:
    def __init__(self, clock: SimpleNamespace) -> None:
        self.clock = clock
        self.socket = Socket(clock)
        self.sockets: dict[str, Socket] = {"a": self.socket}
        self.prober = Prober()

    async def answer(self, after: float = 0.0) -> bool:
        """Answer the requests; whether the socket is confirmed now."""
        self.clock.now += after
        await self.prober.answer(self.sockets)
        return await live.state().probes.is_confirmed("a")

    async def request(self, connection_id: str = "a") -> None:
        await live.state().probes.request(connection_id)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    clock = SimpleNamespace(now=1000.0)
    fake = SimpleNamespace(monotonic=lambda: clock.now)
    monkeypatch.setattr(probing, "time", fake)
    monkeypatch.setattr("ocpp_server.live.probes.time", fake)
    live.reset()
    yield World(clock)
    live.reset()


async def test_a_requested_socket_is_pinged_once_while_its_station_is_silent(world: World) -> None:
    await world.request()

    assert [await world.answer(), await world.answer(1), await world.answer(1)] == [False] * 3

    assert world.socket.pings == [1000.0]


async def test_a_station_that_was_heard_after_the_ping_is_confirmed_and_pinged_again(world: World) -> None:
    await world.request()
    await world.answer()

    world.socket.heard_at = 1000.5
    assert await world.answer(1)

    assert world.socket.pings == [1000.0, 1001.0]


async def test_a_station_that_was_heard_before_the_ping_is_not_confirmed(world: World) -> None:
    world.socket.heard_at = 1000.0
    await world.request()
    await world.answer()

    assert not await world.answer(1)


async def test_a_socket_whose_silence_is_unknown_counts_as_alive(world: World) -> None:
    world.socket.heard_at = None
    await world.request()

    assert await world.answer()
    assert world.socket.pings == [1000.0]


async def test_nothing_is_pinged_without_a_request_or_for_another_process(world: World) -> None:
    await world.request("of another process")

    assert not await world.answer()

    assert world.socket.pings == []


async def test_the_ping_of_an_earlier_request_confirms_no_later_one(world: World) -> None:
    await world.request()
    await world.answer()
    await world.answer(5)  # the request has expired
    world.socket.heard_at = world.clock.now
    await world.request()

    assert not await world.answer(1)
    assert world.socket.pings == [1000.0, 1006.0]


async def test_a_socket_that_closes_meanwhile_does_not_stop_the_others(world: World) -> None:
    for name in ("gone", "a"):
        await world.request(name)

    class Closing(dict[str, Socket]):
        def get(self, key: str, default: object = None) -> Socket | None:  # type: ignore[override]
            return None if key == "gone" else self[key]

    world.sockets = Closing({"gone": Socket(world.clock), "a": world.socket})

    await world.answer()

    assert world.socket.pings == [1000.0]
