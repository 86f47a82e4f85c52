"""The downlink of a gateway: it takes answers after a wake-up, and polls stations that wait without one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from ocpp_server.transport.gateway.downlink import Downlink
from ocpp_server.transport.queue.gateway_side import Taken
from tests.unit.transport.gateway.queue_double import QueueDouble
from tests.unit.transport.gateway.world import settle
from tests.unit.transport.instant import skip_waits

A, B = Taken("A", "s1", 0, [b"a1", b"a2"]), Taken("B", "s2", 0, [b"b1"])
POLL_S = 1.0


class World:
    def __init__(self) -> None:
        self.queue = QueueDouble()
        self.delivered: list[Taken] = []
        self.overdue: list[str] = []
        self.errors: list[str] = []
        self.broken = ""
        self.downlink = Downlink(
            self.queue,  # type: ignore[arg-type]
            deliver=self._deliver,
            overdue=lambda: self.overdue,
            away=lambda error: self.errors.append(str(error)),
        )

    async def _deliver(self, taken: Taken) -> None:
        if taken.identity == self.broken:
            raise ValueError("unreadable")
        self.delivered.append(taken)

    @property
    def takes(self) -> list[tuple[int, list[str], float]]:
        """The number of each take, the stations that are polled, and how long it blocks."""
        return self.queue.of("take")


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    skip_waits(monkeypatch, only_jumps=True)
    world = World()
    yield world
    await world.downlink.stop()


async def until_takes(world: World, number: int) -> None:
    world.downlink.start()
    await world.queue.until(number)


async def test_the_answers_of_each_take_are_delivered_and_counted(world: World) -> None:
    world.queue.replies["take"] = [[A, B], [B]]

    await until_takes(world, 3)

    assert world.delivered == [A, B, B]
    assert (world.downlink.takes, world.downlink.answers) == (2, 4)
    assert world.takes == [(0, [], POLL_S), (1, [], POLL_S), (2, [], POLL_S)]


async def test_a_take_whose_reply_was_lost_is_repeated_after_longer_and_longer_waits(world: World) -> None:
    world.queue.replies["take"] = [RedisConnectionError("away")] * 5 + [[A], RedisConnectionError("again")]

    await until_takes(world, 8)

    assert [number for number, _, _ in world.takes] == [0] * 6 + [1] * 2
    assert world.queue.waits == [0.1, 0.2, 0.5, 1.0, 1.0, 0.0, 0.1]
    assert world.errors == ["away"] * 5 + ["again"]
    assert world.delivered == [A]


async def test_an_answer_that_cannot_be_delivered_does_not_block_the_others(world: World) -> None:
    world.queue.replies["take"] = [[A, B]]
    world.broken = "A"

    await until_takes(world, 2)

    assert world.delivered == [B]


async def test_overdue_stations_are_polled_every_second_without_waiting(world: World) -> None:
    world.overdue = ["A", "B"]

    await until_takes(world, 5)

    polls, waits = (1, ["A", "B"], 0), (2, [], POLL_S)
    assert world.takes == [(0, [], POLL_S), polls, waits, (3, *polls[1:]), (4, *waits[1:])]
    assert world.queue.waits == [POLL_S, 0.0, POLL_S, 0.0]


async def test_a_wake_up_in_the_first_second_polls_no_station(world: World) -> None:
    world.queue.replies["take"] = [[A]]
    world.overdue = ["B"]

    await until_takes(world, 2)

    assert world.takes == [(0, [], POLL_S), (1, [], POLL_S)]


async def test_a_station_is_polled_once_when_it_is_asked_for(world: World) -> None:
    world.downlink.poll("A")
    world.downlink.poll("A")

    await until_takes(world, 5)

    assert [also for _, also, _ in world.takes] == [[], ["A"], [], [], []]


async def test_a_stopped_downlink_takes_nothing(world: World) -> None:
    await until_takes(world, 1)

    await world.downlink.stop()

    assert asyncio.all_tasks() == {asyncio.current_task()}
    await settle()
    assert len(world.takes) == 1


async def test_a_downlink_that_was_not_started_stops(world: World) -> None:
    await world.downlink.stop()

    assert world.takes == []
