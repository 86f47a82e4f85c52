"""A link whose calls are recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from redis.asyncio.client import PubSub

from ocpp_server.live.redis.link import Link
from tests.redis_scripts import Bench
from tests.unit.live.redis.stand_ins import PATIENCE_S, Clock


class Listening:
    """A link, and what it calls. A test can do something in each call."""

    def __init__(self, url: str, bench: Bench, clock: Clock) -> None:
        self.link = Link(url, bench.keys.news, up=self._up, news=self._news, tick=self._tick)
        self.bench, self.clock = bench, clock
        self.seen: list[str] = []
        self.in_up: Callable[[], Any] = lambda: None
        self.in_tick: Callable[[], Any] = lambda: None
        self.in_news: Callable[[], Any] = lambda: None
        self.tick_hangs: Callable[[], Awaitable[None]] | None = None
        self._changed = asyncio.Event()

    def _note(self, what: str) -> None:
        self.seen.append(what)
        self._changed.set()

    async def _up(self) -> None:
        self.in_up()
        self._note("up")

    def _news(self, text: str) -> None:
        self.in_news()
        self._note(f"news {text}")

    async def _tick(self) -> None:
        if self.tick_hangs is not None:
            await self.tick_hangs()
        self.in_tick()
        self._note("tick")

    async def until(self, what: str, times: int = 1) -> None:
        """Wait until the link has called this so often."""
        async with asyncio.timeout(PATIENCE_S):
            while self.seen.count(what) < times:
                self._changed.clear()
                await self._changed.wait()

    async def news(self, text: str, *, is_awaited: bool = True) -> None:
        """Publish news, and wait until they have arrived."""
        before = self.seen.count(f"news {text}")
        self.bench.client.publish(self.bench.keys.news, text)
        if is_awaited:
            await self.until(f"news {text}", before + 1)

    async def until_clients(self, number: int) -> None:
        """Wait until Redis has noticed that the others have closed their connections."""
        async with asyncio.timeout(PATIENCE_S):
            while self.bench.client.info("clients")["connected_clients"] > number:
                await asyncio.sleep(0)

    def record_waits(self, monkeypatch: pytest.MonkeyPatch) -> list[float]:
        """The longest times for which the link asks the client to wait for a message."""
        waits: list[float] = []
        get = PubSub.get_message

        async def recorded(pubsub: Any, **arguments: Any) -> Any:
            waits.append(arguments["timeout"])
            return await get(pubsub, **arguments)

        monkeypatch.setattr(PubSub, "get_message", recorded)
        return waits

    def keep_pings(self, monkeypatch: pytest.MonkeyPatch) -> list[float]:
        """Send no PING, as if it were lost on its way. Returns the times of the attempts."""
        sent: list[float] = []

        async def lost(_: Any) -> None:
            sent.append(self.clock.now)

        monkeypatch.setattr(PubSub, "ping", lost)
        return sent
