"""A clock for the sockets of each test, and a real Redis for the gateways of those that use one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from ocpp_server import live
from ocpp_server.transport import shutdown
from ocpp_server.transport.gateway import front
from ocpp_server.transport.gateway.process import Gateway
from ocpp_server.transport.handshake import admission
from ocpp_server.transport.handshake.per_minute import DistinctPerMinute
from tests.redis_fixtures import bench, engine
from tests.redis_scripts import QueueBench
from tests.unit.transport.admission.handshakes import Journal, Stations
from tests.unit.transport.gateway.world import Clock, Refreshes

__all__ = ["bench", "engine"]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of sockets and gateways; that of Redis is the real one."""
    clock = Clock()
    monkeypatch.setattr("ocpp_server.transport.gateway.socket.time", clock)
    monkeypatch.setattr("ocpp_server.transport.gateway.process.time", clock)
    return clock


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


@pytest.fixture
def refreshes(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> Refreshes:
    return Refreshes(gateway, monkeypatch)


@pytest_asyncio.fixture
async def opened(
    gateway: Gateway, stations: Stations, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Gateway]:
    """The gateway of the process, open for stations. It pushes nothing."""
    monkeypatch.setattr(front, "gateway", gateway)
    await gateway._tick()
    yield gateway


@pytest.fixture
def stations(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Stations:
    settings.OCPP_UNKNOWN_STATIONS = "register"
    settings.OCPP_UNKNOWN_STATIONS_PER_MINUTE = 100
    settings.OCPP_HEARTBEAT_INTERVAL, settings.OCPP_PING_INTERVAL = 50, 10
    settings.OCPP_STATION_RATE = 0
    settings.FORWARDED_ALLOW_IPS = ""
    stored = Stations()
    monkeypatch.setattr(admission.port, "app", stored)
    monkeypatch.setattr(admission, "journal", Journal())
    monkeypatch.setattr(admission, "_unknown", DistinctPerMinute())
    return stored
