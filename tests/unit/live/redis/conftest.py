"""A real Redis for the session, keys in it for each test, and processes that use it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from django.utils import timezone

from ocpp_server.live import extensions, memory
from ocpp_server.live.extensions import Extension
from ocpp_server.live.redis import link as link_module
from ocpp_server.live.redis import numbers, state
from ocpp_server.live.redis.leases import Leases
from ocpp_server.live.redis.link import Link
from ocpp_server.storage.journal import journal
from tests.distributed import engines
from tests.redis_fixtures import engine
from tests.redis_scripts import Bench
from tests.unit.live.redis.listening import Listening
from tests.unit.live.redis.stand_ins import (
    AT,
    LEASE_MS,
    LEASE_S,
    PATIENCE_S,
    Clock,
    Notices,
    Processes,
    Stored,
)

__all__ = ["engine"]


@pytest.fixture
def bench(engine: engines.Redis) -> Iterator[Bench]:
    bench = Bench(engine)
    yield bench
    bench.close()


@pytest.fixture
def url(engine: engines.Redis, bench: Bench, settings: Any) -> str:
    """The address of Redis, which the settings have too."""
    engine.use(settings)
    settings.REDIS_STATE_PREFIX = bench.prefix
    settings.REDIS_STATE_TTL = LEASE_S
    return str(settings.REDIS_URL)


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that the test sets, for all modules that read the time or sleep."""
    clock = Clock()
    for module in (link_module, memory, numbers, state):
        monkeypatch.setattr(module, "time", clock)
        if hasattr(module, "asyncio"):
            monkeypatch.setattr(module, "asyncio", clock)
    return clock


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> Stored:
    """The stored data of the apps."""
    stored = Stored()

    async def run(function: Any, *arguments: Any) -> Any:
        return function(*arguments)

    async def run_batched(many: Any, item: Any) -> Any:
        return many([item])[0]

    monkeypatch.setattr(timezone, "localdate", AT.date)
    monkeypatch.setattr(journal, "run", run)
    monkeypatch.setattr(journal, "run_batched", run_batched)
    for port in (extensions.transactions, extensions.keys, extensions.tokens):
        monkeypatch.setattr(port, "app", stored)
    app = Extension(name="app of the test", forget=stored.forget)
    monkeypatch.setattr(extensions, "_extensions", {**extensions.registered(), app.name: app})
    return stored


@pytest.fixture
async def link(url: str) -> AsyncIterator[Link]:
    """A connection that sends commands and listens to nothing."""

    async def nothing() -> None:
        """Never called: the link is not started."""

    link = Link(url, "", up=nothing, news=lambda text: None, tick=nothing)
    yield link
    async with asyncio.timeout(PATIENCE_S):
        await link.stop()


@pytest.fixture
async def listening(url: str, bench: Bench, clock: Clock) -> AsyncIterator[Listening]:
    listening = Listening(url, bench, clock)
    yield listening
    async with asyncio.timeout(PATIENCE_S):
        await listening.link.stop()


@pytest.fixture
def notices() -> Notices:
    return Notices()


@pytest.fixture
async def leases(link: Link, bench: Bench, notices: Notices) -> Leases:
    leases = Leases(link, bench.keys, "P1", LEASE_MS)
    leases.lost, leases.regained = notices.is_lost, notices.is_regained
    return leases


@pytest.fixture
async def other(link: Link, bench: Bench) -> Leases:
    """The leases of another process."""
    return Leases(link, bench.keys, "P2", LEASE_MS)


@pytest.fixture
async def processes(
    bench: Bench, engine: engines.Redis, url: str, clock: Clock, stored: Stored
) -> AsyncIterator[Processes]:
    processes = Processes(bench, engine, url, clock, stored)
    await processes.listen()
    yield processes
    await processes.close()
