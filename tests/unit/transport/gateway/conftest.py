"""A clock for the sockets of each test, and a real Redis for the gateways of those that use one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio

from ocpp_server import live
from ocpp_server.transport import shutdown
from ocpp_server.transport.gateway.process import Gateway
from tests.distributed import engines
from tests.redis_scripts import QueueBench
from tests.unit.transport.gateway.world import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of sockets and gateways; that of Redis is the real one."""
    clock = Clock()
    monkeypatch.setattr("ocpp_server.transport.gateway.socket.time", clock)
    monkeypatch.setattr("ocpp_server.transport.gateway.process.time", clock)
    return clock


@pytest.fixture(scope="session")
def engine() -> Iterator[engines.Redis]:
    engine = engines.Redis(engines.REDIS_URL)
    yield engine
    engine.close()


@pytest_asyncio.fixture
async def bench(engine: engines.Redis, settings: Any) -> AsyncIterator[QueueBench]:
    bench = QueueBench(engine, settings)
    yield bench
    bench.close()


@pytest_asyncio.fixture
async def gateway(bench: QueueBench, clock: Clock) -> AsyncIterator[Gateway]:
    """A gateway that runs no task until the test starts it."""
    live.reset()
    shutdown.serve(tuple)
    gateway = Gateway()
    yield gateway
    shutdown.end_now()
    if gateway._keeper is None:  # it would wait for its uplink
        for part in (gateway, gateway.uplink, gateway.downlink):
            part._wire.close()
    else:
        await gateway.stop()
    shutdown.serve(tuple)
    live.reset()
