"""Fixtures of the tests of this folder."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from ocpp_server.transport.queue import processor as module
from ocpp_server.transport.queue import queued_commands
from ocpp_server.transport.queue.claims import Claims
from ocpp_server.transport.queue.processor import Processor
from tests.unit.transport.instant import skip_waits
from tests.unit.transport.queue_rules.processors import Running, StationsDouble
from tests.unit.transport.queue_rules.redis_double import RedisDouble


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Any]:
    """Run a processor for a while of the loop's time, which passes at once."""

    @asynccontextmanager
    async def run(**replies: list[Any]) -> AsyncIterator[Running]:
        loop = skip_waits(monkeypatch, only_jumps=True)
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=loop.time))
        monkeypatch.setattr(module.random, "uniform", lambda least, most: most)
        processor, redis, stations = Processor(), RedisDouble(), StationsDouble()
        processor._redis = redis  # type: ignore[assignment]
        processor._claims = Claims(redis, "me")  # type: ignore[arg-type]
        processor._stations = stations  # type: ignore[assignment]
        redis.replies = replies
        stop = asyncio.Event()
        running = loop.create_task(processor.run(stop))
        yield Running(
            redis=redis, stations=stations, processor=processor, loop=loop, began=loop.time(), stop=stop
        )
        stop.set()
        await asyncio.wait_for(running, 300)

    @asynccontextmanager
    async def no_sweep(**replies: list[Any]) -> AsyncIterator[Running]:
        async def sweep(_: Any) -> float:
            return 1_000.0

        monkeypatch.setattr(queued_commands, "sweep", sweep)
        async with run(**replies) as running:
            yield running

    return no_sweep
