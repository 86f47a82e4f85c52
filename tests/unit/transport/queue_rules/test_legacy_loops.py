"""The service for legacy gateways keeps running: its loops, their pauses, and outages of Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from ocpp_server.transport.queue import legacy_gateway as module
from ocpp_server.transport.queue.keys import QueueKeys
from ocpp_server.transport.queue.legacy_gateway import LegacyGateways
from tests.logged import captured_logs
from tests.unit.transport.instant import skip_waits
from tests.unit.transport.queue_rules.redis_double import AWAY

LOST = RedisConnectionError("Redis closed the connection.")
NAMES = {id(getattr(module, f"_{name.upper()}")): name for name in ("drain", "announced", "tidy")}


class World:
    """Redis and its clients. `steps` has the second of each call and the call."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.keys = QueueKeys("p")
        self.steps: list[tuple[float, tuple[Any, ...]]] = []
        # The replies to the next calls; a call without one waits for ever.
        self.replies: dict[str, list[Any]] = {}
        self.clients: list[tuple[str, dict[str, Any]]] = []
        self.closed: list[str] = []
        self._loop = loop
        self._began = loop.time()

    async def call(self, *parts: Any, block_s: float = 0.0) -> Any:
        return await self._reply(str(parts[0]), *parts[1:], block_s)

    async def run(self, used: Any, *arguments: Any) -> Any:
        return await self._reply(NAMES[id(used)], *arguments)

    async def _reply(self, name: str, *arguments: Any) -> Any:
        self.steps.append((round(self._loop.time() - self._began, 1), (name, *arguments)))
        if not self.replies.get(name):
            await asyncio.Event().wait()
        reply = self.replies[name].pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply

    def times_of(self, name: str) -> list[float]:
        return [time for time, step in self.steps if step[0] == name]

    # The client for announcements.

    def from_url(self, url: str, **options: Any) -> World:
        self.clients.append((url, options))
        return self

    def pubsub(self) -> Any:
        async def aclose() -> None:
            self.closed.append("pubsub")

        async def subscribe(*channels: str) -> None:
            await self._reply("subscribe", *channels)

        return SimpleNamespace(aclose=aclose, subscribe=subscribe, listen=self._listen)

    async def _listen(self) -> AsyncIterator[Any]:
        while True:
            yield await self._reply("listen")

    async def aclose(self) -> None:
        self.closed.append("client")


@asynccontextmanager
async def served(monkeypatch: pytest.MonkeyPatch, **replies: list[Any]) -> AsyncIterator[World]:
    world = World(skip_waits(monkeypatch, only_jumps=True))
    world.replies = replies
    monkeypatch.setattr(module, "Wire", lambda: world)
    monkeypatch.setattr(module, "Redis", world)
    task = asyncio.create_task(LegacyGateways(world).run())  # type: ignore[arg-type]
    try:
        yield world
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_the_one_list_is_emptied_before_the_next_element_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    replies = {"BLMOVE": [b"one", None, b"two"], "drain": [500, 500, 499, 0]}
    async with served(monkeypatch, **replies) as world:
        await asyncio.sleep(5)

    shared = world.keys.shared_requests
    wait, drain = ("BLMOVE", shared, shared, "RIGHT", "RIGHT", "1", 1.0), ("drain", 500)
    steps = [step for _, step in world.steps if step[0] in ("BLMOVE", "drain")]
    assert steps == [wait, drain, drain, drain, wait, wait, drain, wait]


@pytest.mark.parametrize("replies", [{"BLMOVE": [LOST]}, {"BLMOVE": [b"one"], "drain": [AWAY]}])
async def test_the_one_list_is_read_again_half_a_second_after_an_outage(
    monkeypatch: pytest.MonkeyPatch, replies: dict[str, list[Any]]
) -> None:
    with captured_logs() as lines:
        async with served(monkeypatch, **replies) as world:
            await asyncio.sleep(5)

    assert world.times_of("BLMOVE") == [0.0, 0.5]
    assert [line["event"] for line in lines] == ["older_gateway.drain_waits"]


async def test_announcements_are_subscribed_again_half_a_second_after_an_outage(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.REDIS_URL = "redis://somewhere"
    with captured_logs() as lines:
        async with served(monkeypatch, subscribe=[LOST, None]) as world:
            await asyncio.sleep(5)
            assert world.closed == ["pubsub", "client"]

    channels = (world.keys.announced_connect, world.keys.announced_disconnect)
    assert [step for step in world.steps if step[1][0] == "subscribe"] == [
        (0.0, ("subscribe", *channels)),
        (0.5, ("subscribe", *channels)),
    ]
    assert [line["event"] for line in lines] == ["older_gateway.deaf"]
    # Without a limit, a Redis that accepts no connection would keep the processor from the announcements.
    assert world.clients == [("redis://somewhere", {"protocol": 2, "socket_connect_timeout": 2})] * 2
    assert world.closed == ["pubsub", "client"] * 2


async def test_an_announcement_that_redis_does_not_take_is_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    message = {"type": "message", "channel": b"p:control:connect", "data": b'{"charge_point_id":"A"}'}
    replies = {"subscribe": [None, None], "listen": [message], "announced": [AWAY]}
    async with served(monkeypatch, **replies) as world:
        await asyncio.sleep(5)

    assert world.times_of("subscribe") == [0.0, 0.5]


async def test_the_list_of_active_stations_is_tidied_every_minute_also_after_an_outage(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with served(monkeypatch, tidy=[1, AWAY, 1]) as world:
        await asyncio.sleep(200)

    assert world.times_of("tidy") == [60.0, 120.0, 180.0]
