"""The uplink of a gateway: frames in batches, repeated until Redis has replied, and the ends after them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from ocpp_server.transport.gateway.uplink import Uplink
from ocpp_server.transport.queue.gateway_side import MISSING, REPLACED, Batch
from tests.unit.transport.gateway.queue_double import QueueDouble
from tests.unit.transport.gateway.world import settle
from tests.unit.transport.instant import skip_waits

BROKEN = ResponseError("WRONGTYPE Operation against a key holding the wrong kind of value")


@dataclass(eq=False)
class Source:
    """A socket with what it was notified of."""

    identity: str
    outbox: list[bytes] = field(default_factory=list)
    first: int = 1
    ended: str | None = None
    notes: list[Any] = field(default_factory=list)
    session_id: str = "s1"
    protocol: str = "ocpp1.6"

    def pushed(self, frames: int, queue: int) -> None:
        self.notes.append((frames, queue))

    def replaced(self) -> None:
        self.notes.append("replaced")

    def failed(self, reason: str) -> None:
        self.notes.append(reason)


class World:
    def __init__(self) -> None:
        self.queue = QueueDouble()
        self.redis: list[str] = []
        self.uplink = Uplink(
            self.queue,  # type: ignore[arg-type]
            restore=self.queue.restore,
            away=lambda error: self.redis.append(str(error)),
            back=lambda: self.redis.append("back"),
        )

    def push(self, source: Source, *frames: bytes) -> Source:
        for frame in frames:
            self.uplink.push(source, frame)
        return source

    def end(self, source: Source, reason: str | None = "closed") -> None:
        source.ended = reason
        self.uplink.end(source)

    async def run(self) -> None:
        """Start, and stop when all is pushed."""
        self.uplink.start()
        await self.uplink.stop(60)


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    skip_waits(monkeypatch, only_jumps=True)
    yield World()


# -- frames --------------------------------------------------------------------------------------------


async def test_the_waiting_frames_of_all_stations_are_pushed_together(world: World) -> None:
    a, b = world.push(Source("A"), b"1", b"2"), world.push(Source("B"), b"1")
    assert world.uplink.waiting == 2

    await world.run()

    assert world.queue.of("push") == [[Batch("A", "s1", 1, [b"1", b"2"]), Batch("B", "s1", 1, [b"1"])]]
    assert (a.notes, b.notes) == ([(2, 1)], [(1, 1)])
    assert (world.uplink.pushes, world.uplink.frames, world.uplink.waiting) == (1, 3, 0)
    assert world.redis == ["back"]


async def test_frames_that_arrive_during_a_push_go_with_the_next_one_and_its_number(world: World) -> None:
    source = world.push(Source("A"), b"1", b"2")
    world.queue.gate.clear()
    world.uplink.start()
    await settle()

    world.push(source, b"3", b"4")
    world.queue.gate.set()
    await world.uplink.stop(60)

    assert world.queue.of("push") == [
        [Batch("A", "s1", 1, [b"1", b"2"])],
        [Batch("A", "s1", 3, [b"3", b"4"])],
    ]
    assert (world.uplink.pushes, world.uplink.frames) == (2, 4)


async def test_a_frame_wakes_up_an_idle_uplink(world: World) -> None:
    world.uplink.start()
    await settle()

    world.push(Source("A"), b"1")
    await settle()
    world.push(Source("B"), b"1")
    await settle()

    assert [[batch.identity for batch in batches] for batches in world.queue.of("push")] == [["A"], ["B"]]
    await world.uplink.stop(60)


async def test_one_push_has_256_stations_at_most(world: World) -> None:
    for number in range(257):
        world.push(Source(str(number)), b"1")

    await world.run()

    assert [len(batches) for batches in world.queue.of("push")] == [256, 1]


async def test_a_queue_may_be_empty_after_a_push(world: World) -> None:
    world.queue.replies["push"] = [[0]]
    source = world.push(Source("A"), b"1")

    await world.run()

    assert source.notes == [(1, 0)]


# -- sessions that Redis has lost ----------------------------------------------------------------------


async def test_a_lost_session_is_restored_and_its_frames_are_pushed_again(world: World) -> None:
    world.queue.replies["push"] = [[MISSING, 5], [7]]
    a, b = world.push(Source("A"), b"1"), world.push(Source("B"), b"1")

    await world.run()

    assert world.queue.of("restore") == ["A"]
    assert world.queue.of("push")[1:] == [[Batch("A", "s1", 1, [b"1"])]]
    assert (a.notes, b.notes) == ([(1, 7)], [(1, 5)])
    assert world.uplink.frames == 2


async def test_a_session_that_cannot_be_restored_was_replaced(world: World) -> None:
    world.queue.replies = {"push": [[MISSING]], "restore": [False]}
    source = world.push(Source("A"), b"1")

    await world.run()

    assert source.notes == ["replaced"]
    assert len(world.queue.of("push")) == 1


async def test_a_session_whose_socket_is_closed_is_not_restored(world: World) -> None:
    world.queue.replies["push"] = [[MISSING]]
    source = world.push(Source("A", ended=""), b"1")

    await world.run()

    assert world.queue.of("restore") == []
    assert source.notes == ["replaced"]


async def test_the_frames_of_a_replaced_session_are_dropped(world: World) -> None:
    world.queue.replies["push"] = [[REPLACED, 1]]
    a, b = world.push(Source("A"), b"1"), world.push(Source("B"), b"1")

    await world.run()

    assert (a.notes, b.notes) == (["replaced"], [(1, 1)])
    assert world.queue.of("restore") == []


# -- outages and broken keys ---------------------------------------------------------------------------


async def test_a_push_is_repeated_after_longer_and_longer_waits_until_redis_replies(world: World) -> None:
    world.queue.replies["push"] = [RedisConnectionError("away")] * 6
    source = world.push(Source("A"), b"1")

    await world.run()

    assert world.queue.of("push") == [[Batch("A", "s1", 1, [b"1"])]] * 7
    assert world.queue.waits == [0.1, 0.2, 0.5, 1.0, 1.0, 1.0]
    assert world.redis == ["away"] * 6 + ["back"]
    assert source.notes == [(1, 1)]


async def test_a_temporary_refusal_of_redis_is_an_outage(world: World) -> None:
    world.queue.replies["push"] = [ResponseError("OOM command not allowed when used memory > 'maxmemory'.")]
    source = world.push(Source("A"), b"1")

    await world.run()

    assert source.notes == [(1, 1)]
    assert len(world.redis) == 2


async def test_a_station_with_broken_keys_is_closed_and_the_others_are_pushed(world: World) -> None:
    world.queue.replies["push"] = [BROKEN, [1], BROKEN, [1]]
    a, b, c = (world.push(Source(identity), b"1") for identity in "ABC")

    await world.run()

    assert [len(batches) for batches in world.queue.of("push")] == [3, 1, 1, 1]
    assert a.notes == c.notes == [(1, 1)]
    assert b.notes == ["The queue of this station is unusable."]
    assert world.redis == ["back", "back"]


async def test_an_unexpected_error_closes_the_sockets_of_the_push_and_the_uplink_goes_on(
    world: World,
) -> None:
    world.queue.replies["push"] = [ValueError("no numbers")]
    first = world.push(Source("A"), b"1")
    world.uplink.start()
    await settle()

    second = world.push(Source("B"), b"1")
    await world.uplink.stop(60)

    assert first.notes == ["Messages cannot be stored."]
    assert second.notes == [(1, 1)]


async def test_a_reply_about_fewer_stations_closes_their_sockets(world: World) -> None:
    world.queue.replies["push"] = [[1]]
    sources = [world.push(Source(identity), b"1") for identity in "AB"]

    await world.run()

    assert sources[1].notes == ["Messages cannot be stored."]


# -- the ends of connections ---------------------------------------------------------------------------


async def test_the_end_of_a_connection_is_pushed_after_its_frames(world: World) -> None:
    source = world.push(Source("A"), b"1")
    world.end(source, "gone")

    await world.run()

    assert [step[0] for step in world.queue.steps] == ["push", "close"]
    assert world.queue.of("close") == [[("A", "s1", "ocpp1.6", "gone")]]


async def test_an_end_wakes_up_an_idle_uplink_and_is_pushed_once(world: World) -> None:
    world.uplink.start()
    await settle()

    world.end(Source("A"), None)
    await settle()
    world.end(Source("B"))
    await world.uplink.stop(60)

    assert world.queue.of("close") == [[("A", "s1", "ocpp1.6", "")], [("B", "s1", "ocpp1.6", "closed")]]
    assert world.queue.of("push") == []


async def test_the_end_of_a_connection_waits_while_its_frames_do(world: World) -> None:
    for number in range(256):
        world.push(Source(str(number)), b"1")
    late = world.push(Source("late"), b"1")
    world.end(late)
    world.end(Source("idle"))

    await world.run()

    assert [step[0] for step in world.queue.steps] == ["push", "close", "push", "close"]
    assert [[one[0] for one in ended] for ended in world.queue.of("close")] == [["idle"], ["late"]]


async def test_one_call_ends_256_connections_at_most(world: World) -> None:
    for number in range(257):
        world.end(Source(str(number)))

    await world.run()

    ended = world.queue.of("close")
    assert [len(some) for some in ended] == [256, 1]
    assert [one[0] for some in ended for one in some] == [str(number) for number in range(257)]


async def test_a_station_with_broken_keys_keeps_no_other_connection_open(world: World) -> None:
    world.queue.replies["close"] = [BROKEN, BROKEN]
    world.end(Source("A"))
    world.end(Source("B"))

    await world.run()

    assert [[one[0] for one in ended] for ended in world.queue.of("close")] == [["A", "B"], ["A"], ["B"]]


# -- stopping ------------------------------------------------------------------------------------------


async def test_a_stop_waits_until_everything_is_pushed(world: World) -> None:
    world.queue.gate.clear()
    source = world.push(Source("A"), b"1")
    world.uplink.start()
    await settle()

    asyncio.get_running_loop().call_later(59, world.queue.gate.set)
    await world.uplink.stop(60)

    assert source.notes == [(1, 1)]


async def test_a_stop_waits_for_frames_that_arrive_after_an_idle_time(world: World) -> None:
    world.uplink.start()
    await settle()
    world.queue.gate.clear()

    source = world.push(Source("A"), b"1")
    asyncio.get_running_loop().call_later(59, world.queue.gate.set)
    await world.uplink.stop(60)

    assert source.notes == [(1, 1)]


async def test_a_stop_gives_up_after_its_timeout_and_pushes_nothing_later(world: World) -> None:
    loop = asyncio.get_running_loop()
    world.queue.gate.clear()
    source = world.push(Source("A"), b"1")
    world.uplink.start()
    began = loop.time()

    await world.uplink.stop(60)

    assert loop.time() - began == pytest.approx(60)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert source.notes == []


async def test_an_uplink_that_was_not_started_stops(world: World) -> None:
    world.push(Source("A"), b"1")

    await world.uplink.stop(0)

    assert world.queue.steps == []
